"""The next due time of a source, with its reason: its interval slowed by hints, or a back-off after failures."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim
from msgspec import Struct

from aggregator.cadence import floors, rhythm
from aggregator.model import Auto, Cron, Fault, FaultKind, Fixed, Instant, Source, SourceState
from aggregator.settings import Polling
from aggregator.text.times import format_duration

JITTER = 0.1
"""Share by which an interval is prolonged at most, at random, so that sources don't poll in step. It is never shortened: whoever
writes `every: 1h`, or `max-age=3600`, counts a request after 59 minutes as bad manners."""
CRON_SPREAD = 30.0
"""Seconds over which the polls of one cron line are spread."""
MAX_BACKOFF = 86_400.0
"""Seconds between polls of a source that keeps failing, at most."""
FIRST_BACKOFF = 1800.0
"""Seconds until the first retry, at most: with a slow feed's own interval a brief error would last too long."""
OFFLINE_BACKOFF = 3_600.0
"""Seconds between polls, at most, while our own side is offline: waiting longer would spare no server."""
RETRY_SPREAD = 30.0
"""Seconds, at most, over which sources are spread that wait for the same moment."""
FARTHEST_CRON = 5 * 366 * 86_400.0
"""Seconds until the next 29 February, the rarest moment there is."""


class Due(Struct, frozen=True):
    """When to poll next, and why."""

    at: Instant
    reason: str


def after_success(source: Source, state: SourceState, now: Instant, polling: Polling, rng: float, timezone: str) -> Due:
    """The due time after an answer. `state` already has the new arrivals and hints; rng is in [0, 1).

    Never sooner than `polling.min`. Hints slow polling down, to `polling.max` at most, but not an `every` that is written at
    the source itself (strict).
    """
    match source.every:
        case Cron(line, strict):
            floor, why = (now + polling.min, "") if strict else _hint_floor(state, now, polling)
            return _next_cron(line, max(floor, now + polling.min), why, now, rng, timezone)
        case Fixed(seconds, strict):
            base, why = max(seconds, polling.min), f"every {format_duration(seconds)}"
            if seconds < polling.min:
                why += f", held to {format_duration(polling.min)} by polling.min"
        case Auto():
            strict = False
            base, why = _learnt_interval(state, now, polling)
    planned = now + max(polling.min, base * _jitter(rng))
    if isinstance(source.every, Auto):
        planned = min(planned, now + polling.max)
    if strict:
        return Due(planned, why)
    floor, floor_why = _hint_floor(state, now, polling)
    if floor > planned:
        planned, why = min(floor + (floor - now) * JITTER * rng, max(floor, now + polling.max)), floor_why
    open_again = floors.after_skipped(planned, state.hints, now + polling.max)
    return Due(planned, why) if open_again <= planned else Due(open_again, f"{why}; skipHours or skipDays until then")


def after_failure(source: Source, state: SourceState, fault: Fault, now: Instant, polling: Polling, rng: float) -> Due:
    """The due time after a failure: the wait doubles with each one in a row, up to a day, and respects Retry-After.

    `state.failures` includes this failure. rng is in [0, 1).
    """
    usual = _usual_interval(source, state, now, polling)
    is_offline = fault.kind is FaultKind.OFFLINE  # no server is asked in vain, and a laptop is soon back
    first = polling.min if is_offline else max(polling.min, min(usual, FIRST_BACKOFF))
    longest = max(OFFLINE_BACKOFF if is_offline else MAX_BACKOFF, polling.min)
    wait = min(first * 2.0 ** min(state.failures - 1, 30), longest) * _jitter(rng)
    planned = now + max(polling.min, min(wait, longest))
    count = "1 failure" if state.failures == 1 else f"{state.failures} failures in a row"
    if fault.retry_at is not None and fault.retry_at > planned:
        spread = min(RETRY_SPREAD, (fault.retry_at - now) * JITTER) * rng
        return Due(fault.retry_at + spread, f"the server asked to wait ({count})")
    return Due(planned, f"backing off after {count}")


def usual_wait(source: Source, state: SourceState, polling: Polling, timezone: str) -> float:
    """Seconds from the last success until the source would be asked again had nothing failed since; polling.max if none did."""
    if state.last_success is None:
        return polling.max
    return after_success(source, state, state.last_success, polling, 0.0, timezone).at - state.last_success


def _usual_interval(source: Source, state: SourceState, now: Instant, polling: Polling) -> float:
    match source.every:
        case Fixed(seconds, _):
            return max(seconds, polling.min)
        case Cron():
            return FIRST_BACKOFF
        case _:
            return _learnt_interval(state, now, polling)[0]


def _learnt_interval(state: SourceState, now: Instant, polling: Polling) -> tuple[float, str]:
    since = [at for at in (state.last_new, state.first_success) if at is not None]
    known = rhythm.learn_rhythm(state.arrivals, now)
    wanted = rhythm.poll_interval(known, now - since[0] if since else 0.0)
    base = min(max(wanted, polling.min), polling.max)
    why = "auto: no rhythm learnt yet" if known is None else f"auto: something new each {format_duration(known.gap)}"
    return base, f"{why}, so every {format_duration(base)}"


def _hint_floor(state: SourceState, now: Instant, polling: Polling) -> tuple[Instant, str]:
    hint = floors.longest_hint(state.hints)
    if hint is None:
        return now, ""
    seconds, name = hint
    return now + min(seconds, polling.max), f"{name} {format_duration(seconds)}"


def _next_cron(line: str, floor: Instant, why: str, now: Instant, rng: float, timezone: str) -> Due:
    """The first moment of a cron line at or after the floor, plus up to CRON_SPREAD."""
    zone = ZoneInfo(timezone)
    moment = next(CronSim(line, datetime.fromtimestamp(floor - 1, zone)), None)
    if moment is None or moment.timestamp() > now + FARTHEST_CRON:
        return Due(max(floor, now + MAX_BACKOFF), f"cron {line} has no moment soon")
    reason = f"cron {line}" + (f", not before {why}" if why else "")
    return Due(max(moment.timestamp(), floor) + CRON_SPREAD * rng, reason)


def _jitter(rng: float) -> float:
    return 1.0 + JITTER * rng
