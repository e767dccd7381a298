"""Instants and durations as text."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

DAY = 86_400.0
"""Seconds."""


@cache
def zone(name: str) -> tzinfo:
    """A time zone by name; UTC if this system does not know it."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC


def rfc3339(instant: float | None) -> str | None:
    """`2023-06-15T10:04:00Z` (RFC 3339, whole seconds, UTC); None for None."""
    if instant is None:
        return None
    return datetime.fromtimestamp(int(instant), UTC).isoformat()[:19] + "Z"


def format_duration(seconds: float) -> str:
    """A duration in its largest fitting unit, as the config writes it: `45s`, `12m`, `3h`, `2d`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if abs(seconds) >= 2 * size or (abs(seconds) >= size and seconds % size == 0):
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
