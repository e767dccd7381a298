"""Hints of a feed or its server about when to come back. They only slow polling down, within `polling.max`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from aggregator.model import Hints, Instant

_ALL_HOURS, _ALL_DAYS = 24, 7


def longest_hint(hints: Hints) -> tuple[float, str] | None:
    """(seconds, name) of the hint that asks for the longest wait, or None."""
    given = (("max-age", hints.max_age), ("ttl", hints.ttl), ("updatePeriod", hints.update_period))
    return max(((value, name) for name, value in given if value is not None and value > 0), default=None)


def after_skipped(at: Instant, hints: Hints, until: Instant) -> Instant:
    """The first instant from `at` on outside the feed's skipHours and skipDays (UTC), `until` at the latest.

    A list that skips all hours or all days is taken for a mistake and ignored.
    """
    hours, days = frozenset(hints.skip_hours), frozenset(hints.skip_days)
    hours = hours if len(hours) < _ALL_HOURS else frozenset()
    days = days if len(days) < _ALL_DAYS else frozenset()
    if not hours and not days:
        return at
    moment = datetime.fromtimestamp(at, UTC)
    while moment.hour in hours or moment.weekday() in days:
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        if moment.timestamp() >= until:
            return max(at, until)
    return max(at, moment.timestamp())


def merge_hints(known: Hints, of_document: Hints | None, of_answer: Hints) -> Hints:
    """The hints now in force: a document's count until the next document, an answer's max-age until the next answer."""
    base = of_document if of_document is not None else known
    return base if base.max_age == of_answer.max_age else replace(base, max_age=of_answer.max_age)
