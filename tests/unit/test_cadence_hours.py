"""Moments of cron lines."""

from __future__ import annotations

import pytest

from aggregator.cadence.cron import next_moment

NOON = 1_686_830_400.0  # 15 June 2023, 12:00 UTC


@pytest.mark.parametrize(
    ("line", "timezone", "hours"),
    [
        ("0 * * * *", "UTC", 1),
        ("0 6 * * *", "UTC", 18),
        ("0 6 * * *", "Europe/Brussels", 16),
        ("0 14 * * *", "Europe/Brussels", 24),
        ("0 12 * * 1", "UTC", 4 * 24),
    ],
)
def test_the_next_moment_is_later_and_in_the_zone(line: str, timezone: str, hours: int) -> None:
    assert next_moment(line, NOON, timezone) == NOON + hours * 3600
