"""What the process owns, and everything that one config makes; a reload swaps one runtime for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.message import HttpMessenger
from aggregator.model import SourceId, SourceState
from aggregator.pipeline import Current, Pipeline, Work
from aggregator.ports import Clock, Database, Delivery, Message, PollRequest, Rules
from aggregator.publish.publisher import Publisher
from aggregator.publish.shelf import Shelf
from aggregator.reading.pool import Reader as DocumentReader
from aggregator.run.descriptors import STALLED, Shares, share
from aggregator.settings import Settings
from aggregator.store.writer import Writer


class Own(Struct, frozen=True):
    """What is the process's own and outlives a reload. Made inside the event loop that uses it."""

    store: Database
    writer: Writer
    clock: Clock
    gate: HostGate
    shelf: Shelf
    documents: DocumentReader
    current: Current
    descriptors: int

    async def aclose(self) -> None:
        """Ends the reading workers. The store is closed by whoever opened it."""
        await self.documents.aclose()


class Runtime(Struct, frozen=True):
    """Everything that one config makes, wired in app.py.

    compose: what makes the message of a delivery, by its kind.
    """

    settings: Settings
    own: Own
    rules: Rules
    fetcher: HttpFetcher
    pipeline: Pipeline
    publisher: Publisher
    compose: Mapping[str, Callable[[Delivery], Message | None]]
    messenger: HttpMessenger

    @property
    def shares(self) -> Shares:
        """How the process's descriptors are divided under this config."""
        return share(self.own.descriptors, self.settings.polling.workers * STALLED)

    @property
    def store(self) -> Database:
        return self.own.store

    @property
    def writer(self) -> Writer:
        return self.own.writer

    @property
    def clock(self) -> Clock:
        return self.own.clock

    @property
    def gate(self) -> HostGate:
        return self.own.gate

    def with_sources(self, states: Sequence[SourceState]) -> list[Work]:
        """The states that are of enabled sources of this config, with their sources."""
        by_id = {source.id: source for source in self.settings.sources if source.enabled}
        return [(by_id[state.id], state) for state in states if state.id in by_id]

    def wanted(self, request: PollRequest, under_way: Collection[SourceId] = ()) -> list[Work]:
        """What a request asks for: these sources, or all; where it doesn't force, those that are due or being polled."""
        states = self.store.states(request.ids).values()
        now = self.clock.now()
        return self.with_sources([one for one in states if request.forced or one.due <= now or one.id in under_way])

    async def retire(self) -> None:
        """Closes what the next config made anew, when the polls that use it have ended; at once if it is cancelled."""
        try:
            await asyncio.sleep(2 * self.settings.polling.timeout)
        finally:
            await self._close_connections()

    async def aclose(self) -> None:
        """Closes this and what is the process's own."""
        await self._close_connections()
        await self.own.aclose()

    async def _close_connections(self) -> None:
        await self.fetcher.aclose()
        await self.messenger.aclose()


MakeRuntime: TypeAlias = Callable[[Settings, Own], Runtime]
"""Wires a config. Raises AggregatorError. The one implementation is `app.make_runtime`."""


class InUse:
    """The runtime of the config in use, which a reload replaces. Work of several steps reads it once and keeps what it got."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
