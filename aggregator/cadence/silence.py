"""Recognises a source that has fallen silent: it answers, but nothing new appears."""

from __future__ import annotations

from aggregator.cadence.rhythm import learn_rhythm
from aggregator.model import Instant, Source, SourceState
from aggregator.text.times import format_duration

GAPS = 4.0
"""Learnt gaps without anything new that make a silence."""
PAUSES = 2.0
"""Times the longest pause of its history, which must have passed as well: nights and weekends are no silence."""
AT_LEAST = 86_400.0
"""Seconds of the shortest silence, if `silent_after` is not set."""


def why_silent(state: SourceState, source: Source, now: Instant) -> str | None:
    """Why a source counts as silent, or None. Without `silent_after` it needs a learnt rhythm.

    The silence begins with the newest entry's time, or when something new was last seen, whichever is later.
    """
    newest = max((at for at in (state.last_new, *state.arrivals[-1:]) if at is not None), default=state.first_success)
    if state.gone or newest is None:
        return None
    quiet = now - newest
    if source.silent_after is not None:
        limit, why = source.silent_after, "silent_after"
    elif quiet <= AT_LEAST:
        return None
    else:
        rhythm = learn_rhythm(state.arrivals, newest)
        if rhythm is None:
            return None
        limit, why = max(GAPS * rhythm.gap, PAUSES * rhythm.longest, AT_LEAST), "its usual rhythm"
    return f"nothing new for {format_duration(quiet)} ({why}: {format_duration(limit)})" if quiet > limit else None
