"""The view of a story: one value that all three formats and the web pages are written from."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from aggregator.model import Entry, Instant, Item, PodcastTag, SourceId, Story, StoryId, TagKind
from aggregator.publish.entry import addresses, characters, closing, enriched, excerpt, outlets
from aggregator.publish.entry.closing import Also, Before, Discussion, Follows
from aggregator.publish.entry.enriched import Told
from aggregator.publish.entry.pictures import Image, Pictures, figure
from aggregator.publish.entry.wording import wording
from aggregator.settings import Site
from aggregator.text.pictures import is_image
from aggregator.text.podcasts import PICTURES, checked
from aggregator.text.words import tokens

ALL_PICTURES = Pictures()


class Origin(Struct, frozen=True):
    """The feed that the lead came from. url: its public address; site: its publisher's front page."""

    title: str
    url: str
    site: str = ""


class Term(Struct, frozen=True):
    """A category. scheme: an IRI for the kind of term; None for a category from the source's feed."""

    term: str
    scheme: str | None


class Media(Struct, frozen=True):
    """An enclosure: sound, film or a document. length: in bytes, 0 if unknown; duration: in seconds."""

    url: str
    type: str
    length: int
    duration: int | None
    title: str | None


class View(Struct, frozen=True):
    """A story as published in one content mode. All texts are clean; `published` is in whole seconds.

    authors: persons. summary: plain text. body: HTML, never empty, with who else reports it. full: whether the body is the whole
    text, in which case formats add the summary. page: the address of the story's page; page_link: HTML that leads there from
    feeds, or "". discussions: where it is discussed. figure: HTML of the picture if the body shows none, or "".
    tags: of a podcast's episode. follows: the thread that it goes on. told: by hooks; headline: the outlet's, where `title` is a
    hook's or a person's. lead_published: when the lead's outlet reported it, in whole seconds; first: who reported it earlier, or
    None.
    """

    id: StoryId
    title: str
    link: str
    page: str
    published: int
    updated: float
    authors: tuple[str, ...]
    outlet: str
    origin: Origin | None
    summary: str
    body: str
    full: bool
    also: tuple[Also, ...]
    terms: tuple[Term, ...]
    media: tuple[Media, ...]
    image: Image | None
    comments: str | None
    language: str | None
    discussions: tuple[Discussion, ...] = ()
    page_link: str = ""
    figure: str = ""
    tags: tuple[PodcastTag, ...] = ()
    follows: Follows | None = None
    told: tuple[Told, ...] = ()
    headline: str = ""
    lead_published: int = 0
    first: outlets.FirstReport | None = None

    @property
    def in_feeds(self) -> str:
        """The body as feeds carry it: with the picture, and with the way to the story's page."""
        return self.figure + self.body + self.page_link

    @property
    def names(self) -> tuple[str, ...]:
        """Whose words these are: the authors, then the outlet, unless they name it already."""
        outlet = _words(self.outlet)
        is_named = any(outlet in _words(name) for name in self.authors)
        return self.authors if is_named else (*self.authors, self.outlet)

    @property
    def byline(self) -> str:
        """`names` as one, for formats of which readers show one author alone."""
        return ", ".join(self.names)

    @property
    def earlier_pages(self) -> tuple[Before, ...]:
        """Earlier stories of the thread that have a page here. An article's address would be taken for a report of this story."""
        return self.follows.earlier if self.follows is not None and self.follows.page is not None else ()

    @property
    def has_page(self) -> bool:
        """Whether the story has its own page."""
        return self.page.endswith(addresses.story_path(self.id))


def unique_updated(updated: Instant, id: str) -> float:
    """The time of a change in whole seconds, plus a fraction derived from the story's id.

    Otherwise all stories that change in one poll would have the same `updated`, which readers and validators take for a fake.
    """
    return int(updated) + int(id.replace("-", "")[-8:], 16) % 1_000_000 / 1_000_000


def view(
    story: Story,
    content: str,
    site: Site,
    sources: Mapping[SourceId, Origin],
    *,
    public: bool = True,
    pictures: Pictures = ALL_PICTURES,
    lists_reports: bool = False,
) -> View:
    """Makes the view. content: "full", "summary", or "title". sources: public titles and addresses of configured sources.

    public: False for a private feed, whose stories may have no page. pictures: those that may be shown. lists_reports: whether
    the page lists all reports beside the body, which then does not name them.
    """
    lead = story.lead_item
    entry = lead.entry
    page = site.url + (addresses.story_path(story.id) if public else "/")
    link = characters.address(entry.url) or _address_of_outlet(story, lead) or page
    also = outlets.others(story, lead)
    outlet = outlets.name_of(lead)
    language = characters.language(lead.language)
    words = wording(language or site.language)
    text = excerpt.summary_text(entry)
    own = characters.plain(lead.title) or characters.plain(excerpt.excerpt(text, 100)) or outlet
    title = characters.plain(story.title) or own
    discussed = _discussions(story, link)
    body = pictures.in_text(_body(lead, content), lead)
    image = pictures.of(story)
    if not lists_reports:
        body += closing.reports(Also(outlet, link, title), also, words, bare=excerpt.is_bare(body))
    follows = _follows(story, site, public)
    body += closing.earlier(follows.earlier if follows else (), words)
    body += closing.discussions(discussed, words)
    told = enriched.told_of(story)
    other = enriched.shown_title(told)
    body = enriched.above(told, title if other else "", words, with_summaries=content != "title") + body
    published = int(story.published)
    return View(
        id=story.id,
        title=other or title,
        link=link,
        page=page,
        published=published,
        updated=unique_updated(max(story.updated, published), story.id),
        authors=_authors(entry),
        outlet=outlet,
        origin=_origin(lead, link, sources),
        summary=enriched.plain_summary(told, words) or characters.plain(text) if content != "title" else "",
        body=characters.scrub(body),
        full=content == "full" and bool(lead.body),
        also=also,
        terms=_terms(story, site),
        media=_media(entry),
        image=image,
        comments=characters.address(entry.comments) or next((one.url for one in discussed), None),
        language=language,
        discussions=discussed,
        tags=_tags(lead, pictures),
        page_link=closing.page(page, words) if public and link != page else "",
        figure=figure(image, body) if content != "title" else "",
        follows=follows,
        told=told,
        headline=own if other or own != title else "",
        lead_published=int(lead.published),
        first=outlets.first_report(story, lead),
    )


def _words(name: str) -> str:
    """A name's words between blanks, so that a name of several words can be found in another."""
    return f" {' '.join(tokens(name)) or name} "


def _authors(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for author in entry.authors if (name := characters.plain(author))))


def _address_of_outlet(story: Story, lead: Item) -> str | None:
    """The first address that the lead's own outlet gave: under another's, that one would be taken for whose words these are."""
    own = (item for item in story.reports if item.outlet_key == lead.outlet_key and not item.second_hand)
    return next((url for item in own if (url := characters.address(item.entry.url))), None)


def _origin(lead: Item, link: str, sources: Mapping[SourceId, Origin]) -> Origin:
    """The lead's origin: what an aggregator's entry names, else the configured source, else (if it is gone) the outlet's site."""
    named = lead.entry.origin
    if lead.aggregator and named is not None and (url := characters.address(named.url)):
        return Origin(characters.plain(named.title or "") or outlets.name_of(lead), url, "/".join(url.split("/")[:3]) + "/")
    site = "/".join(link.split("/")[:3]) + "/"
    known = sources.get(lead.source)
    if known is None:
        return Origin(outlets.name_of(lead), site, site)
    return Origin(known.title or outlets.name_of(lead), known.url, known.site or site)


def _body(lead: Item, content: str) -> str:
    if content == "title":
        return ""
    if content == "full":
        return lead.body
    return excerpt.summary_html(lead.entry)


def _discussions(story: Story, link: str) -> tuple[Discussion, ...]:
    """Where the story is discussed. The entry's own link is no discussion of it."""
    found = {url: name for name, given in story.discussions if (url := characters.address(given)) and url != link}
    return tuple(Discussion(characters.plain(name), url) for url, name in found.items())


def _tags(lead: Item, pictures: Pictures) -> tuple[PodcastTag, ...]:
    """The tags of an episode, checked again, without pictures that may not be shown."""

    def shown(tag: PodcastTag) -> dict[str, str]:
        of_picture = [key for key, value in tag.attributes if (tag.name, key) in PICTURES and not pictures.may_link(value, lead)]
        return {key: value for key, value in tag.attributes if key not in of_picture}

    found = (checked(one.name, one.text, shown(one), characters.address) for one in lead.entry.tags)
    return tuple(PodcastTag(name, characters.plain(text), given) for name, text, given in filter(None, found))


def _follows(story: Story, site: Site, public: bool) -> Follows | None:
    """What the story follows, with the pages of earlier stories; in a private feed, which names no pages, with their articles."""
    if story.earlier is None:
        return None
    urls = {
        one: site.url + addresses.story_path(one.story) if public else characters.address(one.url) for one in story.earlier.shown
    }
    return Follows(
        id=story.earlier.thread,
        title=characters.plain(story.earlier.title),
        page=site.url + addresses.thread_path(story.earlier.thread) if public else None,
        stories=story.earlier.stories,
        outlets=story.earlier.outlets,
        first=story.earlier.first,
        earlier=tuple(Before(one.story, characters.plain(one.title), url) for one, url in urls.items() if url),
    )


def _terms(story: Story, site: Site) -> tuple[Term, ...]:
    """Categories in a fixed order, without duplicates."""
    terms = (
        Term(characters.plain(tag.value), None if tag.kind is TagKind.CATEGORY else f"{site.url}/#{tag.kind}")
        for tag in sorted(story.tags)
    )
    return tuple(dict.fromkeys(term for term in terms if term.term))


def _media(entry: Entry) -> tuple[Media, ...]:
    """Enclosures sorted by address, so that the single one in RSS is the first of the other formats."""
    found = {
        url: Media(
            url,
            characters.media_type(one.type, url),
            max(one.length or 0, 0),
            one.duration,
            characters.plain(one.title or "") or None,
        )
        for one in entry.enclosures
        if not is_image(one.type, one.url) and (url := characters.address(one.url))
    }
    return tuple(found[url] for url in sorted(found))
