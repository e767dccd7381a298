"""Everything that one config makes, built in full before it is used; a reload swaps one for another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.fetch.hosts import HostGate
from aggregator.model import SourceState
from aggregator.pipeline import Pipeline
from aggregator.poller import Work
from aggregator.ports import Clock, Messenger, Rules, Store
from aggregator.publish.owed import Composer
from aggregator.publish.publisher import Publisher
from aggregator.requests import Request
from aggregator.settings import Settings
from aggregator.writer import Writer


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts as one config wires them. store, writer and clock are the daemon's own and outlive it."""

    settings: Settings
    store: Store
    writer: Writer
    clock: Clock
    rules: Rules
    pipeline: Pipeline
    gate: HostGate
    publisher: Publisher
    composer: Composer
    messenger: Messenger

    def with_sources(self, states: Sequence[SourceState]) -> list[Work]:
        """The states that are of enabled sources of this config, with their sources."""
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
            await self.pipeline.fetcher.aclose()
            await self.messenger.aclose()

    async def aclose(self) -> None:
        await self.pipeline.fetcher.aclose()
        await self.messenger.aclose()
        await self.pipeline.parser.aclose()
