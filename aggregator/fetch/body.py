"""Reading a body: unpacked as it comes, within bounds of size, of parts, and of how much is held at one time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping

from aggregator.fetch.decode import TooLargeError, decoder_for

MAX_PARTS = 1_000
"""Parts of a body after which they must be of TINY bytes on average: single bytes in chunks cost a thousand times their worth."""
TINY = 64
LARGE = 1024 * 1024
"""Bytes on the wire from which a body counts as large: one feed in a thousand."""
AT_ONCE = 64 * 1024
"""Bytes on the wire that are read and unpacked before others have their turn: a socket with more to read never waits."""
LARGE_AT_A_TIME = 4
"""Large bodies that are read at a time; the others wait. Without that, servers that never end would fill the memory together."""


class TrickleError(Exception):
    """A body in so many tiny parts that reading them is the harm."""


class BodyReader:
    """Reads bodies of at most `max_bytes`, packed and unpacked."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._large = asyncio.Semaphore(LARGE_AT_A_TIME)

    async def read(self, parts: AsyncIterable[bytes], headers: Mapping[str, str], deadline: asyncio.Timeout) -> bytes:
        """The whole body. The time that it waits for its turn as a large one is added to the deadline.

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
                    await self._wait(deadline)
                    turn = True
                decoder.feed(part)
                if size > pause:
                    await asyncio.sleep(0)
                    pause = size + AT_ONCE
            return decoder.finish()
        finally:
            if turn:
                self._large.release()

    async def _wait(self, deadline: asyncio.Timeout) -> None:
        """Waits for a turn with the clock stopped."""
        if not self._large.locked():
            await self._large.acquire()
            return
        loop, until = asyncio.get_running_loop(), deadline.when()
        started = loop.time()
        deadline.reschedule(None)
        await self._large.acquire()
        if until is not None:
            deadline.reschedule(until + loop.time() - started)
