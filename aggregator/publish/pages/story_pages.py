"""The web pages of stories in public feeds: answered by path, and as files, so that the published folder is a whole site.

A file is written anew while a feed's document shows the story. Afterwards it stays as it is, like an archive page, until the
story is taken down, turns private, or is merged into another one, to which it then leads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from aggregator.model import Instant, Slug, Story, StoryId, Thread, ThreadId
from aggregator.ports import OutputState, Store
from aggregator.publish.entry.addresses import story_path
from aggregator.publish.formats.head import Head
from aggregator.publish.pages import pages, story_page
from aggregator.publish.pages.open_threads import OpenThreads
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.publish.rendering import Rendered
from aggregator.publish.shelf import Moved, Prepared, digest
from aggregator.publish.site.files import Tree
from aggregator.settings import Output, Settings

PATH = re.compile(r"/stories/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.html")
MADE_FROM_KEY = "publish.stories"
"""Key of the stored digest of what all pages take from the config."""
CHUNK = 200
"""Stories in memory at a time."""


class StoryPages:
    """The story pages of one config. tree: of the public files; head_of: returns the current head of an output.

    A page tells what came before and after in its thread as it stands: it is answered from the store, and its file is written
    again when other stories come next to it, or when those there are told otherwise.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        tree: Tree,
        head_of: Callable[[Output], Head],
        public: PublicStories,
        threads: OpenThreads,
    ) -> None:
        self._settings = settings
        self._store = store
        self._tree = tree
        self._head_of = head_of
        self._heads: dict[Slug, Head] = {}
        self._public = public
        self._threads = threads
        self._shown: dict[Slug, dict[StoryId, int]] = {}
        self._grown: dict[ThreadId, tuple[Thread, Mapping[StoryId, int]]] = {}
        self._around: dict[StoryId, tuple[tuple[StoryId, str, int, Instant], ...]] = {}

    def prepared(self, id: StoryId) -> Prepared | Moved | None:
        """The answer for a story. Thread-safe. One in no public feed is answered like an unknown one, and not read."""
        whereabouts = self._store.whereabouts(id)
        if whereabouts is None or whereabouts.private or not (slugs := self._public.slugs(whereabouts.feeds)):
            return None
        if whereabouts.story != id:
            return Moved(self._settings.site.url + story_path(whereabouts.story))
        story = self._store.story(id)
        if story is None or not story.items:
            return None
        body, modified = self._render(story, slugs, served=True)
        return Prepared("text/html; charset=utf-8", body, int(modified), pages.CACHE, extra=self._public.headers)

    def update(self, feeds: Mapping[Slug, Iterable[Rendered]]) -> None:
        """Brings the files of stories up to date that changed in these feeds' documents, entered them, or left them."""
        public = {slug: entries for slug, entries in feeds.items() if slug in self._public.outputs}
        now = {slug: {entry.story: entry.version for entry in entries} for slug, entries in public.items()}
        changed: set[StoryId] = set()
        for slug, versions in now.items():
            before = self._shown.get(slug, {})
            changed.update(story for story in before.keys() | versions if before.get(story) != versions.get(story))
        self._shown |= now
        self.write(changed | self._with_others_around({story: one[story] for one in now.values() for story in one}))

    def _with_others_around(self, stories: Mapping[StoryId, int]) -> set[StoryId]:
        """Those of these stories (with versions) whose pages tell something else of their thread than their files do."""
        shown = {story for versions in self._shown.values() for story in versions}
        self._around = {story: around for story, around in self._around.items() if story in shown}
        by_thread: dict[Thread, dict[StoryId, int]] = {}
        for story, thread in self._store.threads_shown(stories).items():
            by_thread.setdefault(thread, {})[story] = stories[story]
        changed: set[StoryId] = set()
        for thread, own in by_thread.items():
            if self._grown.get(thread.id) != (thread, own):
                changed |= self._with_others_now(thread.id, own)
        self._grown = {thread.id: (thread, own) for thread, own in by_thread.items()}
        return changed

    def _with_others_now(self, id: ThreadId, stories: Collection[StoryId]) -> set[StoryId]:
        """Those of these stories of a thread whose neighbours are others, or told otherwise, than when this was asked last."""
        thread = self._threads.read(id)
        changed: set[StoryId] = set()
        for story in stories:
            before, after = thread.around(story) if thread else ((), ())
            around = tuple((one.story, one.title, len(one.outlets), one.lead_published) for one in (*before, *after))
            if self._around.get(story, ()) != around:
                self._around[story] = around
                changed.add(story)
        return changed

    def forget(self) -> None:
        """Takes no file for written any more."""
        self._shown.clear()
        self._grown.clear()

    def write_all(self, states: Mapping[Slug, OutputState]) -> None:
        """Makes the files that are missing, or all if the config changed them, and removes those of other stories."""
        members = {story for slug in self._public.outputs for story in self._members(slug, states.get(slug))}
        there = {StoryId(found[1]) for name in self._tree.names("stories") if (found := PATH.fullmatch(f"/stories/{name}"))}
        made_from = self._made_from()
        is_current = self._store.value(MADE_FROM_KEY) == made_from
        self.write([*(members - there if is_current else members), *(there - members)])
        if not is_current:
            with self._store.begin() as transaction:
                transaction.set_value(MADE_FROM_KEY, made_from)

    def write_missing(self, stories: Collection[StoryId]) -> None:
        """Writes the files of these stories that are not there: of stories that no feed's document shows, but the front page."""
        self.write([one for one in stories if not self._tree.has(story_path(one)[1:])])

    def write(self, stories: Collection[StoryId]) -> None:
        """Writes the files of these stories, or removes those of stories that have no page."""
        rest = iter(stories)
        while chunk := list(islice(rest, CHUNK)):
            feeds = self._store.members_of(chunk)
            found = {story.id: story for story in self._store.stories(chunk)}
            for id in chunk:
                body = self._file(id, found.get(id), self._public.slugs(feeds.get(id, ())))
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
            if leads is not None and not leads.private and self._public.slugs(leads.feeds):
                return pages.moved(self._settings.site, f"{leads.story}.html")
        elif story is not None and slugs and not story.private and not story.dropped:
            return pages.as_file(self._render(story, slugs, served=False)[0]) if story.items else None
        self._tree.remove(story_path(id)[1:])
        return None

    def _render(self, story: Story, slugs: Sequence[Slug], *, served: bool) -> tuple[bytes, Instant]:
        """The page, and when what it shows changed last. served: whether the daemon answers, which has the thread's page, too."""
        thread = self._threads.read(story.thread.id) if story.thread is not None else None
        before, after = thread.around(story.id) if thread else ((), ())
        followed = thread if thread and served and self._threads.find(thread.id) == thread.id else None
        around = story_page.Around(before, after, followed)
        alone = replace(story, earlier=None) if before or story.thread is None else story
        shown = self._public.view(alone, slugs, lists_reports=len(story_page.reports_of(story)) > 1)
        topics = [self._head(slug) for slug in slugs]
        body = story_page.render(self._settings.site, shown, story, topics, around, images=self._public.images, served=served)
        return body, max(shown.updated, *(one.updated for one in (*before, *after)), 0.0)

    def _head(self, slug: Slug) -> Head:
        """The head of a feed. Made once: pages of stories show nothing of it that changes."""
        if slug not in self._heads:
            self._heads[slug] = self._head_of(self._public.outputs[slug])
        return self._heads[slug]

    def _members(self, slug: Slug, state: OutputState | None) -> Iterator[StoryId]:
        """The stories of a feed, archived ones included; while it fills, those that its document shows."""
        if state is None or state.filling:
            yield from (one.story for one in self._store.shown(slug, self._public.outputs[slug].items))
        else:
            yield from (one.story for one in self._store.members(slug))

    def _made_from(self) -> str:
        feeds = [(one.slug, one.title, one.content) for one in self._public.outputs.values()]
        off = () if self._settings.threads.enabled else ("no threads",)
        return digest(repr((self._settings.site, self._settings.publish.images, feeds, *off)).encode())
