"""Reads request bodies from strangers: bounds the size and time of each, and the memory of all pushed documents together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aggregator.ports import Answer, Call

PUSHES_IN_MEMORY = 64 * 1024 * 1024
"""Bytes of pushed documents in memory at once, while they arrive and until they are stored."""
RETRY_AFTER = 60
"""Seconds after which a hub may retry a push that was refused for lack of memory."""


class MemoryBudget:
    """Memory that bodies share. It is taken as pieces arrive: an announced length alone takes none."""

    def __init__(self) -> None:
        self.held = 0

    def reserve(self, largest: int) -> Reservation:
        """Opens a reservation for one body. largest: bytes of the largest body allowed; one alone always fits."""
        return Reservation(self, max(PUSHES_IN_MEMORY, largest))


class Reservation:
    """The memory that one body has taken."""

    def __init__(self, budget: MemoryBudget, size: int) -> None:
        self._budget = budget
        self._size = size
        self._taken = 0

    def take(self, count: int) -> bool:
        """Takes bytes; returns False and takes none if too few are left."""
        if self._budget.held + count > self._size:
            return False
        self._budget.held += count
        self._taken += count
        return True

    def release(self) -> None:
        self._budget.held -= self._taken
        self._taken = 0


async def read_body(call: Call, limit: int, seconds: float, take: Callable[[int], bool] = lambda count: True) -> bytes | Answer:
    """Reads the whole body, or returns an error: too large (413), too slow (408), no memory left (503).

    take: takes memory for a piece, False if there is none.
    """
    announced = call.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        return Answer(413)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in call.body:
                size += len(piece)
                if size > limit:
                    return Answer(413)
                if not take(len(piece)):
                    return Answer(503, wait=RETRY_AFTER)
                pieces.append(piece)
    except TimeoutError:
        return Answer(408)
    return b"".join(pieces)
