"""The one thread that writes: waiting documents in groups, and states of sources without news in batches."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from aggregator.model import SourceId, SourceState
from aggregator.ports import Transaction

T = TypeVar("T")

LINGER = 0.2
"""Seconds that a state may wait for others; if a crash loses it, the poll is repeated. And seconds of reading after which a
document may be one that brings the machine down."""
BATCH = 500
"""States in one transaction: enough to share its cost, few enough not to delay a poll's commit."""

GROUP = 16
"""Documents in one transaction at most: its own cost is that of storing one document."""
ROOM = 2 * GROUP
"""Documents that are read and not stored yet: while one group is stored, the next one is read. More would only use memory."""
COMPANY = 0.05
"""Seconds that a document waits to share a commit with others, which costs as much as storing one document."""
GATHERING = 0.5
"""Seconds of preparing after which a group is closed: its transaction holds up other writers."""


class Writes(Protocol):
    """The part of a `Store` that writes."""

    def begin(self) -> AbstractContextManager[Transaction]: ...


@dataclass(slots=True, eq=False)
class _Document:
    """A document that waits to be stored. work: what `prepare` returned; outcome: what `work` returned or raised."""

    source: SourceId
    prepare: Callable[[], Callable[[Transaction], Any]]
    work: Callable[[Transaction], Any] = field(init=False)
    outcome: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs writes one after another, off the event loop.

    room: semaphore that a poll holds while it reads and stores a document.
    """

    def __init__(self, store: Writes, save_states: Callable[[Sequence[SourceState]], None] | None = None) -> None:
        """save_states: stores a batch of states, where several nodes share a database; else a transaction of the store does."""
        self.room = asyncio.Semaphore(ROOM)
        self._store = store
        self._save_states = save_states or self._save_in_transaction
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._documents: deque[_Document] = deque()
        self._states: dict[SourceId, SourceState] = {}
        self._under_way: list[dict[SourceId, SourceState]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flushes: set[asyncio.Future[None]] = set()

    async def call(self, work: Callable[[], T]) -> T:
        """Runs `work` in the writer's thread, after the waiting documents, and returns its result."""

        def in_turn() -> T:
            while self._documents:
                self._store_group()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_turn)

    async def commit(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in one transaction: all of it is stored, or nothing."""

        def inside() -> T:
            with self._store.begin() as transaction:
                return work(transaction)

        return await self.call(inside)

    async def store(self, source: SourceId, prepare: Callable[[], Callable[[Transaction], T]]) -> T:
        """Runs `prepare` outside the lock, and what it returns in a transaction shared with other waiting documents.

        Each document is stored as a whole or not at all. If one fails, all are stored again in transactions of their own.
        """
        document = _Document(source, prepare)
        self._documents.append(document)
        if len(self._documents) < GROUP:
            try:
                await asyncio.sleep(COMPANY)
            except asyncio.CancelledError:
                with suppress(ValueError):  # it is being stored, or was
                    self._documents.remove(document)
                raise
        if not document.outcome.done():
            await self.call(lambda: None)
        stored: T = document.outcome.result()
        return stored

    def _store_group(self) -> None:
        """Prepares waiting documents and stores them together. A group has at most one document per source."""
        group: dict[SourceId, _Document] = {}
        until = time.monotonic() + GATHERING
        while self._documents and len(group) < GROUP and self._documents[0].source not in group and time.monotonic() < until:
            document = self._documents.popleft()
            try:
                document.work = document.prepare()
            except BaseException as error:  # noqa: BLE001 - raised again where the document is waited for
                document.outcome.set_exception(error)
            else:
                group[document.source] = document
        if group:
            self._store_together(list(group.values()))

    def _store_together(self, documents: Sequence[_Document]) -> None:
        began = False
        try:
            with self._store.begin() as transaction:
                began = True
                results = [document.work(transaction) for document in documents]
        except BaseException as error:  # noqa: BLE001 - as above
            if began and len(documents) > 1:
                for document in documents:
                    self._store_together([document])
            else:
                for document in documents:
                    document.outcome.set_exception(error)
        else:
            for document, result in zip(documents, results, strict=True):
                document.outcome.set_result(result)

    def save_state(self, state: SourceState) -> None:
        """Stores a state soon, together with others. For polls without news."""
        self._states[state.id] = state
        if len(self._states) >= BATCH:
            self._start_flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER, self._start_flush)

    def withdraw_state(self, source: SourceId) -> None:
        """Drops a state that is not stored yet, because a newer one is about to be stored with a document."""
        for states in (self._states, *self._under_way):
            states.pop(source, None)

    def _start_flush(self) -> None:
        future = asyncio.ensure_future(self._write_states())
        self._flushes.add(future)
        future.add_done_callback(self._flushed)

    def _flushed(self, future: asyncio.Future[None]) -> None:
        self._flushes.discard(future)
        if not future.cancelled():
            future.exception()  # retrieved so that asyncio does not log it; the next flush raises it again

    async def _write_states(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        states, self._states = self._states, {}
        if not states:
            return
        self._under_way.append(states)
        try:
            await self.call(lambda: self._save_states(list(states.values())))
        except BaseException:
            self._states = states | self._states  # newer ones win; the next flush tries again
            raise
        finally:
            self._under_way = [one for one in self._under_way if one is not states]

    def _save_in_transaction(self, states: Sequence[SourceState]) -> None:
        with self._store.begin() as transaction:
            for state in states:
                transaction.save_state(state)

    async def flush(self) -> None:
        """Returns when all states given so far are stored. Raises what storing them raised."""
        await self._write_states()
        if self._flushes:
            await asyncio.gather(*self._flushes, return_exceptions=True)
            await self._write_states()

    async def aclose(self) -> None:
        """Stores the waiting states and ends the thread."""
        try:
            await self.flush()
        finally:
            self._thread.shutdown(wait=True)


class WatchedRoom:
    """The writer's room. Calls `lingers` once if a document is held in it for LINGER seconds before `stop_watching`.

    Nearly all are read sooner: to store and withdraw a state for each costs as much as storing an entry.
    """

    def __init__(self, writer: Writer, lingers: Callable[[], None]) -> None:
        self._room, self._lingers = writer.room, lingers
        self._timer: asyncio.TimerHandle | None = None

    def stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def __aenter__(self) -> None:
        await self._room.acquire()
        self._timer = asyncio.get_running_loop().call_later(LINGER, self._lingers)

    async def __aexit__(self, *error: object) -> None:
        self.stop_watching()
        self._room.release()
