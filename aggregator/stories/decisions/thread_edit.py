"""Corrects threads by hand: merge, split, drop. Each edit is a decision that is stored for good, until it is undone."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from msgspec import Struct

from aggregator.dedup.weigh import view_of
from aggregator.errors import UsageError
from aggregator.model import Instant, Link, Story, StoryId, ThreadId
from aggregator.ports import Override, Rules, Store, Traces, Transaction
from aggregator.publish.selection import thread_listing
from aggregator.settings import Settings
from aggregator.stories.decisions.edit_curator import edit_curator
from aggregator.stories.decisions.find_named import find_story, full_id
from aggregator.stories.decisions.overrides import override_key
from aggregator.stories.link import what_about
from aggregator.threads.linking import MOST_STORIES


class Side(Struct, frozen=True):
    """What a person names to be merged: a thread with its stories, or one story that is in none (thread: None)."""

    thread: ThreadId | None
    stories: tuple[Story, ...]


class Split(Struct, frozen=True):
    """A story that left its thread. title: of the thread as it was; rest: the stories that are left, of a pair one."""

    story: Story
    title: str
    rest: tuple[Story, ...]


class ThreadEditor:
    """Implements the commands under `stories thread`. The daemon publishes the changes with its next tick."""

    def __init__(self, store: Store, settings: Settings, rules: Rules) -> None:
        self._store = store
        self._settings = settings
        self._rules = rules

    def merge(self, first: str, second: str) -> ThreadId:
        """Makes one thread of two, or puts a story into a thread. The larger one keeps its id. Returns the id that stays.

        Raises UsageError if they are one thread already, if one is private and the other isn't, or if it would grow too large.
        """
        now = time.time()
        with self._store.begin() as transaction:
            sides = [self._side(transaction, one) for one in (first, second)]
            kept, moved = sorted(sides, key=lambda side: -len(side.stories) if side.thread is not None else 0)
            _refuse(kept, moved)
            into = kept.thread or transaction.begin_thread(kept.stories[0].id)
            stories = [story.id for story in (*kept.stories, *moved.stories)]
            coming = moved.stories if kept.thread is not None else (*kept.stories, *moved.stories)
            traces = Traces(
                title=_head(transaction, into, coming),
                stories=tuple(story.id for story in coming),
                thread=moved.thread,
                into=into,
                thread_aliases=transaction.thread_aliases(moved.thread) if moved.thread is not None else (),
                links=links_of(transaction, [moved.stories[0].id]) if moved.thread is None else (),
            )
            decision = transaction.add_decision("thread-merge", now, traces)
            for key in _keys_to_bind(transaction, kept, moved):
                transaction.add_override(Override("thread-merge", key, into, now, decision))
            about = what_about(transaction.index, stories, view_of)
            if moved.thread is not None:
                transaction.merge_threads(into, moved.thread, about)
            else:
                transaction.enter_thread(into, traces.stories, about)
            self._refresh(transaction, [into], stories, now)
        return into

    def split(self, named: str) -> Split:
        """Takes a story out of its thread for good. Raises UsageError if it is in none."""
        now = time.time()
        named = full_id(self._store, named)
        if self._store.thread(ThreadId(named.removeprefix("urn:uuid:"))) is not None:
            raise UsageError("that is a thread: name the story that is to leave it (`aggregator why THREAD` lists its stories)")
        story = find_story(self._store, named)
        with self._store.begin() as transaction:
            thread = transaction.threads_of([story.id]).get(story.id)
            if thread is None:
                raise UsageError("that story is in no thread")
            stories = transaction.stories_in(thread)
            rest = tuple(one for one in transaction.stories(stories) if one.items and one.id != story.id)
            head = _head(transaction, thread, rest)
            traces = Traces(
                title=story.title,
                url=story.lead_item.entry.url,
                stories=(story.id,),
                thread=thread,
                links=links_of(transaction, [story.id]),
            )
            decision = transaction.add_decision("thread-split", now, traces)
            for item in story.items:
                transaction.add_override(Override("thread-split", override_key(item), thread, now, decision))
            take_out(transaction, thread, [story.id])
            self._refresh(transaction, [thread], stories, now)
        return Split(story, head, rest)

    def drop(self, named: str) -> str:
        """Ends a thread; its stories are in none again. Returns the thread's title. Raises UsageError if there is no such thread.

        named: the thread, or one of its stories.
        """
        now = time.time()
        with self._store.begin() as transaction:
            id = self._side(transaction, named).thread
            if id is None:
                raise UsageError("that story is in no thread")
            stories = transaction.stories_in(id)
            found = [one for one in transaction.stories(stories) if one.items]
            traces = Traces(
                title=_head(transaction, id, found), stories=tuple(stories), thread=id, links=links_of(transaction, stories)
            )
            decision = transaction.add_decision("thread-drop", now, traces)
            for one in found:
                transaction.add_override(Override("thread-drop", override_key(one.items[0]), None, now, decision))
            take_out(transaction, id, stories)
            self._refresh(transaction, [id], stories, now)
        return traces.title

    def _side(self, transaction: Transaction, named: str) -> Side:
        """The thread with this id, or of the story with this id, address or guid. Raises UsageError if there is neither."""
        named = full_id(self._store, named)
        asked = ThreadId(named.removeprefix("urn:uuid:"))
        id = transaction.living_threads([asked]).get(asked)
        if id is None:
            story = find_story(self._store, named)
            id = transaction.threads_of([story.id]).get(story.id)
            if id is None:
                return Side(None, (story,))
        stories = tuple(one for one in transaction.stories(transaction.stories_in(id)) if one.items)
        if not stories:
            raise UsageError("that thread has no stories any more: `aggregator stories threads` lists those that have")
        return Side(id, stories)

    def _refresh(self, transaction: Transaction, threads: Collection[ThreadId], stories: Iterable[StoryId], now: Instant) -> None:
        concerned = retell_threads(transaction, threads, stories)
        edit_curator(self._store, self._settings, self._rules, transaction, now, {}).refresh(transaction, concerned)


def retell_threads(transaction: Transaction, threads: Collection[ThreadId], stories: Iterable[StoryId] = ()) -> list[StoryId]:
    """Sums threads up anew, and has the pages of their stories written again, and of `stories`, which may have left them.

    Returns these stories, and those whose threads have changed.
    """
    changed = list(dict.fromkeys([*stories, *sorted(transaction.sum_up_threads(threads))]))
    with_text = [story.id for story in transaction.stories(changed) if story.items]
    thread_listing.mark_retold(transaction, entries=(), pages=with_text)  # pages without are not made again
    return changed


def take_out(transaction: Transaction, thread: ThreadId, stories: Collection[StoryId]) -> None:
    """Takes stories out of a thread, which is about the others from then on."""
    transaction.leave_threads(stories)
    rest = transaction.stories_in(thread)
    transaction.enter_thread(thread, (), what_about(transaction.index, rest, view_of))


def _refuse(kept: Side, moved: Side) -> None:
    """Raises UsageError if two sides can't become one thread."""
    stories = [*kept.stories, *moved.stories]
    if kept.thread is not None and kept.thread == moved.thread:
        raise UsageError("these are one thread already")
    if len({story.id for story in stories}) < len(stories):
        raise UsageError("that is one story: name another thread, or another story")
    if len({story.private for story in stories}) > 1:
        raise UsageError("one of them is private (its source is): a public and a private story never share a thread")
    if len(stories) > MOST_STORIES:
        raise UsageError(f"they have {len(stories)} stories, and a thread has {MOST_STORIES} at most")


def _head(transaction: Transaction, thread: ThreadId, stories: Collection[Story]) -> str:
    """The title of a thread, or of these stories if that has none yet."""
    members = transaction.thread_members(thread)
    return thread_listing.headline(thread_listing.head_of(members)) if members else next((one.title for one in stories), "")


def links_of(transaction: Transaction, stories: Collection[StoryId]) -> tuple[Link, ...]:
    """All links of these stories, each once."""
    links = (link for story in stories for link in transaction.links(story))
    return tuple({(link.story, link.other): link for link in links}.values())


def _keys_to_bind(transaction: Transaction, kept: Side, moved: Side) -> Iterable[str]:
    """One entry of each side, and all that were kept out of threads: they are free again."""
    keys = {override_key(item) for story in (*kept.stories, *moved.stories) for item in story.items}
    bound = {one.a for one in transaction.thread_overrides()}
    ends = [override_key(side.stories[0].items[0]) for side in (kept, moved)]
    return dict.fromkeys([*ends, *sorted(keys & bound)])
