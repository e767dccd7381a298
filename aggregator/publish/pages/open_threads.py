"""The threads that the public may see: whose stories are in public feeds. Read when pages and feeds are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from aggregator.model import Instant, Slug, StoryId, ThreadId
from aggregator.ports import StoreView, ThreadStory
from aggregator.publish.selection import thread_listing
from aggregator.publish.shelf import GONE, Gone

AROUND = 5
"""Stories before and after one that its page shows: the nearest in time, so that a thread's growth changes few pages."""


class OpenThread(Struct, frozen=True):
    """What the public sees of a thread. stories: those published first at the front; feeds: the public ones that each is in."""

    id: ThreadId
    stories: tuple[ThreadStory, ...]
    feeds: Mapping[StoryId, frozenset[Slug]]

    @property
    def head(self) -> ThreadStory:
        return thread_listing.head_of(self.stories)

    @property
    def title(self) -> str:
        return thread_listing.headline(self.head)

    @property
    def outlets(self) -> int:
        return thread_listing.count_outlets(self.stories)

    @property
    def as_told(self) -> tuple[ThreadStory, ...]:
        """The stories in the order of what their headlines tell: by their leads' dates, not by their first reports'."""
        return tuple(sorted(self.stories, key=lambda one: one.lead_published))

    def around(self, story: StoryId) -> tuple[tuple[ThreadStory, ...], tuple[ThreadStory, ...]]:
        """The stories before and after one, at most AROUND each, as told. None if it is not in the thread."""
        stories = self.as_told
        place = next((place for place, one in enumerate(stories) if one.story == story), None)
        if place is None:
            return (), ()
        return stories[max(place - AROUND, 0) : place], stories[place + 1 : place + 1 + AROUND]


class OpenThreads:
    """Threads of one config. public: the feeds without a token; keep: seconds, as in `Storage`; now: of the last publication."""

    def __init__(self, store: StoreView, public: Collection[Slug], keep: float, now: Callable[[], Instant]) -> None:
        self._store = store
        self._public = frozenset(public)
        self._keep = keep
        self._now = now

    def find(self, id: ThreadId) -> ThreadId | Gone | None:
        """Where an id leads. A thread that has been asleep for `keep` is gone.

        One of which no story is in a public feed is answered like an unknown one, after the same single query.
        """
        found = self._store.thread_whereabouts(id)
        if found is None or self._public.isdisjoint(found.feeds):
            return None
        return GONE if found.newest < self._now() - self._keep else found.thread

    def read(self, id: ThreadId) -> OpenThread | None:
        """What is seen of a thread; None if nothing is."""
        members = self._store.thread_members(id) if self._public else []
        feeds = self._store.members_of([one.story for one in members])
        stories = thread_listing.visible(members, feeds, self._public)
        if not stories:
            return None
        return OpenThread(id, tuple(stories), {one.story: feeds[one.story] & self._public for one in stories})
