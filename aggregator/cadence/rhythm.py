"""The rhythm of a source, learnt from when its entries appeared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from aggregator.model import Instant

MAX_ARRIVALS = 40
"""Publication times that are kept: a few days of a news feed, most of a year of a weekly one."""
RECENT = 10
"""Bursts that make the current rhythm: enough to be steady, few enough to follow a change within days."""
BURST = 600.0
"""Seconds between entries that count as one appearance: a desk publishes several articles in one go."""
POLLS_PER_GAP = 3.0
"""Polls for each expected appearance: an entry is then seen after a sixth of the usual gap on average, and two polls
of three are cheap 304s. Aggregators elsewhere use 1 to 2 and deliver later."""
UNKNOWN = 3600.0
"""Seconds between polls of a source that has no dates and has shown nothing new yet."""


class Rhythm(Struct, frozen=True):
    """Seconds. gap: the current mean time between appearances; longest: the longest pause so far."""

    gap: float
    longest: float


def remember_arrivals(known: Sequence[Instant], new: Iterable[Instant], now: Instant) -> tuple[Instant, ...]:
    """The history with new publication times, oldest first, at most MAX_ARRIVALS. Times in the future count as now."""
    fresh = [at for at in new if at > 0]
    return tuple(sorted({min(at, now) for at in (*known, *fresh)})[-MAX_ARRIVALS:]) if fresh else tuple(known)


def learn_rhythm(arrivals: Sequence[Instant], now: Instant) -> Rhythm | None:
    """The rhythm, or None while fewer than two appearances are known.

    The time since the last appearance counts as a gap, too: a source that falls silent is polled less and less, and more
    again after its first new entry.
    """
    bursts = _bursts(arrivals)
    if len(bursts) < 2:
        return None
    pauses = [later - earlier for earlier, later in pairwise(bursts)]
    recent = bursts[-RECENT:]
    gap = max(now - recent[0], 1.0) / len(recent)
    return Rhythm(gap, max(pauses))


def poll_interval(known: Rhythm | None, since_new: float) -> float:
    """Seconds between polls that fit the rhythm. The caller applies the limits.

    since_new: seconds since anything new was seen (or the first success), for sources without usable dates.
    """
    return max(UNKNOWN, since_new / POLLS_PER_GAP) if known is None else known.gap / POLLS_PER_GAP


def _bursts(arrivals: Sequence[Instant]) -> list[Instant]:
    """The first instant of each burst; `arrivals` is sorted."""
    bursts: list[Instant] = []
    last = float("-inf")
    for at in arrivals:
        if at - last > BURST:
            bursts.append(at)
        last = at
    return bursts
