"""The system clock, and the one that several nodes share."""

from __future__ import annotations

import asyncio
import time

from aggregator.model import Instant
from aggregator.ports import Attendance


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> Instant:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ServerClock(SystemClock):
    """The database server's wall time, however wrong this machine's is."""

    def __init__(self, attendance: Attendance) -> None:
        self._attendance = attendance

    def now(self) -> Instant:
        return self._attendance.now()
