"""The rhythm of a source, learnt from when its entries appeared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from aggregator.model import Instant

MAX_ARRIVALS = 40
"""Publication times that are remembered: a few days of a news feed, a year of a weekly one."""
RECENT = 10
"""Bursts that the present rhythm is read from: enough to be steady, few enough to follow a change within days."""
BURST = 600.0
"""Seconds within which entries count as one appearance: a desk publishes its five articles in one go."""
POLLS_PER_GAP = 3.0
"""Polls for each expected appearance: an entry is then seen after a sixth of the usual gap on average, and two polls
of three are cheap 304s. Aggregators elsewhere use 1 to 2 and deliver later."""
UNKNOWN = 3600.0
"""Seconds between polls of a source that gives no dates and has shown nothing new yet."""


class Rhythm(Struct, frozen=True):
    """What the history says. Seconds. gap: the present mean time between appearances; longest: the longest pause seen."""

    gap: float
    longest: float
    appearances: int


def remembered(known: Sequence[Instant], new: Iterable[Instant], now: Instant) -> tuple[Instant, ...]:
    """The history with new publication times, oldest first, at most MAX_ARRIVALS. What lies in the future counts as now."""
    fresh = [at for at in new if at > 0]
    return tuple(sorted({min(at, now) for at in (*known, *fresh)})[-MAX_ARRIVALS:]) if fresh else tuple(known)


def learnt(arrivals: Sequence[Instant], now: Instant) -> Rhythm | None:
    """The rhythm, or None while fewer than two appearances are known.

    The open gap since the last appearance counts as well: so a source that falls silent is asked less and less, and one that
    wakes up is asked more after its first new entry.
    """
    bursts = _bursts(arrivals)
    if len(bursts) < 2:
        return None
    pauses = [later - earlier for earlier, later in pairwise(bursts)]
    recent = bursts[-RECENT:]
    gap = max(now - recent[0], 1.0) / len(recent)
    return Rhythm(gap, max(pauses), len(bursts))


def interval(arrivals: Sequence[Instant], since_new: float, now: Instant) -> tuple[float, str]:
    """(seconds between polls that fit the rhythm, the reason in words); bounds are the caller's.

    since_new: seconds since anything new was seen (or the first success), for sources without usable dates.
    """
    rhythm = learnt(arrivals, now)
    if rhythm is None:
        return max(UNKNOWN, since_new / POLLS_PER_GAP), "no rhythm learnt yet"
    return rhythm.gap / POLLS_PER_GAP, "learnt"


def _bursts(arrivals: Sequence[Instant]) -> list[Instant]:
    """The beginnings of the bursts among sorted instants."""
    bursts: list[Instant] = []
    last = float("-inf")
    for at in arrivals:
        if at - last > BURST:
            bursts.append(at)
        last = at
    return bursts
