"""Bodies that others send us: each is bounded in size and time, and those of pushes all together in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aggregator.ports import Answer, Call

TOGETHER = 64 * 1024 * 1024
"""Bytes of pushed documents in memory at once: those on their way, and those that wait to be stored."""
COME_BACK = 60
"""Seconds after which a hub may try again what there was no room for."""


class Room:
    """Memory that bodies share. It is taken piece by piece, as they come: what is only announced takes none."""

    def __init__(self) -> None:
        self.held = 0

    def place(self, largest: int) -> Place:
        """For one more body. largest: bytes that one may have; there is always room for one alone."""
        return Place(self, max(TOGETHER, largest))


class Place:
    """What one body has of the room, until it is left."""

    def __init__(self, room: Room, size: int) -> None:
        self._room = room
        self._size = size
        self._taken = 0

    def take(self, count: int) -> bool:
        """False if there is not so much left; then nothing is taken."""
        if self._room.held + count > self._size:
            return False
        self._room.held += count
        self._taken += count
        return True

    def leave(self) -> None:
        self._room.held -= self._taken
        self._taken = 0


async def read(call: Call, limit: int, seconds: float, has_room: Callable[[int], bool] = lambda count: True) -> bytes | Answer:
    """The whole body, or what its sender is told: too large (413), too slow (408), no room at this moment (503)."""
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
                if not has_room(len(piece)):
                    return Answer(503, wait=COME_BACK)
                pieces.append(piece)
    except TimeoutError:
        return Answer(408)
    return b"".join(pieces)
