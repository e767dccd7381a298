"""The signals that end a process which does not run the scheduler yet."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress


class Stop:
    """Set by SIGTERM and SIGINT, at any time between the first standing by and the end."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def watch(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.event.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # the config is read again anyway

    async def within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.event.wait()
        return self.event.is_set()
