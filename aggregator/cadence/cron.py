"""The moments of a cron line, for what happens at given hours."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from aggregator.model import Instant

NEVER = float("inf")


def next_moment(line: str, after: Instant, timezone: str) -> Instant:
    """The first moment of a cron line after `after`, in that time zone; NEVER if it has none."""
    moment = next(CronSim(line, datetime.fromtimestamp(after, ZoneInfo(timezone))), None)
    return NEVER if moment is None else moment.timestamp()
