"""Threads in the database: which stories follow one event, and the links between them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from aggregator.model import Instant, Link, Slug, StoryId, Thread, ThreadId


class ThreadState(Struct, frozen=True):
    """A thread as linking sees it, pairs included. stories: how many; newest: its newest report; vector: what it is about."""

    id: ThreadId
    stories: int
    newest: Instant
    vector: bytes


class Report(NamedTuple):
    """A report that counts for the weight of its story and of its thread. thread: None if it is in none; pairs count.

    outlet: what outlets are counted by; None if the item is of no outlet. private: of a source that public feeds don't show.
    """

    story: StoryId
    thread: ThreadId | None
    outlet: str | None
    published: Instant
    private: bool = False


class ThreadStory(NamedTuple):
    """A story of a thread as lists show it. Those that were taken down or merged, or of which no item is stored, are not listed.

    updated, version: as in `Shown`; title: as it is now; url, outlet, language: its lead's; outlets: key and name of each that
    tells it; private: whether one of its items is. lead_published: when its lead was published, which may be long after the
    story's first report.
    """

    story: StoryId
    published: Instant
    updated: Instant
    version: int
    title: str
    url: str | None
    outlet: str
    language: str
    outlets: tuple[tuple[str, str], ...]
    private: bool
    lead_published: Instant


class ThreadWhereabouts(NamedTuple):
    """Where a thread's id leads. thread: the id, or the thread that it was merged into.

    newest: when its newest report was published or its newest story came, whichever is later, since a backlog is read long after
    its dates. feeds: those that its stories are in, archive pages included.
    """

    thread: ThreadId
    newest: Instant
    feeds: frozenset[Slug]


class Fate(NamedTuple):
    """What became of a story. story: itself, or the one that it was merged into; headline: a person's correction."""

    story: StoryId
    dropped: bool
    private: bool
    headline: str | None


class Threads(Protocol):
    """Reads threads. Those of fewer than SHOWN_FROM stories are unknown here."""

    def thread(self, thread: ThreadId) -> Thread | None:
        """The thread, or the one that it was merged into."""
        ...

    def running_threads(self, since: Instant, limit: int) -> list[Thread]:
        """Threads with a report published since then, those with the newest one first."""
        ...

    def thread_stories(self, thread: ThreadId) -> list[StoryId]:
        """Its stories, those published first at the front."""
        ...

    def thread_members(self, thread: ThreadId) -> list[ThreadStory]:
        """Its stories as lists show them, those published first at the front. None of an unknown thread."""
        ...

    def thread_whereabouts(self, thread: ThreadId) -> ThreadWhereabouts | None:
        """Where an id leads, following aliases; None if it is unknown. Takes one query in every case, for equal timing."""
        ...

    def threads_shown(self, stories: Collection[StoryId]) -> Mapping[StoryId, Thread]:
        """Story → the thread that it is in. Without stories that are in none."""
        ...

    def threads_of(self, stories: Collection[StoryId]) -> Mapping[StoryId, ThreadId]:
        """Story → its thread, pairs included. Without stories that are in none."""
        ...

    def links(self, story: StoryId) -> list[Link]:
        """The links of a story, in both directions, the strongest first."""
        ...

    def reports(self, since: Instant, until: Instant = math.inf) -> list[Report]:
        """All reports published since then and before `until`, of stories that are not dropped."""
        ...


class ThreadWrites(Protocol):
    """Writes threads as part of a transaction, and reads what is not committed yet."""

    def threads_of(self, stories: Collection[StoryId]) -> Mapping[StoryId, ThreadId]:
        """Story → its thread, pairs included. Without stories that are in none."""
        ...

    def thread_states(self, threads: Collection[ThreadId]) -> Mapping[ThreadId, ThreadState]:
        """The states of these threads."""
        ...

    def thread_members(self, thread: ThreadId) -> list[ThreadStory]:
        """See `Threads.thread_members`."""
        ...

    def links(self, story: StoryId) -> list[Link]:
        """See `Threads.links`."""
        ...

    def fates(self, stories: Collection[StoryId]) -> Mapping[StoryId, Fate]:
        """Story → what became of it. Without unknown ids."""
        ...

    def stories_showing(self, stories: Collection[StoryId]) -> list[StoryId]:
        """The stories that show one of these as earlier. Looks through all that show any."""
        ...

    def stories_in(self, thread: ThreadId) -> list[StoryId]:
        """The stories of a thread, those published first at the front, of a pair, too."""
        ...

    def stories_bound(self, keys: Collection[str]) -> Mapping[str, StoryId]:
        """Key of an entry (`override_key`) → the story that it is in. Without those that are not stored."""
        ...

    def living_threads(self, threads: Collection[ThreadId]) -> Mapping[ThreadId, ThreadId]:
        """Thread → the one that it was merged into, or itself. Without unknown ids."""
        ...

    def thread_aliases(self, thread: ThreadId) -> tuple[ThreadId, ...]:
        """The ids that lead to a thread."""
        ...

    def begin_thread(self, first: StoryId) -> ThreadId:
        """Makes an empty thread with an id from its first story's."""
        ...

    def enter_thread(self, thread: ThreadId, stories: Sequence[StoryId], vector: bytes) -> None:
        """Puts stories into a thread, and stores what the thread is about now. Each leaves the one that it was in."""
        ...

    def leave_threads(self, stories: Collection[StoryId]) -> None:
        """Takes stories out of their threads, and removes their links."""
        ...

    def merge_threads(self, kept: ThreadId, alias: ThreadId, vector: bytes) -> None:
        """Moves the alias's stories to the kept thread. The alias's id leads there from then on."""
        ...

    def part_threads(self, alias: ThreadId, aliases: Collection[ThreadId]) -> None:
        """Gives an alias, as an empty thread, its own id back, and those ids that led to it."""
        ...

    def save_links(self, links: Iterable[Link]) -> None:
        """Stores links, replacing those of the same stories."""
        ...

    def hide_threads(self, hidden: bool) -> None:
        """Hides all threads from those who read, or shows them again. What is stored of them stays."""
        ...

    def sum_up_threads(self, threads: Collection[ThreadId]) -> frozenset[StoryId]:
        """Derives what threads are from their stories. Returns the stories of all threads that have changed."""
        ...
