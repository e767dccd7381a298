"""Many polls at once, politely: hosts take turns, and a server that stalls keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import zip_longest

from aggregator.model import Fetched, Source, SourceId, SourceState
from aggregator.pipeline import PollReport, Work
from aggregator.run.runtime import InUse
from aggregator.text.urls import registrable_domain

PATIENCE = 1.0
"""Seconds after which a poll that waits for its server gives its worker's place to another one."""
LEASE = 60.0
"""Seconds after which a source is due again whose poll was taken up and never stored: it, or the process, was killed."""


def interleave(work: Iterable[Work]) -> list[Work]:
    """The same work with hosts taking turns, so that no server sees all its feeds asked for in a row."""
    by_host: dict[str, list[Work]] = {}
    for source, state in work:
        by_host.setdefault(registrable_domain(state.url), []).append((source, state))
    return [one for row in zip_longest(*by_host.values()) for one in row if one is not None]


class Poller:
    """Starts polls and knows which are under way. A source is never polled twice at a time."""

    def __init__(self, in_use: InUse, workers: int, places: int) -> None:
        self._in_use = in_use
        self.configure(workers, places)
        self._tasks: dict[SourceId, asyncio.Task[PollReport]] = {}

    def configure(self, workers: int, places: int) -> None:
        """Takes over another config's numbers; polls under way give back the places that they have."""
        self._workers = asyncio.Semaphore(workers)
        self._places = asyncio.Semaphore(places)

    @property
    def in_flight(self) -> frozenset[SourceId]:
        return frozenset(self._tasks)

    def tasks(self, ids: Iterable[SourceId]) -> list[asyncio.Task[PollReport]]:
        """The polls of these sources that are under way."""
        return [self._tasks[one] for one in ids if one in self._tasks]

    def start(self, work: Sequence[Work], forced: bool = False) -> list[asyncio.Task[PollReport]]:
        """Starts polls of those sources that are not being polled, hosts interleaved."""
        started = []
        for source, state in interleave(work):
            if source.id not in self._tasks:
                task = asyncio.create_task(self._poll(source, state, forced), name=f"poll {source.id}")
                self._tasks[source.id] = task
                task.add_done_callback(partial(self._ended, source.id))
                started.append(task)
        return started

    async def take(
        self, source: Source, fresh: Callable[[], Awaitable[SourceState]], answer: Callable[[SourceState], Fetched]
    ) -> PollReport:
        """Takes a pushed document in, when no poll of its source is under way; `fresh` is the state as it is then."""
        while (running := self._tasks.get(source.id)) is not None:
            await asyncio.wait([running])

        async def receive() -> PollReport:
            state = await fresh()
            return await self._in_use.runtime.pipeline.receive(source, state, answer(state))

        task = asyncio.create_task(receive(), name=f"push {source.id}")
        self._tasks[source.id] = task
        task.add_done_callback(partial(self._ended, source.id))
        return await task

    def _ended(self, source: SourceId, _: asyncio.Task[PollReport]) -> None:
        del self._tasks[source]

    async def _poll(self, source: Source, state: SourceState, forced: bool) -> PollReport:
        async with self._in_use.runtime.gate.turn(state.url), self._places, self._place():
            return await self._in_use.runtime.pipeline.poll(source, state, forced=forced)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """A worker's place, given back after PATIENCE: waiting costs nothing, so it must not cost others their turn."""
        workers = self._workers
        await workers.acquire()
        timer = asyncio.get_running_loop().call_later(PATIENCE, workers.release)
        try:
            yield
        finally:
            if timer.when() > asyncio.get_running_loop().time():
                timer.cancel()
                workers.release()

    async def drain(self, seconds: float) -> int:
        """Waits for what is under way, then cancels the rest. Returns how many were cancelled: due after LEASE."""
        if not self._tasks:
            return 0
        _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)
