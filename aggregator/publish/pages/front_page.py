"""The front page: the day's stories with who tells them, then the public feeds with their newest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup
from msgspec import Struct

from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.ports import Store
from aggregator.publish.entry import addresses, characters
from aggregator.publish.entry.pictures import Image
from aggregator.publish.entry.wording import outlets_in_words, wording
from aggregator.publish.formats.head import Head
from aggregator.publish.pages import pages
from aggregator.publish.pages.front_ranking import KEY, FrontRanker, FrontRanking, Place
from aggregator.publish.pages.open_threads import OpenThreads
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.settings import Site
from aggregator.text.times import rfc3339, zone

NAMED = 2
"""Outlets of a story that are named: the line is short."""
SECTIONS = 12
"""Feeds that the page shows with their newest stories. Further ones are named: a site of 200 topics has a front page, too."""


class Line(Struct, frozen=True):
    """Another story of a thread. page: its path; label: "Earlier" or "Later"."""

    label: str
    title: str
    page: str
    language: str | None


class FrontStory(Struct, frozen=True):
    """A story as the front page shows it. told_by: "Reuters, BBC and 12 others"; page: its path."""

    title: str
    link: str
    page: str
    language: str | None
    told_by: str
    when: pages.Moment
    image: Image | None
    lines: tuple[Line, ...]


class Front(Struct, frozen=True):
    """What the front page shows of the day. day: its date, "" if there is no story; ids: of all stories that are named."""

    day: str = ""
    stories: tuple[FrontStory, ...] = ()
    ids: frozenset[StoryId] = frozenset()


class FrontStories:
    """Keeps what the front page shows. Stories are read again only if they changed, or others took their places."""

    def __init__(self, site: Site, store: Store, public: PublicStories, threads: OpenThreads) -> None:
        self._site = site
        self._words = wording(site.language)
        self._store = store
        self._public = public
        self._ranker = FrontRanker(store, threads, public.outputs)
        self._made: tuple[object, Front] | None = None

    def rank(self, now: Instant) -> str:
        """Ranks anew, as `save` stores it. Only reads."""
        return str(self._ranker.rank(now))

    def save(self, ranking: str) -> bool:
        """Stores a ranking. Whether that changed anything."""
        if ranking == self._store.value(KEY):
            return False
        with self._store.begin() as transaction:
            transaction.set_value(KEY, ranking)
        return True

    def current(self, now: Instant) -> Front:
        """What the page shows. Ranked anew at once if it never was, while a feed is filled, and if a story left the feeds."""
        ranking = FrontRanking.read(self._store.value(KEY))
        if ranking is None or self._is_filling() or not self._is_public(ranking):
            ranking = self._ranker.rank(now)
            self.save(str(ranking))
        basis = ranking, self._store.versions(ranking.stories)
        if self._made is None or self._made[0] != basis:
            self._made = basis, self._make(ranking)
        return self._made[1]

    def _is_filling(self) -> bool:
        return any(state.filling for slug, state in self._store.outputs().items() if slug in self._public.outputs)

    def _is_public(self, ranking: FrontRanking) -> bool:
        feeds = self._store.members_of(ranking.stories)
        return all(self._public.slugs(found) for found in feeds.values())

    def _make(self, ranking: FrontRanking) -> Front:
        if ranking.as_of is None:
            return Front()
        stored = {one.id: one for one in self._store.stories(ranking.stories) if one.items and not one.private}
        feeds = self._store.members_of(list(stored))
        shown = [place for place in ranking.places if place.story in stored]
        day = datetime.fromtimestamp(int(ranking.as_of), zone(self._site.timezone))
        stories = tuple(self._story(place, stored, self._public.slugs(feeds[place.story]), day) for place in shown)
        return Front(f"{day:%A} {day.day} {day:%B %Y}", stories, frozenset(stored))

    def _story(self, place: Place, stored: Mapping[StoryId, Story], slugs: Sequence[Slug], day: datetime) -> FrontStory:
        lead = stored[place.story]
        seen = self._public.view(lead, slugs)
        return FrontStory(
            title=seen.title,
            link=seen.link,
            page=addresses.story_path(seen.id),
            language=seen.language,
            told_by=outlets_in_words([seen.outlet, *(one.outlet for one in seen.also)], self._words, NAMED),
            when=_time(seen.published, day),
            image=seen.image,
            lines=tuple(_line(stored[one], lead) for one in place.others if one in stored),
        )


def _line(other: Story, lead: Story) -> Line:
    item = other.lead_item
    title = characters.plain(other.title) or characters.plain(item.outlet)
    label = "Later" if (other.published, other.id) > (lead.published, lead.id) else "Earlier"
    return Line(label, title, addresses.story_path(other.id), characters.language(item.language))


def _time(instant: Instant, day: datetime) -> pages.Moment:
    """The time, if it is of the page's day, else the day."""
    local = datetime.fromtimestamp(int(instant), day.tzinfo)
    if local.date() == day.date():
        shown = f"{local:%H:%M}"
    else:
        shown = f"{local.day} {local:%b}" if local.year == day.year else f"{local.day} {local:%b %Y}"
    return pages.Moment(rfc3339(instant) or "", shown)


def render(
    site: Site,
    feeds: Sequence[Head],
    latest: Mapping[Slug, Sequence[bytes]],
    front: Front,
    *,
    images: bool,
    notice: str | None = None,
) -> bytes:
    """The front page. feeds: the public ones; latest: their newest headlines, made by `pages.headline`.

    images: see `pages.policy`; notice: why stories may be missing, such as "3 of 20 sources read".
    """
    sections = [(feed, Markup(b"".join(latest.get(feed.output.slug, ())).decode())) for feed in feeds[:SECTIONS]]
    return pages.render(
        "index.html",
        site,
        pages.TOP,
        site.language,
        images=images,
        front=front,
        sections=sections,
        further=feeds[SECTIONS:],
        notice=notice,
    )
