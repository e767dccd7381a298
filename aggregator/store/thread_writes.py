"""Writes threads: what belongs to one, and what holds it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import Link, StoryId, ThreadId
from aggregator.ports import Fate, ThreadState, ThreadStory
from aggregator.store import outgoing, threads
from aggregator.store.story_cache import StoryCache


class ThreadWrites(StoryCache):
    """The part of a transaction that reads and writes threads, stories that wait included."""

    def threads_of(self, stories: Collection[StoryId]) -> Mapping[StoryId, ThreadId]:
        asked = [story for story in stories if not self._batch.is_new(story)]
        return threads.threads_of(self._connection, asked) if asked else {}

    def thread_states(self, ids: Collection[ThreadId]) -> Mapping[ThreadId, ThreadState]:
        return threads.states(self._connection, ids) if ids else {}

    def thread_members(self, thread: ThreadId) -> list[ThreadStory]:
        self._batch.flush()
        return threads.members(self._connection, thread)

    def links(self, story: StoryId) -> list[Link]:
        self._batch.flush()
        return threads.links(self._connection, story)

    def fates(self, stories: Collection[StoryId]) -> Mapping[StoryId, Fate]:
        self._batch.flush()
        return threads.fates(self._connection, stories)

    def stories_showing(self, stories: Collection[StoryId]) -> list[StoryId]:
        self._batch.flush()
        return threads.showing(self._connection, stories)

    def stories_in(self, thread: ThreadId) -> list[StoryId]:
        self._batch.flush()
        return threads.stories_in(self._connection, thread)

    def stories_bound(self, keys: Collection[str]) -> Mapping[str, StoryId]:
        self._batch.flush()
        return threads.bound(self._connection, keys)

    def living_threads(self, ids: Collection[ThreadId]) -> Mapping[ThreadId, ThreadId]:
        return threads.living(self._connection, ids)

    def thread_aliases(self, thread: ThreadId) -> tuple[ThreadId, ...]:
        return threads.aliases(self._connection, thread)

    def begin_thread(self, first: StoryId) -> ThreadId:
        return threads.begin(self._connection, first)

    def enter_thread(self, thread: ThreadId, stories: Sequence[StoryId], vector: bytes) -> None:
        self._batch.flush()
        threads.enter(self._connection, thread, stories, vector)

    def leave_threads(self, stories: Collection[StoryId]) -> None:
        self._batch.flush()
        threads.leave(self._connection, stories)
        self._forget(*stories)

    def merge_threads(self, kept: ThreadId, alias: ThreadId, vector: bytes) -> None:
        threads.merge(self._connection, kept, alias, vector)
        outgoing.merge_reached(self._connection, kept, alias)

    def part_threads(self, alias: ThreadId, aliases: Collection[ThreadId]) -> None:
        threads.part(self._connection, alias, aliases)

    def save_links(self, links: Iterable[Link]) -> None:
        self._batch.flush()
        threads.save_links(self._connection, links)

    def hide_threads(self, hidden: bool) -> None:
        self._batch.flush()
        threads.hide(self._connection, hidden)
        self._stories.clear()

    def sum_up_threads(self, ids: Collection[ThreadId]) -> frozenset[StoryId]:
        if not ids:  # waiting rows of several documents are written together
            return frozenset()
        self._batch.flush()
        changed = threads.sum_up(self._connection, ids)
        self._forget(*changed)
        return changed
