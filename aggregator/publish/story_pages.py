"""The web pages of stories in public feeds: answered by path, and as files, so that the published folder is a whole site.

A file is written anew while a feed's document shows the story. Afterwards it stays as it is, like an archive page, until the
story is taken down, turns private, or is merged into another one, to which it then leads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from aggregator.model import Slug, Story, StoryId
from aggregator.ports import OutputState, Store
from aggregator.publish import pages
from aggregator.publish.addresses import story_path
from aggregator.publish.files import Tree
from aggregator.publish.head import Head
from aggregator.publish.pictures import pictures
from aggregator.publish.rendering import Rendered, public_origins
from aggregator.publish.shelf import Moved, Prepared, digest
from aggregator.publish.view import View, view
from aggregator.settings import Output, Settings

PATH = re.compile(r"/stories/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.html")
MADE_FROM_KEY = "publish.stories"
"""Key of the stored digest of what all pages take from the config."""
CHUNK = 200
"""Stories in memory at a time."""


class StoryPages:
    """The story pages of one config. tree: of the public files; head_of: returns the current head of an output."""

    def __init__(self, settings: Settings, store: Store, tree: Tree, head_of: Callable[[Output], Head]) -> None:
        self._settings = settings
        self._store = store
        self._tree = tree
        self._head_of = head_of
        self._heads: dict[Slug, Head] = {}
        self._origins = public_origins(settings)
        self._pictures = pictures(settings)
        self._headers = pages.headers(images=self._pictures.link)
        self._public = {output.slug: output for output in settings.outputs if output.token is None}
        self._shown: dict[Slug, dict[StoryId, int]] = {}

    def prepared(self, id: StoryId) -> Prepared | Moved | None:
        """The answer for a story. Thread-safe. One in no public feed is answered like an unknown one, and not read."""
        whereabouts = self._store.whereabouts(id)
        if whereabouts is None or whereabouts.private or not (slugs := self._slugs(whereabouts.feeds)):
            return None
        if whereabouts.story != id:
            return Moved(self._settings.site.url + story_path(whereabouts.story))
        story = self._store.story(id)
        if story is None or not story.items:
            return None
        shown, body = self._render(story, slugs)
        return Prepared("text/html; charset=utf-8", body, int(shown.updated), pages.CACHE, extra=self._headers)

    def update(self, feeds: Mapping[Slug, Iterable[Rendered]]) -> None:
        """Brings the files of stories up to date that changed in these feeds' documents, entered them, or left them."""
        now = {slug: {entry.story: entry.version for entry in entries} for slug, entries in feeds.items() if slug in self._public}
        changed: set[StoryId] = set()
        for slug, versions in now.items():
            before = self._shown.get(slug, {})
            changed.update(story for story in before.keys() | versions if before.get(story) != versions.get(story))
        self.write(changed)
        self._shown |= now

    def forget(self) -> None:
        """Takes no file for written any more."""
        self._shown.clear()

    def write_all(self, states: Mapping[Slug, OutputState]) -> None:
        """Makes the files that are missing, or all if the config changed them, and removes those of other stories."""
        members = {story for slug in self._public for story in self._members(slug, states.get(slug))}
        there = {StoryId(found[1]) for name in self._tree.names("stories") if (found := PATH.fullmatch(f"/stories/{name}"))}
        made_from = self._made_from()
        is_current = self._store.value(MADE_FROM_KEY) == made_from
        self.write([*(members - there if is_current else members), *(there - members)])
        if not is_current:
            with self._store.begin() as transaction:
                transaction.set_value(MADE_FROM_KEY, made_from)

    def write(self, stories: Collection[StoryId]) -> None:
        """Writes the files of these stories, or removes those of stories that have no page."""
        rest = iter(stories)
        while chunk := list(islice(rest, CHUNK)):
            feeds = self._store.members_of(chunk)
            found = {story.id: story for story in self._store.stories(chunk)}
            for id in chunk:
                body = self._file(id, found.get(id), self._slugs(feeds.get(id, ())))
                if body is not None:
                    self._tree.write(story_path(id)[1:], body, lasting=False)

    def retell(self, stories: Collection[StoryId]) -> None:
        """Writes the files of these stories without a headline that was taken down. One whose text has expired goes."""
        self.write(stories)
        kept = {story.id for story in self._store.stories(stories) if story.items or story.alias_of is not None}
        for id in set(stories) - kept:
            self._tree.remove(story_path(id)[1:])

    def _file(self, id: StoryId, story: Story | None, slugs: Sequence[Slug]) -> bytes | None:
        """The file of a story. None if there is none, or if it stays as it is since the story's text has expired."""
        if story is not None and story.alias_of is not None:
            leads = self._store.whereabouts(id)
            if leads is not None and not leads.private and self._slugs(leads.feeds):
                return pages.moved(self._settings.site, f"{leads.story}.html")
        elif story is not None and slugs and not story.private and not story.dropped:
            return self._render(story, slugs)[1] if story.items else None
        self._tree.remove(story_path(id)[1:])
        return None

    def _render(self, story: Story, slugs: Sequence[Slug]) -> tuple[View, bytes]:
        shown = view(story, self._content(slugs), self._settings.site, self._origins, pictures=self._pictures)
        topics = [self._head(slug) for slug in slugs]
        return shown, pages.story(self._settings.site, shown, story, topics, images=self._pictures.link)

    def _head(self, slug: Slug) -> Head:
        """The head of a feed. Made once: pages of stories show nothing of it that changes."""
        if slug not in self._heads:
            self._heads[slug] = self._head_of(self._public[slug])
        return self._heads[slug]

    def _slugs(self, feeds: Iterable[Slug]) -> list[Slug]:
        return sorted(slug for slug in feeds if slug in self._public)

    def _content(self, slugs: Sequence[Slug]) -> str:
        """The content mode of the page, which shows no more text than the public feeds do."""
        modes = {self._public[slug].content for slug in slugs}
        return next((mode for mode in ("full", "summary") if mode in modes), "title")

    def _members(self, slug: Slug, state: OutputState | None) -> Iterator[StoryId]:
        """The stories of a feed, archived ones included; while it fills, those that its document shows."""
        if state is None or state.filling:
            yield from (one.story for one in self._store.shown(slug, self._public[slug].items))
        else:
            yield from (one.story for one in self._store.members(slug))

    def _made_from(self) -> str:
        feeds = [(one.slug, one.title, one.content) for one in self._public.values()]
        return digest(repr((self._settings.site, self._settings.publish.images, feeds)).encode())
