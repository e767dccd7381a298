"""Reads a feed's hints on when to poll again, in seconds. Invalid hints are ignored; the cadence bounds extreme ones."""

from __future__ import annotations

from aggregator.model import Hints
from aggregator.parse.raw import RawFeed

_PERIODS = {"hourly": 3600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0, "yearly": 31_536_000.0}
"""Seconds of each period in the RSS 1.0 Syndication module. A month is 30 days."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def hints_of(raw: RawFeed) -> Hints:
    """Reads `ttl` (in minutes, RSS 2.0), `sy:*`, `skipHours` (24 is midnight, RSS 0.91), and `skipDays`."""
    ttl = _number(raw.ttl)
    period = _PERIODS.get((raw.period or "").strip().lower())
    hours = {hour % 24 for text in raw.skip_hours if (hour := _number(text)) is not None and hour <= 24}
    days = {_DAYS.index(day) for text in raw.skip_days if (day := text.strip().lower()) in _DAYS}
    return Hints(
        ttl=ttl * 60.0 if ttl else None,
        update_period=period / max(1, _number(raw.frequency) or 1) if period else None,
        skip_hours=tuple(sorted(hours)) if len(hours) < 24 else (),
        skip_days=tuple(sorted(days)) if len(days) < 7 else (),
    )


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
