"""Reads and unpacks a body as it arrives, with limits on its size, its parts and the memory of all bodies together.

All bodies share one budget, each from its reading until its document is stored. A body waits for it once: a usual one, when it is
complete, for its size; a large one, at its first megabyte, for the most that it may grow to. So none that has memory ever waits
for more, and usual feeds fit beside large ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aggregator.fetch.decode import TooLargeError, decoder_for
from aggregator.ports import BodyMemory

MAX_PARTS = 1_000
"""Parts after which the average must be at least TINY bytes: a body sent in single bytes costs a thousand times its size."""
TINY = 64
"""Bytes."""
LARGE = 1024 * 1024
"""Bytes, packed or unpacked, from which a body counts as large; a few feeds in a thousand are."""
AT_ONCE = 64 * 1024
"""Bytes read and unpacked before other tasks get a turn; a busy socket would never yield by itself."""
BODIES_IN_MEMORY = 48 * 1024 * 1024
"""Bytes of all bodies that are being read or wait to be stored: three of the largest allowed, or a thousand usual ones. What is
made of a document takes several times its size."""


class TrickleError(Exception):
    """The body comes in too many tiny parts (see MAX_PARTS)."""


class BodyBudget:
    """Memory that bodies share. In order of arrival, but a body that fits goes before one that does not."""

    def __init__(self, total: int = BODIES_IN_MEMORY) -> None:
        self.total = self.free = total
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def share(self) -> AsyncIterator[Share]:
        """The memory of one body; given back at the end of the context."""
        share = Share(self)
        try:
            yield share
        finally:
            await share.shrink(0)

    async def take(self, size: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: size <= self.free)
            self.free -= size

    async def give_back(self, size: int) -> None:
        async with self._changed:
            self.free += size
            self._changed.notify_all()


class Share:
    """A `ports.BodyMemory`: what one body has of the budget."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._size = 0

    async def reserve(self, size: int) -> None:
        """Waits for so many bytes. A body larger than the budget gets all of it."""
        wanted = min(size, self._budget.total)
        await self._budget.take(wanted)
        self._size += wanted

    async def shrink(self, size: int) -> None:
        """Gives back all but so many bytes."""
        spare, self._size = max(0, self._size - size), min(self._size, size)
        if spare:
            await self._budget.give_back(spare)


class BodyReader:
    """Reads bodies of at most `max_bytes`, packed and unpacked."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    async def read(
        self, parts: AsyncIterable[bytes], headers: Mapping[str, str], deadline: asyncio.Timeout, memory: BodyMemory
    ) -> bytes:
        """The whole body. Time spent waiting for memory is added to the deadline.

        Raises TooLargeError, DecodingError, TrickleError, and what reading raises.
        """
        length = headers.get("content-length", "")
        if length.isdigit() and len(length) < 20 and int(length) > self._max_bytes:
            raise TooLargeError
        body = _Body(headers.get("content-encoding"), self._max_bytes, memory, deadline)
        size = count = 0
        pause = AT_ONCE
        async for part in parts:
            size, count = size + len(part), count + 1
            if size > self._max_bytes:
                raise TooLargeError
            if count > MAX_PARTS and size < count * TINY:
                raise TrickleError
            await body.feed(part)
            if size > pause:
                await asyncio.sleep(0)
                pause = size + AT_ONCE
        return await body.finish()


class _Body:
    """A body that is unpacked as it arrives, to LARGE bytes at most before it has memory for more."""

    def __init__(self, coding: str | None, max_bytes: int, memory: BodyMemory, deadline: asyncio.Timeout) -> None:
        self._coding, self._max_bytes = coding, max_bytes
        self._memory, self._deadline = memory, deadline
        self._decoder = decoder_for(coding, min(LARGE, max_bytes))
        self._packed: list[bytes] | None = [] if max_bytes > LARGE else None
        """The parts so far; None for a large body."""

    async def feed(self, part: bytes) -> None:
        if self._packed is None:
            self._decoder.feed(part)
            return
        self._packed.append(part)
        try:
            self._decoder.feed(part)
        except TooLargeError:
            await self._become_large(self._packed)

    async def _become_large(self, packed: list[bytes]) -> None:
        """Waits for memory, and unpacks the parts so far once more."""
        self._packed = None
        await self._reserve(self._max_bytes)
        self._decoder = decoder_for(self._coding, self._max_bytes)
        for part in packed:
            self._decoder.feed(part)

    async def finish(self) -> bytes:
        whole = self._decoder.finish()
        if self._packed is None:
            await self._memory.shrink(len(whole))
        else:
            await self._reserve(len(whole))
        return whole

    async def _reserve(self, size: int) -> None:
        """Reserves memory, with the deadline suspended while it waits."""
        loop, until = asyncio.get_running_loop(), self._deadline.when()
        started = loop.time()
        self._deadline.reschedule(None)
        try:
            await self._memory.reserve(size)
        finally:
            if until is not None:
                self._deadline.reschedule(until + loop.time() - started)
