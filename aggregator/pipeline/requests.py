"""The requests of a poll, as polite as the host asks: holds after 429 and 503, and gaps between two requests."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import held_fault
from aggregator.model import FetchFailed, FetchOutcome, FetchRequest, Instant, Source, SourceId
from aggregator.ports import BodyMemory, Clock, Fetcher, Hold
from aggregator.store.writer import Writer
from aggregator.text.urls import registrable_domain


class ShareLostError(Exception):
    """The source became another node's while its poll was under way: nobody is asked any more, and nothing is stored."""


def _is_alone(source: SourceId) -> bool:
    return True


class PoliteRequests(Struct, frozen=True):
    """Sends what a poll asks, and keeps the holds that servers demand.

    may_ask: whether a source is this process's to ask, where several nodes share a database.
    """

    gate: HostGate
    fetcher: Fetcher
    writer: Writer
    clock: Clock
    may_ask: Callable[[SourceId], bool] = _is_alone

    def held(self, url: str, now: Instant) -> Hold | None:
        """The hold that forbids a request to the URL now, or None."""
        return self.gate.held(url, now)

    def confirm_share(self, source: Source) -> None:
        """Raises ShareLostError if another node may ask the source now."""
        if not self.may_ask(source.id):
            raise ShareLostError

    async def ask(self, source: Source, request: FetchRequest, now: Instant, memory: BodyMemory | None) -> FetchOutcome:
        """Sends a poll's first request; its turn at the host is taken already (run/polls/poller.py). Raises ShareLostError."""
        self.confirm_share(source)
        return await self.fetcher.fetch(request, now, memory)

    async def ask_again(self, source: Source, memory: BodyMemory | None, request: FetchRequest) -> FetchOutcome:
        """Sends a further request within a poll, as politely as the first one. Its body takes the place of the one before it.

        Raises ShareLostError.
        """
        if memory is not None:
            await memory.shrink(0)  # before it waits for more: who holds memory never waits (fetch/body.py)
        now = self.clock.now()
        if (hold := self.gate.held(request.url, now)) is not None:
            return FetchFailed(held_fault(hold), (), request.url)
        await self.gate.space(request.url)
        self.confirm_share(source)
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
