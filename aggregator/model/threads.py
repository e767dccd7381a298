"""Threads: stories that follow one event. Each story keeps its id; the thread links them."""

from __future__ import annotations

from msgspec import Struct

from aggregator.model.ids import Instant, StoryId, ThreadId

SHOWN_FROM = 3
"""Stories from which on a thread is shown. Two linked stories are a pair, and seldom an event that goes on."""


EARLIER = 3
"""Earlier stories that an entry shows: what is read in passing. The story's page has more."""


class Thread(Struct, frozen=True):
    """A thread as its stories tell it.

    first: the story published first; head: the weightiest one, whose headline is the thread's title; stories, outlets: how many;
    began, newest: when its first and its newest report were published; formerly: ids of threads that were merged into it.
    """

    id: ThreadId
    first: StoryId
    head: StoryId
    stories: int
    outlets: int
    began: Instant
    newest: Instant
    formerly: tuple[ThreadId, ...] = ()


class EarlierStory(Struct, frozen=True):
    """A story that was published before another one of its thread. title: its headline then; url: its article's, if known."""

    story: StoryId
    title: str
    url: str | None


class Earlier(Struct, frozen=True):
    """What a story follows, as it stood when the story was first published: the entry shows it, and the thread may grow.

    thread: its id. title: the headline of `head`, its weightiest story; "" if that was taken down since. stories, outlets: how
    many; first: the story published first; shown: at most EARLIER of its stories, the newest first.
    """

    thread: ThreadId
    title: str
    head: StoryId
    stories: int
    outlets: int
    first: StoryId
    shown: tuple[EarlierStory, ...]

    @property
    def named(self) -> tuple[StoryId, ...]:
        """The stories whose headlines it tells."""
        return (self.head, *(one.story for one in self.shown))


class Link(Struct, frozen=True):
    """Why two stories belong together. likeness: cosine of their words, 0 to 1; at: when it was found."""

    story: StoryId
    other: StoryId
    likeness: float
    at: Instant
