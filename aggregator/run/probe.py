"""Asks a source once and tells what was found; nothing is stored. For `add` and `check --online`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from aggregator.cadence.after import after_poll
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.request import conditional
from aggregator.model import Fault, Feed, Fetched, FetchFailed, Hop, Instant, Source, SourceState
from aggregator.ports import Fetcher
from aggregator.reading.job import Wish
from aggregator.reading.pages import with_offers
from aggregator.reading.pool import Reader, ReadingPool, automatic
from aggregator.settings import Settings


class Found(Struct, frozen=True):
    """What one fetch of a source brought. feed, state: None with a fault; url: the address that answered in the end."""

    source: Source
    url: str
    hops: tuple[Hop, ...] = ()
    status: int | None = None
    fault: Fault | None = None
    feed: Feed | None = None
    state: SourceState | None = None

    @property
    def moved_to(self) -> str | None:
        """The address to write into the config: every redirect on the way was a permanent one."""
        return self.url if self.hops and all(hop.is_permanent for hop in self.hops) else None

    @property
    def newest(self) -> Instant | None:
        """The date of the newest entry."""
        entries = self.feed.entries if self.feed else ()
        return max((date for entry in entries if (date := entry.published or entry.updated) is not None), default=None)


class Prober:
    """Fetches and reads with the config's own network settings."""

    def __init__(self, settings: Settings, fetcher: Fetcher, reader: Reader, gate: HostGate, now: Callable[[], Instant]) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._reader = reader
        self._gate = gate
        self._now = now

    async def ask(self, source: Source) -> Found:
        """One source, once its host has room."""
        state = SourceState(source.id, source.url)
        async with self._gate.turn(source.url):
            outcome = await self._fetcher.fetch(conditional(source, state, self._settings.network.proxy), self._now())
        if isinstance(outcome, FetchFailed):
            outcome = await with_offers(outcome, self._reader)
            return Found(source, outcome.url or source.url, outcome.hops, outcome.fault.status, outcome.fault)
        if not isinstance(outcome, Fetched):  # a 304 that nobody asked for is a fault of the fetcher's; this is for completeness
            return Found(source, outcome.url, outcome.hops, outcome.status)
        async with self._reader.reading(outcome, Wish()) as read:
            if isinstance(read, Fault):
                return Found(source, outcome.url, outcome.hops, outcome.status, read)
            feed = read.feed
        after = self._after(source, state, outcome, feed)
        return Found(source, outcome.url, outcome.hops, outcome.status, None, feed, after)

    def _after(self, source: Source, state: SourceState, outcome: Fetched, feed: Feed) -> SourceState:
        dates = tuple(date for entry in feed.entries if (date := entry.published or entry.updated) is not None)
        settings = self._settings
        return after_poll(
            source,
            state,
            outcome,
            new=len(feed.entries),
            arrivals=dates,
            feed=feed,
            now=self._now(),
            polling=settings.polling,
            rng=0.5,
            timezone=settings.site.timezone,
        )

    async def ask_all(self, sources: Sequence[Source], done: Callable[[Found], None]) -> list[Found]:
        """All of them, `polling.workers` at a time; `done` is called as answers come, the list is in the order asked for."""
        room = asyncio.Semaphore(self._settings.polling.workers)

        async def one(source: Source) -> Found:
            async with room:
                found = await self.ask(source)
            done(found)
            return found

        return list(await asyncio.gather(*map(one, sources)))


@asynccontextmanager
async def prober(settings: Settings, now: Callable[[], Instant]) -> AsyncIterator[Prober]:
    """A prober over the network, closed in the end."""
    gate = HostGate(settings)
    fetcher, reader = HttpFetcher(settings, gate), ReadingPool(settings.polling.readers or automatic())
    try:
        yield Prober(settings, fetcher, reader, gate, now)
    finally:
        await fetcher.aclose()
        await reader.aclose()
