"""Polls a source once without storing anything, for `add` and `check --online`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from msgspec import Struct

from aggregator.cadence.next_state import after_poll
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.request import conditional_request
from aggregator.model import (
    Fault,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    Hop,
    Instant,
    Source,
    SourceState,
)
from aggregator.parse.sitemap import INDEX
from aggregator.ports import Fetcher
from aggregator.reading.job import Read, ReadOptions
from aggregator.reading.offered_feeds import add_named_feeds, add_offered_feeds
from aggregator.reading.pool import Reader, ReadingPool, count_readers
from aggregator.reading.sitemaps import follow_index, unexpected_kind
from aggregator.settings import Settings


class ProbeResult(Struct, frozen=True):
    """The result of one fetch. feed, state, answer: None after a fault; url: the final address after redirects."""

    source: Source
    url: str
    hops: tuple[Hop, ...] = ()
    status: int | None = None
    fault: Fault | None = None
    feed: Feed | None = None
    state: SourceState | None = None
    answer: Fetched | None = None

    @property
    def moved_to(self) -> str | None:
        """The address to write into the config, if every redirect on the way was permanent."""
        return self.url if self.hops and all(hop.is_permanent for hop in self.hops) else None

    @property
    def newest(self) -> Instant | None:
        """The date of the newest entry."""
        entries = self.feed.entries if self.feed else ()
        return max((date for entry in entries if (date := entry.published or entry.updated) is not None), default=None)


class Prober:
    """Fetches and reads sources with the config's network settings."""

    def __init__(self, settings: Settings, fetcher: Fetcher, reader: Reader, gate: HostGate, now: Callable[[], Instant]) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._reader = reader
        self._gate = gate
        self._now = now

    async def probe(self, source: Source) -> ProbeResult:
        """Probes one source, once its host has room."""
        state = SourceState(source.id, source.url)
        outcome = await self._ask(conditional_request(source, state, self._settings.network.proxy))
        if isinstance(outcome, FetchFailed):
            outcome = await add_offered_feeds(outcome, self._reader)
            return ProbeResult(source, outcome.url or source.url, outcome.hops, outcome.fault.status, outcome.fault)
        if not isinstance(outcome, Fetched):  # the fetcher reports an unrequested 304 as a fault; this completes the types
            return ProbeResult(source, outcome.url, outcome.hops, outcome.status)
        read = await self._read(source, outcome)
        if isinstance(read, Fault):
            fault = await add_named_feeds(read, outcome, self._reader)
            return ProbeResult(source, outcome.url, outcome.hops, outcome.status, fault)
        after = self._next_state(source, state, outcome, read)
        return ProbeResult(source, outcome.url, outcome.hops, outcome.status, None, read, after, outcome)

    async def _read(self, source: Source, document: Fetched) -> Feed | Fault:
        """Reads a document; of a sitemap index the sitemaps, too."""
        async with self._reader.reading(document, ReadOptions()) as read:
            if isinstance(read, Fault):
                return read
            feed = read.feed
        if (unexpected := unexpected_kind(source.kind, feed)) is not None or feed.format != INDEX:
            return unexpected or feed
        proxy = self._settings.network.proxy
        followed = await follow_index(source, feed, (), self._ask, self._read_sitemap, time.monotonic, proxy)
        return followed.fault or (followed.read.feed if followed.read else feed)

    async def _ask(self, request: FetchRequest) -> FetchOutcome:
        async with self._gate.turn(request.url):
            return await self._fetcher.fetch(request, self._now())

    def _read_sitemap(self, document: Fetched) -> AbstractAsyncContextManager[Read | Fault]:
        return self._reader.reading(document, ReadOptions())

    def _next_state(self, source: Source, state: SourceState, outcome: Fetched, feed: Feed) -> SourceState:
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

    async def probe_all(self, sources: Sequence[Source], done: Callable[[ProbeResult], None]) -> list[ProbeResult]:
        """Probes sources, `polling.workers` at a time. Calls `done` as each result arrives; returns them in the order given."""
        slots = asyncio.Semaphore(self._settings.polling.workers)

        async def probe(source: Source) -> ProbeResult:
            async with slots:
                result = await self.probe(source)
            done(result)
            return result

        return list(await asyncio.gather(*map(probe, sources)))


@asynccontextmanager
async def open_prober(settings: Settings, now: Callable[[], Instant]) -> AsyncIterator[Prober]:
    """Yields a prober, and closes its connections and workers afterwards."""
    gate = HostGate(settings)
    fetcher, reader = HttpFetcher(settings, gate), ReadingPool(settings.polling.readers or count_readers())
    try:
        yield Prober(settings, fetcher, reader, gate, now)
    finally:
        await fetcher.aclose()
        await reader.aclose()
