"""Documents that hubs push to a node that does not lead: read here, and handed over to the leader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from aggregator.errors import StoreError
from aggregator.model import BEING_POLLED, Fetched, PollReport, Source, SourceState
from aggregator.run.polls.poller import Poller
from aggregator.run.runtime import PollingRuntime

log = structlog.get_logger("pushes")

TRIES = 3
PAUSE = 2.0
"""Times that a document is handed over to a database that does not answer, and the seconds between two."""
LOOK = 0.5
PATIENCE = 10.0
"""Seconds between two looks whether another node still asks the source, and until it is no longer waited for."""


class NodePushes:
    """Reads pushed documents and hands them over. runtime: of a node that does not store them itself."""

    def __init__(self, runtime: PollingRuntime) -> None:
        self.runtime = runtime
        self._poller = Poller(self, runtime.settings.polling.workers, runtime.shares.polls)

    async def receive(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        """Hands over a document that was accepted from a hub. If the database stays away, the source is polled later."""
        for _ in range(TRIES):
            try:
                report = await self._hand_over(source, answer)
            except StoreError as error:
                log.warning("push_unstored", source=source.id, error=str(error))
                await asyncio.sleep(PAUSE)
                continue
            log.info("push_done", source=source.id, outcome=report.outcome, detail=report.detail, new=report.new)
            return

    async def _hand_over(self, source: Source, answer: Callable[[SourceState], Fetched]) -> PollReport:
        async def load_state() -> SourceState:
            await self._wait_for_poll(source)
            return await self.runtime.resources.claiming.claim_one(source.id, self.runtime.clock.now())

        report = await self._poller.receive(source, load_state, answer)
        await self.runtime.writer.flush()
        return report

    async def _wait_for_poll(self, source: Source) -> None:
        """Waits while a node asks the source: to claim it now would drop that node's answer, which holds more than the push."""
        for _ in range(int(PATIENCE / LOOK)):
            states = await asyncio.to_thread(self.runtime.store.states, [source.id])
            if all(state.reason != BEING_POLLED for state in states.values()):
                return
            await asyncio.sleep(LOOK)
