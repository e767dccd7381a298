"""Reads and unpacks a body as it arrives, with limits on its size, its parts and the memory of all bodies together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping

from aggregator.fetch.decode import TooLargeError, decoder_for

MAX_PARTS = 1_000
"""Parts after which the average must be at least TINY bytes: a body sent in single bytes costs a thousand times its size."""
TINY = 64
"""Bytes."""
LARGE = 1024 * 1024
"""Bytes on the wire from which a body counts as large; one feed in a thousand is."""
AT_ONCE = 64 * 1024
"""Bytes read and unpacked before other tasks get a turn; a busy socket would never yield by itself."""
LARGE_AT_A_TIME = 4
"""Large bodies read at the same time; others wait. Otherwise several endless bodies would fill the memory together."""


class TrickleError(Exception):
    """The body comes in too many tiny parts (see MAX_PARTS)."""


class BodyReader:
    """Reads bodies of at most `max_bytes`, packed and unpacked."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._large = asyncio.Semaphore(LARGE_AT_A_TIME)

    async def read(self, parts: AsyncIterable[bytes], headers: Mapping[str, str], deadline: asyncio.Timeout) -> bytes:
        """The whole body. Time spent waiting for a turn as a large body is added to the deadline.

        Raises TooLargeError, DecodingError, TrickleError, and what reading raises.
        """
        length = headers.get("content-length", "")
        if length.isdigit() and len(length) < 20 and int(length) > self._max_bytes:
            raise TooLargeError
        decoder = decoder_for(headers.get("content-encoding"), self._max_bytes)
        size = count = 0
        pause = AT_ONCE
        turn = False
        try:
            async for part in parts:
                size, count = size + len(part), count + 1
                if size > self._max_bytes:
                    raise TooLargeError
                if count > MAX_PARTS and size < count * TINY:
                    raise TrickleError
                if size > LARGE and not turn:
                    await self._wait_for_turn(deadline)
                    turn = True
                decoder.feed(part)
                if size > pause:
                    await asyncio.sleep(0)
                    pause = size + AT_ONCE
            return decoder.finish()
        finally:
            if turn:
                self._large.release()

    async def _wait_for_turn(self, deadline: asyncio.Timeout) -> None:
        """Waits for a turn at the large bodies, with the deadline suspended."""
        if not self._large.locked():
            await self._large.acquire()
            return
        loop, until = asyncio.get_running_loop(), deadline.when()
        started = loop.time()
        deadline.reschedule(None)
        await self._large.acquire()
        if until is not None:
            deadline.reschedule(until + loop.time() - started)
