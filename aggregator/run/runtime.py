"""Everything that one config makes; a reload swaps one for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from aggregator.fetch.hosts import HostGate
from aggregator.model import SourceState
from aggregator.ports import Clock, Delivery, LanguageGuesser, Message, Messenger, Parser, Rules, Store
from aggregator.run.descriptors import share
from aggregator.run.poller import STALLED, Work
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.websub.subscriptions import Hubs

if TYPE_CHECKING:
    from aggregator.fetch.http import HttpFetcher
    from aggregator.pipeline import Current, Pipeline
    from aggregator.publish.publisher import Publisher
    from aggregator.publish.shelf import Shelf
    from aggregator.run.poll_requests import Request
    from aggregator.stories.ingest import Reader


class Own(Struct, frozen=True):
    """What is the process's own and outlives a config."""

    store: Store
    writer: Writer
    clock: Clock
    gate: HostGate
    shelf: Callable[[], Shelf]
    parser: Callable[[], Parser]
    guesser: Callable[[], LanguageGuesser]
    current: Current
    rng: Callable[[], float]
    descriptors: int
    close: Callable[[], Awaitable[None]]


class Runtime:
    """The parts as one config wires them. Each is made when it is first asked for: a poll that brings nothing needs few of them.

    A daemon makes them all before it uses one (`complete`).
    """

    def __init__(self, settings: Settings, own: Own) -> None:
        self.settings = settings
        self.store, self.writer, self.clock, self.gate = own.store, own.writer, own.clock, own.gate
        self.shares = share(own.descriptors, settings.polling.workers * STALLED)
        self._own = own

    def complete(self) -> Runtime:
        """Makes every part. Raises AggregatorError."""
        self.rules, self.reader, self.fetcher, self.pipeline, self.publisher, self.compose, self.messenger  # noqa: B018
        return self

    @cached_property
    def rules(self) -> Rules:
        from aggregator.tag.rules import compile_rules

        return compile_rules(self.settings)

    @cached_property
    def reader(self) -> Reader:
        from aggregator.dedup.engine import Engine
        from aggregator.stories.ingest import Reader

        return Reader(self.rules, Engine(self.settings.dedup), self._own.guesser(), self.settings.publish.backfill)

    @cached_property
    def fetcher(self) -> HttpFetcher:
        from aggregator.fetch.http import HttpFetcher

        return HttpFetcher(self.settings, self.gate)

    @cached_property
    def pipeline(self) -> Pipeline:
        from aggregator.pipeline import Pipeline

        own, reader = self._own, lambda: self.reader
        chain = (self.fetcher, own.parser, reader)
        hubs = Hubs(own.store) if self.settings.network.websub else None
        return Pipeline(self.settings, own.store, own.writer, own.gate, *chain, own.clock, own.rng, own.current, hubs)

    @cached_property
    def publisher(self) -> Publisher:
        from aggregator.publish.publisher import Publisher

        return Publisher(self.settings, self.store, self._own.shelf())

    @cached_property
    def compose(self) -> Mapping[str, Callable[[Delivery], Message | None]]:
        """What makes the message of a delivery, by its kind."""
        from aggregator.publish import owed
        from aggregator.websub import deliveries

        subscribers = deliveries.Composer(self.settings, self.store, self._own.shelf())
        return {**owed.Composer(self.settings, self.store).kinds, **subscribers.kinds}

    @cached_property
    def messenger(self) -> Messenger:
        from aggregator.fetch.message import HttpMessenger

        return HttpMessenger(self.settings)

    def with_sources(self, states: Sequence[SourceState]) -> list[Work]:
        """The states that are of enabled sources of this config, with their sources."""
        if not states:
            return []
        by_id = {source.id: source for source in self.settings.sources if source.enabled}
        return [(by_id[state.id], state) for state in states if state.id in by_id]

    def wanted(self, request: Request) -> list[Work]:
        """What a request asks for: these sources, or all; where it doesn't force, those that are due."""
        states = self.store.states(request.ids)
        now = self.clock.now()
        return self.with_sources([state for state in states.values() if request.forced or state.due <= now])

    async def retire(self) -> None:
        """Closes what the next config made anew, when the polls that use it have ended; at once if it is cancelled."""
        try:
            await asyncio.sleep(2 * self.settings.polling.timeout)
        finally:
            await self._close_made()

    async def aclose(self) -> None:
        """Closes this and what is the process's own."""
        await self._close_made()
        await self._own.close()

    async def _close_made(self) -> None:
        if "fetcher" in self.__dict__:
            await self.fetcher.aclose()
        if "messenger" in self.__dict__:
            await self.messenger.aclose()
