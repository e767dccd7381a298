"""Large bodies are read a few at a time, and the time that they wait for that is not theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aggregator.fetch.body import LARGE, LARGE_AT_A_TIME, BodyReader

PART = bytes(LARGE // 8)
TIMEOUT = 0.3


def read_together(count: int, size: int, hold: float) -> tuple[int, list[int]]:
    """Reads so many bodies at once, each of which takes `hold` seconds at its end; gives the most that were large at a time."""

    async def run() -> tuple[int, list[int]]:
        reader = BodyReader(10 * LARGE)
        now = most = 0

        async def parts() -> AsyncIterator[bytes]:
            nonlocal now, most
            for _ in range(size // len(PART)):
                yield PART
            now, most = now + 1, max(most, now + 1)
            await asyncio.sleep(hold)
            now -= 1

        async def one() -> int:
            async with asyncio.timeout(TIMEOUT) as deadline:
                return len(await reader.read(parts(), {}, deadline))

        sizes = await asyncio.gather(*(one() for _ in range(count)))
        return most, sizes

    return asyncio.run(run())


def test_large_bodies_take_turns_and_all_arrive() -> None:
    """Each wait is longer than what is left of the deadline: it must not count."""
    count = LARGE_AT_A_TIME * 4
    most, sizes = read_together(count, 2 * LARGE, TIMEOUT / 3)
    assert most == LARGE_AT_A_TIME and sizes == [2 * LARGE] * count


def test_usual_bodies_never_wait() -> None:
    most, sizes = read_together(50, LARGE // 2, 0.01)
    assert most == 50 and sizes == [LARGE // 2] * 50
