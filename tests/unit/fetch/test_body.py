"""Bodies share one budget of memory; usual ones fit beside large ones, and the time that a body waits is not its own."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator

import pytest

from aggregator.fetch.body import BODIES_IN_MEMORY, LARGE, BodyBudget, BodyReader
from aggregator.fetch.decode import TooLargeError

TIMEOUT = 0.3
MAX_BYTES = 15 * LARGE
PART = LARGE // 8


async def parts_of(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PART):
        yield body[start : start + PART]


class Polls:
    """Polls that keep their bodies for `hold` seconds after reading. held, most: bytes now, and at the most."""

    def __init__(self, hold: float) -> None:
        self.budget, self.reader, self.hold = BodyBudget(), BodyReader(MAX_BYTES), hold
        self.held = self.most = 0
        self.order: list[int] = []

    async def poll(self, body: bytes, headers: dict[str, str]) -> int:
        async with self.budget.share() as memory:
            async with asyncio.timeout(TIMEOUT) as deadline:
                read = await self.reader.read(parts_of(body), headers, deadline, memory)
            self.held += len(read)
            self.most = max(self.most, self.held)
            self.order.append(len(read))
            await asyncio.sleep(self.hold)
            self.held -= len(read)
            return len(read)

    async def all(self, bodies: list[tuple[bytes, dict[str, str]]]) -> list[int]:
        sizes = await asyncio.gather(*(self.poll(body, headers) for body, headers in bodies))
        assert self.budget.free == BODIES_IN_MEMORY
        return sizes


@pytest.fixture(params=["plain", "gzip"])
def large(request: pytest.FixtureRequest) -> Iterator[tuple[bytes, dict[str, str]]]:
    body = b"<rss>" + bytes(14 * LARGE)
    yield (gzip.compress(body, 1), {"content-encoding": "gzip"}) if request.param == "gzip" else (body, {})


def test_sixteen_large_bodies_take_turns_until_they_are_stored(large: tuple[bytes, dict[str, str]]) -> None:
    """Each wait is longer than the deadline: it must not count."""
    polls = Polls(TIMEOUT / 2)
    sizes = asyncio.run(polls.all([large] * 16))
    assert sizes == [14 * LARGE + 5] * 16
    assert polls.most <= BODIES_IN_MEMORY


def test_usual_bodies_do_not_wait_for_large_ones(large: tuple[bytes, dict[str, str]]) -> None:
    polls = Polls(TIMEOUT / 2)
    asyncio.run(polls.all([large] * 6 + [(b"<rss>" + bytes(50_000), {})] * 40))
    assert polls.order[:43].count(50_005) == 40


def test_many_bodies_just_below_the_limit_are_bounded_too() -> None:
    polls = Polls(0.01)
    asyncio.run(polls.all([(bytes(LARGE - 1), {})] * 100))
    assert polls.most <= BODIES_IN_MEMORY


def test_a_body_that_fails_gives_its_memory_back() -> None:
    async def run() -> int:
        budget, reader = BodyBudget(), BodyReader(MAX_BYTES)
        with pytest.raises(TooLargeError):
            async with budget.share() as memory, asyncio.timeout(TIMEOUT) as deadline:
                await reader.read(parts_of(bytes(MAX_BYTES + 1)), {}, deadline, memory)
        return budget.free

    assert asyncio.run(run()) == BODIES_IN_MEMORY


def test_a_poll_that_is_cancelled_while_it_waits_takes_nothing() -> None:
    async def run() -> int:
        budget = BodyBudget(10)
        async with budget.share() as first:
            await first.reserve(10)

            async def wait() -> None:
                async with budget.share() as second:
                    await second.reserve(5)

            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        return budget.free

    assert asyncio.run(run()) == 10


def test_a_body_larger_than_the_budget_is_read_alone() -> None:
    async def run() -> int:
        budget = BodyBudget(LARGE)
        async with budget.share() as memory, asyncio.timeout(TIMEOUT) as deadline:
            return len(await BodyReader(MAX_BYTES).read(parts_of(bytes(2 * LARGE)), {}, deadline, memory))

    assert asyncio.run(run()) == 2 * LARGE
