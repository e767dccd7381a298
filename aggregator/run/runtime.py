"""The process's resources, and the runtime that one config makes of them; a reload swaps one runtime for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from aggregator.channels.outbox import Parts
from aggregator.fetch.body import BodyBudget
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.messenger import HttpMessenger
from aggregator.model import SourceId, SourceState, Work
from aggregator.pipeline import CurrentPipeline, DocumentStorage, Pipeline
from aggregator.ports import Attendance, Clock, Cluster, Database, Delivery, Message, PollRequest, Rules
from aggregator.publish.publisher import Publisher
from aggregator.publish.shelf import Shelf
from aggregator.reading.pool import Reader as DocumentReader
from aggregator.run.claiming import Claiming
from aggregator.run.descriptors import STALLED, Shares, divide
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories.identity.domains import Owners


class Resources(Struct, frozen=True):
    """The parts that outlive a reload. Must be made inside the event loop that uses them.

    attendance: among the nodes that share the database, if several may.
    """

    store: Database
    writer: Writer
    claiming: Claiming
    clock: Clock
    gate: HostGate
    bodies: BodyBudget
    shelf: Shelf
    documents: DocumentReader
    current: CurrentPipeline
    descriptors: int
    attendance: Attendance | None = None

    async def aclose(self) -> None:
        """Ends the reading workers. Who opened the store closes it."""
        await self.documents.aclose()


class PollingRuntime(Struct, frozen=True, eq=False):
    """The parts for asking sources that are made anew for each config; app.py wires them."""

    settings: Settings
    resources: Resources
    fetcher: HttpFetcher
    pipeline: Pipeline

    @property
    def shares(self) -> Shares:
        """The process's descriptors as divided under this config."""
        return divide(self.resources.descriptors, self.settings.polling.workers * STALLED)

    @property
    def store(self) -> Database:
        return self.resources.store

    @property
    def writer(self) -> Writer:
        return self.resources.writer

    @property
    def clock(self) -> Clock:
        return self.resources.clock

    @property
    def gate(self) -> HostGate:
        return self.resources.gate

    def with_sources(self, states: Sequence[SourceState]) -> list[Work]:
        """Pairs states with their sources; leaves out those whose source is disabled or gone from the config."""
        enabled = self.settings.enabled_sources
        return [(enabled[state.id], state) for state in states if state.id in enabled]

    async def retire(self) -> None:
        """Closes a replaced runtime once the polls that use it must have ended; at once if cancelled."""
        try:
            await asyncio.sleep(2 * self.settings.polling.timeout)
        finally:
            await self.close()

    async def aclose(self) -> None:
        """Closes this runtime and the process's resources."""
        await self.close()
        await self.resources.aclose()

    async def close(self) -> None:
        """Closes this runtime's connections alone."""
        await self.fetcher.aclose()


class Runtime(PollingRuntime, frozen=True, eq=False):
    """All parts that a config makes. storage: of documents; compose: makes a delivery's message, by its kind.

    public_fetcher: without `network.allow`, for addresses that strangers chose.
    """

    rules: Rules
    public_fetcher: HttpFetcher
    storage: DocumentStorage
    publisher: Publisher
    compose: Mapping[str, Callable[[Delivery], Message | None]]
    messenger: HttpMessenger
    channels: Parts

    @property
    def owners(self) -> Owners:
        """Who owns which domain under this config."""
        return self.storage.ingester.owners

    def select_sources(self, request: PollRequest, in_flight: Collection[SourceId] = ()) -> list[Work]:
        """Returns the requested sources, or all. Unless forced, only those that are due or in flight."""
        now, states = self.clock.now(), self.store.states(request.ids).values()
        return self.with_sources([state for state in states if request.forced or state.due <= now or state.id in in_flight])

    async def close(self) -> None:
        """See `PollingRuntime.close`."""
        await self.fetcher.aclose()
        if self.public_fetcher is not self.fetcher:
            await self.public_fetcher.aclose()
        await self.messenger.aclose()


def shared_cluster(runtime: PollingRuntime) -> Cluster | None:
    """What this process shares with other nodes; None if it is alone on the database."""
    return runtime.store.cluster if runtime.resources.attendance is not None else None


MakeRuntime: TypeAlias = Callable[[Settings, Resources], Runtime]
"""Wires a config; raises AggregatorError. The one implementation is `app.make_runtime`."""
MakePollingRuntime: TypeAlias = Callable[[Settings, Resources], PollingRuntime]
"""The same for asking sources alone: `app.make_polling_runtime`."""


class CurrentPolling(Protocol):
    """What polls see of a `CurrentRuntime`."""

    @property
    def runtime(self) -> PollingRuntime: ...


class CurrentRuntime:
    """Holds the runtime of the config in use, which a reload replaces. Work of several steps reads it once and keeps it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime


class Retiring:
    """Replaced runtimes, which are closed once the polls that use them must have ended."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, runtime: PollingRuntime) -> None:
        task = asyncio.create_task(runtime.retire())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Closes them now instead of waiting for their polls."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Waits until all are closed."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
