"""`export`: the public site as files that any static host can serve, with links that work from any folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from aggregator.model import Slug, Story, StoryId
from aggregator.ports import StoreView
from aggregator.publish import pages
from aggregator.publish.addresses import FORMATS, feed_path
from aggregator.publish.files import Tree
from aggregator.publish.head import Head
from aggregator.publish.ownership import SITE_ID, make_owner
from aggregator.publish.pages import Place
from aggregator.publish.rendering import public_origins
from aggregator.publish.view import View, view
from aggregator.settings import Output, Settings

TOP = Place(root=".", suffix=".html")
BELOW = Place(root="..", suffix=".html")
"""Exported pages link to each other relatively. Feeds keep their configured addresses, so that readers subscribe to the site."""
CHUNK = 200
"""Stories in memory at a time."""


class Exported(Struct, frozen=True):
    """Result of an export. written and removed: paths; kept: the number of files that were already up to date."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int


class Export:
    """Copies public feeds and writes every public page.

    head_of: see `Publisher.head_of`.
    """

    def __init__(self, settings: Settings, store: StoreView, head_of: Callable[[Output], Head]) -> None:
        self._owner = make_owner(settings, store.value(SITE_ID), store.outputs().keys())
        self._settings = settings
        self._store = store
        self._origins = public_origins(settings)
        self._heads = {output.slug: head_of(output) for output in settings.outputs if output.token is None}
        self._published = settings.publish.directory

    def run(self, target: Path) -> Exported:
        """Brings a directory up to date. Raises AggregatorError if it can't be written, UsageError if it holds others' files."""
        tree = Tree(target)
        tree.claim(self._owner, self._heads.keys())
        written: list[str] = []
        wanted: set[str] = set()
        for path, body in self._files():
            wanted.add(path)
            if tree.write(path, body, lasting=False):
                written.append(path)
        removed = tree.clean(wanted)
        tree.release(self._owner, self._heads.keys())
        return Exported(tuple(written), removed, len(wanted) - len(written))

    def _files(self) -> Iterator[tuple[str, bytes]]:
        site = self._settings.site
        for path in self._feed_files():
            file = self._published / path
            if file.is_file():
                yield path, file.read_bytes()
        written: set[StoryId] = set()
        latest: dict[Slug, list[bytes]] = {}
        for slug, top in self._heads.items():
            stories = self._shown(slug)
            latest[slug] = [pages.headline(one, TOP) for _, one in stories[: pages.HEADLINES]]
            yield from self._topic(slug, top, stories, written)
        yield "index.html", pages.index(site, list(self._heads.values()), latest, TOP)

    def _feed_files(self) -> Iterator[str]:
        yield "opml.xml"
        yield "health.atom"
        for slug in self._heads:
            yield from (feed_path(slug, format)[1:] for format in FORMATS)
            for page in self._store.pages(slug):
                yield from (f"feeds/{slug}/{page.page}.{format}" for format in FORMATS)

    def _shown(self, slug: Slug) -> list[tuple[Story, View]]:
        """The stories of a feed's document, newest first."""
        content = self._heads[slug].output.content
        found = self._store.stories([member.story for member in self._store.shown(slug)])
        public = (story for story in found if story.items and not story.private)
        ordered = sorted(public, key=lambda story: (-story.published, story.id))
        return [(story, view(story, content, self._settings.site, self._origins)) for story in ordered]

    def _topic(
        self, slug: Slug, top: Head, stories: list[tuple[Story, View]], written: set[StoryId]
    ) -> Iterator[tuple[str, bytes]]:
        """A feed's page, and the pages of its stories, archived ones included, that are not in `written` yet."""
        site, content = self._settings.site, top.output.content
        entries = [pages.entry(one, site, BELOW) for _, one in stories[: pages.PAGE_ENTRIES]]
        yield f"topics/{slug}.html", pages.topic(site, top, entries, BELOW, more=len(stories) > pages.PAGE_ENTRIES)
        fresh = [member.story for member in self._store.members(slug) if member.story not in written]
        written.update(fresh)
        for start in range(0, len(fresh), CHUNK):
            chunk = fresh[start : start + CHUNK]
            feeds = self._store.members_of(chunk)
            for story in self._store.stories(chunk):
                if story.items and not story.private:
                    one = view(story, content, site, self._origins)
                    heads = [self._heads[slug] for slug in sorted(feeds[story.id] & self._heads.keys())]
                    yield f"stories/{story.id}.html", pages.story(site, one, story, heads, BELOW)
