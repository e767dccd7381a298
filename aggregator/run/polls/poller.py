"""Runs many polls at once: hosts take turns, and a server that stalls does not delay the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import zip_longest
from typing import Any

from aggregator.fetch.hosts import LONG_AGO
from aggregator.model import Fetched, PollReport, Source, SourceId, SourceState, Work
from aggregator.run.runtime import CurrentPolling
from aggregator.text.urls import registrable_domain

PATIENCE = 1.0
"""Seconds after which a poll that waits for its server gives its worker slot to another one."""


def interleave_hosts(work: Iterable[Work]) -> list[Work]:
    """Reorders work so that hosts take turns: no server is asked for all its feeds in a row."""
    by_host: dict[str, list[Work]] = {}
    for source, state in work:
        by_host.setdefault(registrable_domain(state.url), []).append((source, state))
    return [one for row in zip_longest(*by_host.values()) for one in row if one is not None]


class Poller:
    """Starts polls and knows which are in flight. A source is never polled twice at a time.

    workers: polls that may be busy at once; most: polls in flight, including those that wait for a stalled server.
    """

    def __init__(self, current: CurrentPolling, workers: int, most: int) -> None:
        self._current = current
        self.configure(workers, most)
        self._tasks: dict[SourceId, asyncio.Task[PollReport]] = {}

    def configure(self, workers: int, most: int) -> None:
        """Applies another config's limits; polls in flight release the slots that they hold of the old ones."""
        self._workers = asyncio.Semaphore(workers)
        self._slots = asyncio.Semaphore(most)

    @property
    def in_flight(self) -> frozenset[SourceId]:
        return frozenset(self._tasks)

    def tasks(self, ids: Iterable[SourceId]) -> list[asyncio.Task[PollReport]]:
        """Returns the polls in flight of these sources."""
        return [self._tasks[id] for id in ids if id in self._tasks]

    def start(self, work: Sequence[Work], forced: bool = False) -> list[asyncio.Task[PollReport]]:
        """Starts polls of those sources that are not being polled, with hosts taking turns."""
        return [
            self._start(source.id, self._poll(source, state, forced), "poll")
            for source, state in interleave_hosts(work)
            if source.id not in self._tasks
        ]

    async def receive(
        self, source: Source, load_state: Callable[[], Awaitable[SourceState]], answer: Callable[[SourceState], Fetched]
    ) -> PollReport:
        """Stores a pushed document once no poll of its source is in flight; `load_state` is called then."""
        while (running := self._tasks.get(source.id)) is not None:
            await asyncio.wait([running])

        async def receive() -> PollReport:
            state = await load_state()
            return await self._current.runtime.pipeline.receive(source, state, answer(state))

        return await self._start(source.id, receive(), "push")

    def _start(self, source: SourceId, work: Coroutine[Any, Any, PollReport], kind: str) -> asyncio.Task[PollReport]:
        task = asyncio.create_task(work, name=f"{kind} {source}")
        self._tasks[source] = task
        task.add_done_callback(partial(self._remove, source))
        return task

    def _remove(self, source: SourceId, task: asyncio.Task[PollReport]) -> None:
        del self._tasks[source]
        is_stored = task.cancelled() or task.exception() is None
        self._current.runtime.resources.claiming.finish(source, is_stored=is_stored)

    async def _poll(self, source: Source, state: SourceState, forced: bool) -> PollReport:
        runtime = self._current.runtime
        since = runtime.resources.claiming.since(source.id)
        turn = runtime.gate.turn(state.url, LONG_AGO if since is None else since)  # None: the pipeline asks nobody
        async with turn, self._slots, self._worker_slot() as release:
            return await self._current.runtime.pipeline.poll(source, state, forced=forced, answered=release)

    @asynccontextmanager
    async def _worker_slot(self) -> AsyncIterator[Callable[[], None]]:
        """Holds a worker slot until what it yields is called, at most for PATIENCE.

        A poll that only waits for its server must not block others, nor one whose document waits to be read and stored.
        """
        workers, loop = self._workers, asyncio.get_running_loop()
        await workers.acquire()
        timer = loop.call_later(PATIENCE, workers.release)

        def release() -> None:
            if not timer.cancelled() and timer.when() > loop.time():
                timer.cancel()
                workers.release()

        try:
            yield release
        finally:
            release()

    async def drain(self, seconds: float) -> int:
        """Waits for polls in flight, then cancels the rest. Returns how many were cancelled; they are due after LEASE."""
        if not self._tasks:
            return 0
        _, late = await asyncio.wait(self._tasks.values(), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)
