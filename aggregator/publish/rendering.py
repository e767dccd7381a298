"""Renders entries once for each version of their story and keeps them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from msgspec import Struct

from aggregator.model import Source, SourceId, Story, StoryId
from aggregator.ports import Shown
from aggregator.publish.entry.characters import address, plain
from aggregator.publish.entry.pictures import pictures
from aggregator.publish.entry.view import Origin, View, view
from aggregator.publish.formats import atom, jsonfeed, rss
from aggregator.publish.pages import pages
from aggregator.settings import Output, Settings, Site
from aggregator.text.masks import has_secret

T = TypeVar("T")

VIEWS = 1_000
"""Views kept while feeds are published: about 5 kB each."""


class Rendered(Struct, frozen=True):
    """A story in the three formats. version: of the stored story it was made from."""

    story: StoryId
    version: int
    published: int
    updated: float
    atom: bytes
    rss: bytes
    json: bytes


class Listed(Struct, frozen=True):
    """A story's HTML for its feed's page and for the front page. version: of the stored story.

    Of a story beyond the first `PAGE_ENTRIES` the feed's page shows the headline alone, and the entry is empty.
    """

    version: int
    entry: bytes
    headline: bytes


Feed: TypeAlias = tuple[list[Rendered], list[Listed]]
"""A feed's entries in order, and their HTML for its page (empty for a private feed, which has no page)."""


def render(shown: View, version: int = 0) -> Rendered:
    """Renders one view in every format."""
    made = (atom.entry(shown), rss.item(shown), jsonfeed.item(shown))
    return Rendered(shown.id, version, shown.published, shown.updated, *made)


def in_order(entries: Iterable[Rendered], sort: str) -> list[Rendered]:
    """Newest first, by first publication or by last change. Ids break ties, so that the order is stable."""
    if sort == "updated":
        return sorted(entries, key=lambda one: (-one.updated, one.story))
    return sorted(entries, key=lambda one: (-one.published, one.story))


def feed_of(views: Sequence[View], output: Output, site: Site) -> Feed:
    """A feed of notices, which are not stored stories."""
    by_id = {one.id: one for one in views}
    entries = in_order(map(render, views), output.sort)
    return entries, listed(entries, lambda one: by_id[one.story], output, site)


def listed(entries: list[Rendered], view_of: Callable[[Rendered], View], output: Output, site: Site) -> list[Listed]:
    """The HTML of these entries for the feed's page."""
    first, further = _on_page(entries, output)
    return [_listed(view_of(one), site) for one in first] + [_headed(view_of(one)) for one in further]


def _listed(shown: View, site: Site, version: int = 0) -> Listed:
    return Listed(version, pages.entry(shown, site), pages.headline(shown))


def _headed(shown: View, version: int = 0) -> Listed:
    return Listed(version, b"", pages.headline(shown, pages.BELOW))


def _on_page(entries: list[Rendered], output: Output) -> tuple[list[Rendered], list[Rendered]]:
    """What the feed's page shows whole, and what it shows the headline of."""
    shown = entries if output.token is None else []
    return shown[: pages.PAGE_ENTRIES], shown[pages.PAGE_ENTRIES :]


class Renderer:
    """Renders entries and keeps those of current documents, by content mode, access, and story.

    Entries are rendered in all formats. HTML of their texts is made only for the first of a feed, which its page shows whole.
    """

    def __init__(self, settings: Settings, load: Callable[[Iterable[StoryId]], list[Story]]) -> None:
        self._site = settings.site
        self._origins = public_origins(settings)
        self._pictures = pictures(settings)
        self._load = load
        self._kept: dict[tuple[str, bool], dict[StoryId, Rendered]] = {}
        self._listed: dict[str, dict[StoryId, Listed]] = {}
        self._headed: dict[str, dict[StoryId, Listed]] = {}
        self._views: dict[tuple[str, bool, StoryId], tuple[int, View]] = {}

    def entries(self, members: Sequence[Shown], output: Output) -> list[Rendered]:
        """The members' entries, in the members' order. Loads and renders those that changed."""
        kept = self._kept.setdefault((output.content, output.token is None), {})
        for story, (version, seen) in self._load_views(_outdated(members, kept), output).items():
            kept[story] = render(seen, version)
        return [kept[member.story] for member in members if member.story in kept]

    def render_current(self, stories: Collection[StoryId], output: Output) -> list[Rendered]:
        """Renders the current versions of stories for a closed page, without those that may not be shown or have no text."""
        return [
            render(view(story, output.content, self._site, self._origins, public=output.token is None, pictures=self._pictures))
            for story in self._load(stories)
            if story.items and not story.dropped and not (story.private and output.token is None)
        ]

    def feed(self, members: Sequence[Shown], output: Output) -> Feed:
        """The feed of these members, who stand in its order if it is ranked."""
        entries = self.entries(members, output)
        if not output.ranked:
            entries = in_order(entries, output.sort)
        first, further = _on_page(entries, output)
        kept, headed = self._listed.setdefault(output.content, {}), self._headed.setdefault(output.content, {})
        for story, (version, seen) in self._load_views(_outdated(first, kept), output).items():
            kept[story] = _listed(seen, self._site, version)
        for story, (version, seen) in self._load_views(_outdated(further, headed), output).items():
            headed[story] = _headed(seen, version)
        made = [kept[one.story] for one in first if one.story in kept]
        return entries, made + [headed[one.story] for one in further if one.story in headed]

    def _load_views(self, wanted: Mapping[StoryId, int], output: Output) -> dict[StoryId, tuple[int, View]]:
        """Views of these versions of stories. A story that is in several feeds is loaded once."""
        public = output.token is None
        if len(self._views) > VIEWS:
            self._views.clear()
        found = {
            story: one
            for story, version in wanted.items()
            if (one := self._views.get((output.content, public, story))) and one[0] == version
        }
        missing = wanted.keys() - found.keys()
        for story in self._load(missing) if missing else ():
            if public and story.private:  # it is about to leave the feed and is never shown
                continue
            one = wanted[story.id], view(story, output.content, self._site, self._origins, public=public, pictures=self._pictures)
            found[story.id] = self._views[output.content, public, story.id] = one
        return found

    def forget_views(self) -> None:
        """Forgets the views, which are needed only while feeds are published."""
        self._views.clear()

    def __len__(self) -> int:
        """How many entries are kept."""
        return sum(map(len, self._kept.values()))

    def forget_all_but(self, stories: Collection[StoryId]) -> None:
        """Forgets the entries of all other stories."""
        self._kept = {mode: _only(kept, stories) for mode, kept in self._kept.items()}
        self._listed = {content: _only(kept, stories) for content, kept in self._listed.items()}
        self._headed = {content: _only(kept, stories) for content, kept in self._headed.items()}


def _outdated(wanted: Iterable[Shown | Rendered], kept: Mapping[StoryId, Rendered | Listed]) -> dict[StoryId, int]:
    """Story → version, for stories that are not kept in that version."""
    return {one.story: one.version for one in wanted if (old := kept.get(one.story)) is None or old.version != one.version}


def _only(kept: Mapping[StoryId, T], stories: Collection[StoryId]) -> dict[StoryId, T]:
    return {story: one for story, one in kept.items() if story in stories}


class PublicOrigins(Mapping[SourceId, Origin]):
    """Source id → public title and address. Sources whose address contains a secret are missing.

    Each is made on first use, since the stories in feeds come from few of possibly thousands of sources.
    """

    def __init__(self, sources: Mapping[SourceId, Source]) -> None:
        self._sources = sources
        self._made: dict[SourceId, Origin | None] = {}

    def __getitem__(self, source: SourceId) -> Origin:
        if source not in self._made:
            self._made[source] = _origin(self._sources[source])
        if (made := self._made[source]) is None:
            raise KeyError(source)
        return made

    def __iter__(self) -> Iterator[SourceId]:
        return (source for source in self._sources if source in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def public_origins(settings: Settings) -> Mapping[SourceId, Origin]:
    """`PublicOrigins` of a config."""
    return PublicOrigins(settings.sources_by_id)


def _origin(source: Source) -> Origin | None:
    url = address(source.url)
    if url is None or source.shown not in ("", source.url) or has_secret(url):
        return None
    return Origin(plain(source.title or source.outlet or ""), url)
