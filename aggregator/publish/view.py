"""What a reader sees of a story: one value that all three formats are written from."""

from __future__ import annotations

import html
from collections.abc import Mapping

from msgspec import Struct

from aggregator.model import Entry, Instant, Item, SourceId, Story, StoryId, TagKind
from aggregator.publish import addresses, characters, excerpt
from aggregator.publish.wording import wording
from aggregator.settings import Site


class Origin(Struct, frozen=True):
    """The feed that the lead was taken from. url: its public address; site: the front page of who makes it."""

    title: str
    url: str
    site: str = ""


class Also(Struct, frozen=True):
    """Another outlet's report of the same story."""

    outlet: str
    url: str
    title: str


class Term(Struct, frozen=True):
    """A category. scheme: an IRI that says what kind of term it is; None for a feed's own."""

    term: str
    scheme: str | None


class Media(Struct, frozen=True):
    """An enclosure; length in bytes, 0 where unknown; duration in seconds."""

    url: str
    type: str
    length: int
    duration: int | None
    title: str | None


class View(Struct, frozen=True):
    """A story as it is published, with a content mode applied. Everything is clean; `published` is in whole seconds.

    summary: plain text. body: HTML, never empty, "also reported by" included. full: the body is the whole text, so that the
    summary is worth giving, too. page: the story's own page.
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
    image: str | None
    comments: str | None
    language: str | None

    @property
    def has_page(self) -> bool:
        """Whether it is a story with a page of its own."""
        return self.page.endswith(self.id)


def apart(updated: Instant, id: str) -> float:
    """The second of a change, with a fraction that is the story's own.

    Stories that change in one poll would all carry the same `updated`, which readers and validators take for a made-up date.
    """
    return int(updated) + int(id.replace("-", "")[-8:], 16) % 1_000_000 / 1_000_000


def view(story: Story, content: str, site: Site, sources: Mapping[SourceId, Origin], *, public: bool = True) -> View:
    """Makes the view. content: "full", "summary" or "title". sources: the configured sources' public titles and addresses.

    public: False for a private feed: its stories may have no page.
    """
    lead = story.lead_item
    entry = lead.entry
    page = site.url + (addresses.story_path(story.id) if public else "/")
    link = characters.address(entry.url) or _first_address(story) or page
    also = _also(story, lead)
    published = int(story.published)
    outlet = _outlet(lead)
    language = characters.language(lead.language)
    text = excerpt.summary_text(entry)
    body = _body(entry, content)
    bare = excerpt.is_bare(body)
    body += _attribution(link, outlet, also, language or site.language, bare=bare)
    return View(
        id=story.id,
        title=characters.plain(entry.title) or characters.plain(excerpt.excerpt(text, 100)) or outlet,
        link=link,
        page=page,
        published=published,
        updated=apart(max(story.updated, published), story.id),
        authors=_authors(entry) or (outlet,),
        outlet=outlet,
        origin=_origin(lead, link, sources),
        summary=characters.plain(text) if content != "title" else "",
        body=characters.scrub(body),
        full=content == "full" and bool(entry.content or entry.summary),
        also=also,
        terms=_terms(story, site),
        media=_media(entry),
        image=characters.address(entry.image),
        comments=characters.address(entry.comments),
        language=language,
    )


def _outlet(item: Item) -> str:
    return characters.plain(item.outlet) or item.outlet_key or str(item.source)


def _authors(entry: Entry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for author in entry.authors if (name := characters.plain(author))))


def _first_address(story: Story) -> str | None:
    return next((url for item in story.reports if (url := characters.address(item.entry.url))), None)


def _also(story: Story, lead: Item) -> tuple[Also, ...]:
    """Every other outlet once, by its first report that has an address. Two of one name would look like one told twice."""
    found: list[Also] = []
    seen = {lead.outlet_key, _outlet(lead).casefold()}
    for item in story.reports:
        url, name = characters.address(item.entry.url), _outlet(item)
        if url is not None and seen.isdisjoint((item.outlet_key, name.casefold())):
            seen.update((item.outlet_key, name.casefold()))
            found.append(Also(name, url, characters.plain(item.entry.title)))
    return tuple(found)


def _origin(lead: Item, link: str, sources: Mapping[SourceId, Origin]) -> Origin:
    """Where the lead was read: what an aggregator's entry names, the configured source, or (if it is gone) the outlet's site."""
    named = lead.entry.origin
    if lead.aggregator and named is not None and (url := characters.address(named.url)):
        return Origin(characters.plain(named.title or "") or _outlet(lead), url, "/".join(url.split("/")[:3]) + "/")
    site = "/".join(link.split("/")[:3]) + "/"
    known = sources.get(lead.source)
    if known is None:
        return Origin(_outlet(lead), site, site)
    return Origin(known.title or _outlet(lead), known.url, known.site or site)


def _body(entry: Entry, content: str) -> str:
    if content == "title":
        return ""
    if content == "full":
        return entry.content or entry.summary
    return excerpt.summary_html(entry)


def _attribution(link: str, outlet: str, also: tuple[Also, ...], language: str, *, bare: bool) -> str:
    """The closing line: who else reports it; where there is no text at all, who reports it."""
    words = wording(language)
    if not also and not bare:
        return ""
    named = [(report.url, report.outlet) for report in also]
    if not also or bare:
        named.insert(0, (link, outlet))
    links = ", ".join(f'<a href="{html.escape(url)}">{html.escape(name)}</a>' for url, name in named)
    return f"<p>{words.reported_by if bare else words.also_reported_by} {links}</p>"


def _terms(story: Story, site: Site) -> tuple[Term, ...]:
    """Categories in a fixed order, each term and kind once."""
    terms = (
        Term(characters.plain(tag.value), None if tag.kind is TagKind.CATEGORY else f"{site.url}/#{tag.kind}")
        for tag in sorted(story.tags)
    )
    return tuple(dict.fromkeys(term for term in terms if term.term))


def _media(entry: Entry) -> tuple[Media, ...]:
    """By address, so that the one that RSS has room for is the first one of the others."""
    found = {
        url: Media(
            url,
            characters.media_type(one.type, url),
            max(one.length or 0, 0),
            one.duration,
            characters.plain(one.title or "") or None,
        )
        for one in entry.enclosures
        if (url := characters.address(one.url))
    }
    return tuple(found[url] for url in sorted(found))
