"""Which stories the front page shows: of each of the day's events the weightiest, with others of its thread.

It is made soon after any feed has changed (decision 094) and stored, so that the page depends on the database alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from aggregator.model import Instant, Slug, StoryId, ThreadId
from aggregator.ports import Report, StoreView, ThreadStory
from aggregator.publish.pages.open_threads import OpenThreads
from aggregator.publish.selection.weight import WINDOW, Weights
from aggregator.settings import Output

KEY = "publish.front"
"""Key of the stored `FrontRanking`."""
PLACES = 20
"""Stories on the front page: about as many as a laptop's screen shows."""
DAYS = 20
"""Days that had news, the last ones, that are looked at until the page is full. A busy site needs one."""
FADE = 0.5
"""What a story's weight of its day is multiplied by for each later day that had news."""
OTHERS = 3
"""Other stories of a thread that stand below its weightiest one."""
PER_OUTLET = 3
"""Stories that one outlet alone tells: others come first, so that an outlet of fifty notes an hour doesn't fill the page."""
LOOKED_AT = 500
"""Stories of a day that compete, at most."""
CHUNK = 100
"""Stories whose feeds are looked up at a time."""
T = TypeVar("T", Report, "Told", ThreadStory)


class Place(Struct, frozen=True, array_like=True):
    """A story of the front page. others: of its thread, in order of time."""

    story: StoryId
    others: tuple[StoryId, ...] = ()


class FrontRanking(Struct, frozen=True, array_like=True):
    """as_of: when the newest public report was published, by which all are weighed; None if there is none."""

    as_of: Instant | None = None
    places: tuple[Place, ...] = ()

    @classmethod
    def read(cls, stored: str | None) -> FrontRanking | None:
        return msgspec.json.decode(stored, type=cls) if stored is not None else None

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    @property
    def stories(self) -> tuple[StoryId, ...]:
        """All stories that the page names."""
        return tuple(one for place in self.places for one in (place.story, *place.others))


class Told(NamedTuple):
    """A story with reports of a day. score: what it is ranked by; alone: the outlet, if only one tells it."""

    score: tuple[float, float, Instant]
    story: StoryId
    thread: ThreadId | None = None
    alone: str | None = None


class FrontRanker:
    """public: the feeds without a token, by slug."""

    def __init__(self, store: StoreView, threads: OpenThreads, public: Mapping[Slug, Output]) -> None:
        self._store = store
        self._threads = threads
        self._public = public

    def rank(self, now: Instant) -> FrontRanking:
        """Ranks by the day that ends with the newest public report, and fills the page with the days before that had news.

        So the page of a quiet site, or of one whose network is gone, stays as it is.
        """
        members, reports = _Members(self._store, self._public), _Reports(self._store)
        as_of = end = _newest(now, members, reports)
        told: list[Told] = []
        chosen: list[Told] = []
        for day in range(DAYS):
            if end is None:
                break
            told += _weightiest(reports.between(end - WINDOW, end), end, FADE**day, members)
            chosen = choose(sorted(told, reverse=True))
            end = members.last_before(end - WINDOW) if len(chosen) < PLACES else None
        return FrontRanking(as_of, tuple(Place(one.story, self._others(one, members, told)) for one in chosen))

    def _others(self, one: Told, members: _Members, told: Iterable[Told]) -> tuple[StoryId, ...]:
        """The other stories of its thread that most outlets tell, and of those the newest. Of a pair, the other story."""
        if one.thread is None:
            return ()
        thread = self._threads.read(one.thread)
        if thread is None:
            linked = (other.story for other in told if other.thread == one.thread and other.story != one.story)
            return tuple(dict.fromkeys(linked))[:OTHERS]
        seen = members.of(thread.stories)
        best_first = sorted(seen, key=lambda other: (-len(other.outlets), -other.published))
        others = [other for other in best_first if other.story != one.story][:OTHERS]
        return tuple(other.story for other in sorted(others, key=lambda other: (other.published, other.story)))


class _Reports:
    """The reports that the public may know of. Each is read once, however many days are looked at."""

    def __init__(self, store: StoreView) -> None:
        self._store = store
        self._read: list[Report] = []
        self._since = math.inf

    def between(self, since: Instant, end: Instant) -> list[Report]:
        """Those published between two instants, both included."""
        if since < self._since:
            earlier = self._store.reports(since, self._since)
            self._read = [*(one for one in earlier if not one.private), *self._read]
            self._since = since
        return [one for one in self._read if since <= one.published <= end]


class _Members:
    """The stories of public feeds. Of a feed that is being filled, those that its document shows: others may leave it again."""

    def __init__(self, store: StoreView, public: Mapping[Slug, Output]) -> None:
        self._store = store
        self._public = public
        states = store.outputs()
        filling = [one for slug, one in public.items() if slug in states and states[slug].filling]
        self._filling = {one.slug: {shown.story for shown in store.shown(one.slug, one.items)} for one in filling}

    def of(self, stories: Iterable[T]) -> Iterator[T]:
        """Those of these that are there."""
        rest = iter(stories)
        while chunk := list(islice(rest, CHUNK)):
            feeds = self._store.members_of([one.story for one in chunk])
            yield from (one for one in chunk if any(self._is_shown(one.story, slug) for slug in feeds[one.story]))

    def _is_shown(self, story: StoryId, slug: Slug) -> bool:
        return slug in self._public and story in self._filling.get(slug, (story,))

    def last_before(self, bound: Instant) -> Instant | None:
        """When the last story before an instant was published."""
        return max((published for published in self._published if published < bound), default=None)

    @cached_property
    def _published(self) -> list[Instant]:
        return [one.published for slug, output in self._public.items() for one in self._store.shown(slug, output.items)]


def _newest(now: Instant, members: _Members, reports: _Reports) -> Instant | None:
    """When the newest report of a story in a public feed was published."""
    since: Instant | None = now - WINDOW
    for _ in range(2):  # the last day, or else the one in which the last story was published
        if since is not None:
            newest_first = sorted(reports.between(since, math.inf), key=lambda one: -one.published)
            found = next(members.of(newest_first), None)
            if found is not None:
                return found.published
            last = members.last_before(since)
            since = last - WINDOW if last is not None else None
    return None


def _weightiest(reports: Sequence[Report], end: Instant, factor: float, members: _Members) -> list[Told]:
    """The LOOKED_AT weightiest stories of a day in public feeds.

    Of stories in no thread that one report tells, which most are, the newest weigh most: only so many of them are weighed.
    """
    count = Counter(one.story for one in reports)
    lone = [one for one in reports if one.thread is None and count[one.story] == 1]
    lone.sort(key=lambda one: (one.outlet is not None, one.published, one.story), reverse=True)
    competing = [one for one in reports if one.thread is not None or count[one.story] > 1]
    competing += islice(members.of(lone), LOOKED_AT)
    best_first = sorted(weigh(competing, end, factor), reverse=True)
    return list(islice(members.of(best_first), LOOKED_AT))


def weigh(reports: Sequence[Report], end: Instant, factor: float) -> list[Told]:
    """The stories of these reports, by their weight at the end of the day. factor: see `FADE`."""
    weights = Weights(reports, end)
    newest: dict[StoryId, Report] = {}
    outlets: dict[StoryId, set[str]] = {}
    for report in reports:
        if report.story not in newest or newest[report.story].published < report.published:
            newest[report.story] = report
        if report.outlet is not None:
            outlets.setdefault(report.story, set()).add(report.outlet)

    def told(story: StoryId, report: Report) -> Told:
        own = outlets.get(story, set())
        score = factor * weights.of(story, report.thread), factor * weights.own(story), report.published
        return Told(score, story, report.thread, next(iter(own)) if len(own) == 1 else None)

    return [told(story, report) for story, report in newest.items()]


def choose(best_first: Iterable[Told]) -> list[Told]:
    """The first PLACES stories, one of each thread. Beyond PER_OUTLET, what an outlet tells alone comes last."""
    chosen: list[Told] = []
    waiting: list[Told] = []
    taken: set[StoryId | ThreadId] = set()
    alone: Counter[str] = Counter()
    for one in best_first:
        if one.story in taken or one.thread in taken:
            continue
        taken.update((one.story, one.thread) if one.thread is not None else (one.story,))
        if one.alone is not None:
            alone[one.alone] += 1
        (waiting if one.alone is not None and alone[one.alone] > PER_OUTLET else chosen).append(one)
    return (chosen + waiting)[:PLACES]
