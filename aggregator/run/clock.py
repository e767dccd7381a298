"""The system clock."""

from __future__ import annotations

import asyncio
import time

from aggregator.model import Instant


class SystemClock:
    """Implements ports.Clock."""

    def now(self) -> Instant:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
