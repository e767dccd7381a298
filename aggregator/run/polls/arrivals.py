"""Documents that other nodes have read: the leader takes them in order of arrival, and stores them as those of its own polls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import structlog
from msgspec.structs import replace

from aggregator.errors import AggregatorError, StoreError
from aggregator.model import Fault, FaultKind, PollReport, SourceState
from aggregator.pipeline.handing_over import Document, decode
from aggregator.ports import INBOX, Arrival, Cluster, Transaction
from aggregator.run.claiming import LEASE
from aggregator.run.runtime import CurrentRuntime
from aggregator.store.writer import ROOM

log = structlog.get_logger("arrivals")

OTHER_CONFIG = "it was read under another config"
CHECK = 1.0
"""Seconds between two looks for documents whose announcement was not heard."""
PAUSE = 5.0
"""Seconds without a look after the database has refused a document: the tick tells that, and tries again."""
SIZE = 48 * 2**20
"""Bytes of the documents under way, as of the bodies that one daemon reads at a time."""
TRIES = 5
"""Times that a document is taken; then it counts as its source's failure: it may be what ends one leader after the other."""


class Arrivals:
    """Takes documents out of the inbox while this process leads. reported: called with what came of each."""

    def __init__(self, current: CurrentRuntime, cluster: Cluster, reported: Callable[[PollReport], None]) -> None:
        self._current, self._cluster, self._reported = current, cluster, reported
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._taken: dict[int, Arrival] = {}
        self._wake = asyncio.Event()
        self._was_refused = False
        self._taking: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] = lambda: None

    def start(self) -> None:
        loop = asyncio.get_running_loop()

        def wake(news: str) -> None:
            if news == INBOX:
                loop.call_soon_threadsafe(self._wake.set)

        self._stop_listening = self._cluster.listen(wake)
        self._taking = asyncio.create_task(self._take_for_ever())

    async def stop(self) -> None:
        """Takes no more, and waits until those under way are stored."""
        if self._taking is not None:
            self._taking.cancel()
        await asyncio.to_thread(self._stop_listening)
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _take_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._take()
            except StoreError as error:
                log.debug("inbox_unread", error=str(error))  # the tick tells that the database is away
                self._was_refused = True
            if self._was_refused:
                self._was_refused = False
                await asyncio.sleep(PAUSE)

    async def _take(self) -> None:
        """Starts to store the oldest documents, as many as the writer has room for: it stores them in this order."""
        room, size = ROOM - len(self._taken), SIZE - sum(len(one.content) for one in self._taken.values())
        if room <= 0 or size <= 0 or any(one.tries > 1 for one in self._taken.values()):
            return
        for arrival in await asyncio.to_thread(self._cluster.inbox.take, room, size, list(self._taken)):
            self._taken[arrival.id] = arrival
            task = asyncio.create_task(self._store(arrival), name=f"arrival {arrival.id}")
            self._under_way[arrival.id] = task
            task.add_done_callback(partial(self._end, arrival))

    def _end(self, arrival: Arrival, task: asyncio.Task[None]) -> None:
        """Makes room. A document that the database could not take stays in the inbox, and is taken again."""
        del self._under_way[arrival.id], self._taken[arrival.id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("arrival_unstored", source=arrival.source, error=str(error))
            self._was_refused = True
        else:
            self._wake.set()

    async def _store(self, arrival: Arrival) -> None:
        try:
            if arrival.tries > TRIES:
                report = await self._give_up(arrival, f"it could not be stored in {TRIES} tries")
            else:
                report = await self._store_document(arrival, decode(arrival.content))
        except AggregatorError:
            raise  # the store can't be written: not the source's fault
        except Exception as error:  # the only catch-all of arrivals: a bug costs its source one turn
            log.error("poll_crashed", source=arrival.source, error=repr(error), exc_info=error)
            report = await self._give_up(arrival, f"internal error, please report it: {type(error).__name__}")
        self._reported(report)

    async def _store_document(self, arrival: Arrival, document: Document) -> PollReport:
        """Stores it under the config in use, as of when its answer came."""
        runtime = self._current.runtime
        source = runtime.settings.enabled_sources.get(arrival.source)
        if source is None or source.url != document.url:
            return await self._remove(arrival)
        settle, answer = partial(self._cluster.inbox.settle, arrival=arrival), document.answer
        store_document = runtime.storage.store_document
        return await store_document(source, document.state, answer, document.read, arrival.at, is_current=settle)

    async def _remove(self, arrival: Arrival) -> PollReport:
        """Drops a document of another config than the leader's. Its reader may have the new one by the end of a lease."""
        runtime = self._current.runtime
        due = runtime.clock.now() + LEASE

        def save(transaction: Transaction, state: SourceState | None) -> None:
            if self._cluster.inbox.settle(transaction, arrival) and state is not None:
                transaction.save_state(replace(state, due=due, reason=OTHER_CONFIG))

        await self._with_state(arrival, save)
        return PollReport(arrival.source, "refused", OTHER_CONFIG)

    async def _give_up(self, arrival: Arrival, why: str) -> PollReport:
        """Removes a document that can't be stored, as a failure of its source."""
        runtime = self._current.runtime
        fault = Fault(FaultKind.INTERNAL, why)
        source = runtime.settings.enabled_sources.get(arrival.source)

        def save(transaction: Transaction, state: SourceState | None) -> None:
            if self._cluster.inbox.settle(transaction, arrival) and state is not None and source is not None:
                transaction.save_state(runtime.pipeline.states.failed(source, state, fault, arrival.at))

        await self._with_state(arrival, save)
        return PollReport(arrival.source, "failed", fault.detail, fault=fault)

    async def _with_state(self, arrival: Arrival, save: Callable[[Transaction, SourceState | None], None]) -> None:
        store = self._current.runtime.store
        state = store.states([arrival.source]).get(arrival.source)
        await self._current.runtime.writer.commit(lambda transaction: save(transaction, state))
