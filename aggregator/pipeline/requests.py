"""The requests of a poll, as polite as the host asks: holds after 429 and 503, and gaps between two requests."""

from __future__ import annotations

from msgspec import Struct

from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import held_fault
from aggregator.model import FetchFailed, FetchOutcome, FetchRequest, Instant, Source
from aggregator.ports import BodyMemory, Clock, Fetcher, Hold
from aggregator.store.writer import Writer
from aggregator.text.urls import registrable_domain


class PoliteRequests(Struct, frozen=True):
    """Sends what a poll asks, and keeps the holds that servers demand."""

    gate: HostGate
    fetcher: Fetcher
    writer: Writer
    clock: Clock

    def held(self, url: str, now: Instant) -> Hold | None:
        """The hold that forbids a request to the URL now, or None."""
        return self.gate.held(url, now)

    async def ask(self, request: FetchRequest, now: Instant, memory: BodyMemory | None) -> FetchOutcome:
        """Sends a poll's first request; its turn at the host is taken already (run/poller.py)."""
        return await self.fetcher.fetch(request, now, memory)

    async def ask_again(self, source: Source, memory: BodyMemory | None, request: FetchRequest) -> FetchOutcome:
        """Sends a further request within a poll, as politely as the first one. Its body takes the place of the one before it."""
        if memory is not None:
            await memory.shrink(0)  # before it waits for more: who holds memory never waits (fetch/body.py)
        now = self.clock.now()
        if (hold := self.gate.held(request.url, now)) is not None:
            return FetchFailed(held_fault(hold), (), request.url)
        await self.gate.space(request.url)
        answer = await self.fetcher.fetch(request, now, memory)
        told = answer.fault if isinstance(answer, FetchFailed) else answer
        if told.holds_host:
            await self.hold_host(source, answer.url, told.retry_at, "its rate limit is used up")
        return answer

    async def hold_host(self, source: Source, url: str, until: Instant | None, reason: str) -> None:
        """Puts a host on hold, unless a redirect led there: a source must not be able to stop other hosts' feeds."""
        if until is not None and registrable_domain(url) == registrable_domain(source.url):
            hold = self.gate.hold(url, until, reason)
            await self.writer.commit(lambda transaction: transaction.save_hold(hold))
