"""One poll from start to end: ask, read, and hand over what was read. `storage.py` has the rest of the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.cadence import may_poll, same_body
from aggregator.errors import AggregatorError
from aggregator.fetch import first_answers
from aggregator.fetch.body import BodyBudget
from aggregator.fetch.request import conditional_request
from aggregator.model import (
    Fault,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Instant,
    NotModified,
    PollReport,
    Source,
    SourceState,
)
from aggregator.parse.sitemap import INDEX
from aggregator.pipeline.current import CurrentPipeline
from aggregator.pipeline.requests import PoliteRequests, ShareLostError
from aggregator.pipeline.states import NextStates
from aggregator.pipeline.storage import ANOTHERS, Storage, superseded
from aggregator.ports import BodyMemory, Clock, Store
from aggregator.reading.job import Read, ReadOptions
from aggregator.reading.offered_feeds import add_offered_feeds
from aggregator.reading.pool import Reader as DocumentReader
from aggregator.reading.sitemaps import follow_index, known_sitemaps, save_sitemaps, unexpected_kind
from aggregator.settings import Settings
from aggregator.store.writer import WatchedRoom, Writer

log = structlog.get_logger("pipeline")

CUT_SHORT = Fault(FaultKind.PARSE_LIMIT, "reading its document was cut short: the program ended meanwhile")
"""The source's stored fault while its document is read, if that takes longer than `writer.LINGER`.

If the document brings the machine down, the source waits after the next start like one that failed, longer each time.
"""


class Pipeline(Struct, frozen=True):
    """The stages of a poll, wired for one config. storage: what becomes of read documents."""

    settings: Settings
    store: Store
    writer: Writer
    requests: PoliteRequests
    documents: DocumentReader
    states: NextStates
    storage: Storage
    clock: Clock
    current: CurrentPipeline = field(default_factory=CurrentPipeline)
    bodies: BodyBudget = field(default_factory=BodyBudget)

    async def poll(
        self, source: Source, state: SourceState, *, forced: bool, answered: Callable[[], None] = lambda: None
    ) -> PollReport:
        """Polls one source, unless it must wait (Retry-After, a host on hold): `forced` does not override that.

        answered: called once the server has answered.
        """
        started, now = time.perf_counter(), self.clock.now()
        try:
            self.requests.confirm_share(source)
            if (refused := self._refuse(source, state, now, forced)) is not None:
                return refused
            async with self.bodies.share() as memory:
                answer = await self._take_handed(source, state, now)
                if answer is None:
                    request = conditional_request(source, state, self.settings.network.proxy)
                    answer = await self.requests.ask(source, request, now, memory)
                answered()
                report = await self.receive(source, state, answer, memory)
        except AggregatorError:
            raise  # the store can't be written: not the source's fault, and nowhere to record it
        except ShareLostError:
            self._save(source, state)  # the node that has it now may ask it at once
            return superseded(source, ANOTHERS)
        except Exception as error:  # the only catch-all of a poll: a bug costs its source one turn
            log.error("poll_crashed", source=source.id, error=repr(error), exc_info=error)
            report = self._crash(source, state, error, now)
        return replace(report, seconds=time.perf_counter() - started)

    async def _take_handed(self, source: Source, state: SourceState, now: Instant) -> FetchOutcome | None:
        """The answer that `aggregator add` fetched, for the first poll of a source."""
        if state.last_poll is not None or (answer := first_answers.find_handed(self.store, source.url, now)) is None:
            return None
        await self.writer.commit(lambda transaction: first_answers.remove_handed(transaction, source.url))
        return answer

    async def receive(
        self, source: Source, state: SourceState, answer: FetchOutcome, memory: BodyMemory | None = None
    ) -> PollReport:
        """Handles an answer that was polled or pushed: failed, unchanged, or a document to read. memory: of a poll's bodies."""
        now = self.clock.now()
        if self.current.find(source) is None:
            return superseded(source)
        if isinstance(answer, Fetched | NotModified) and answer.holds_host:
            await self.requests.hold_host(source, answer.url, answer.retry_at, "its rate limit is used up")
        match answer:
            case FetchFailed():
                failed = await add_offered_feeds(answer, self.documents)
                return await self._fail(source, state, failed.url, failed.fault, now)
            case Fetched() if not same_body(state, answer):
                return await self._read(source, state, answer, memory, now)
        if state.format == INDEX:
            return await self._follow_index(source, state, answer, None, memory, now)
        return self._unchanged(source, state, answer, now)

    def _unchanged(self, source: Source, state: SourceState, answer: Fetched | NotModified, now: Instant) -> PollReport:
        self._save(source, self.states.after(source, state, answer, now))
        return PollReport(source.id, "unchanged", "not modified" if answer.status == 304 else "the same document")

    async def _read(
        self, source: Source, state: SourceState, answer: Fetched, memory: BodyMemory | None, now: Instant
    ) -> PollReport:
        """Reads the document and stores the result; of a sitemap index, what the sitemaps hold."""
        async with self._reading(source, state, answer, now) as read:
            if isinstance(read, Fault):
                return await self._fail(source, state, answer.url, read, now)
            if (unexpected := unexpected_kind(source.kind, read.feed)) is not None:
                return await self._fail(source, state, answer.url, unexpected, now)
            if read.feed.format != INDEX:
                return await self._store(source, state, answer, read, now)
            index = read.feed
        return await self._follow_index(source, state, answer, index, memory, now)

    @asynccontextmanager
    async def _reading(self, source: Source, state: SourceState, answer: Fetched, now: Instant) -> AsyncIterator[Read | Fault]:
        """Has a worker read a document, without entries that are stored word for word."""
        level = source.level or self.settings.dedup.level
        options = ReadOptions(self.store.fingerprints(source.id), level, state.languages, source.private)
        was_slow = state.last_fault == FaultKind.PARSE_LIMIT
        room = WatchedRoom(self.writer, lambda: self._save(source, self.states.failed(source, state, CUT_SHORT, now)))
        try:
            async with self.documents.reading(answer, options, room, slow=was_slow) as read:
                room.stop_watching()
                self.writer.withdraw_state(source.id)
                yield read
        except asyncio.CancelledError:
            self._save(source, state)  # stopped, not crashed: the source is due again
            raise

    async def _follow_index(
        self,
        source: Source,
        state: SourceState,
        answer: Fetched | NotModified,
        index: Feed | None,
        memory: BodyMemory | None,
        now: Instant,
    ) -> PollReport:
        """Reads the sitemaps of an index and stores their entries. index: None if it is as it was: its sitemaps may not be."""
        known = known_sitemaps(self.store, source.id) if state.body_hash else ()  # without a hash, all is to be read again
        reading = partial(self._reading, source, state, now=now)
        followed = await follow_index(
            source,
            index,
            known,
            partial(self.requests.ask_again, source, memory),
            reading,
            self.clock.monotonic,
            self.settings.network.proxy,
        )
        if followed.fault is not None:
            return await self._fail(source, state, answer.url, followed.fault, now)
        if followed.read is None:
            if followed.sitemaps != known:
                await self.writer.commit(lambda transaction: save_sitemaps(transaction, source.id, followed.sitemaps))
            return self._unchanged(source, state, answer, now)
        return await self._store(source, state, answer, replace(followed.read, sitemaps=followed.sitemaps), now)

    async def _store(
        self, source: Source, state: SourceState, answer: Fetched | NotModified, read: Read, now: Instant
    ) -> PollReport:
        """Hands the document over, under the config in use now."""
        pipeline, source_now = self.current.pipeline or self, self.current.find(source)
        if source_now is None:
            return superseded(source)
        return await pipeline.storage.store_document(source_now, state, answer, read, now)

    # --- outcomes without a document
    def _refuse(self, source: Source, state: SourceState, now: Instant, forced: bool) -> PollReport | None:
        """Reports a source that may not be polled now, and moves its due time to when it may; None if it may be polled."""
        hold = self.requests.held(state.url, now)
        why = may_poll(state, hold, now, forced)
        if why is None:
            return None
        self.writer.save_state(replace(state, due=max(state.due, state.not_before, hold.until if hold else 0.0)))
        return PollReport(source.id, "refused", why)

    async def _fail(self, source: Source, state: SourceState, url: str, fault: Fault, now: Instant) -> PollReport:
        """Stores the failure, and a hold on the host if the server asked for one."""
        after = self.states.failed(source, state, fault, now)
        detail = after.last_error or fault.detail
        if fault.holds_host:
            await self.requests.hold_host(source, url or state.url, fault.retry_at, detail)
        self._save(source, after)
        return PollReport(source.id, "failed", detail, fault=fault)

    def _crash(self, source: Source, state: SourceState, error: Exception, now: Instant) -> PollReport:
        """Stores a bug of ours as the source's failure."""
        fault = Fault(FaultKind.INTERNAL, f"internal error, please report it: {type(error).__name__}")
        self._save(source, self.states.failed(source, state, fault, now))
        return PollReport(source.id, "failed", fault.detail, fault=fault)

    def _save(self, source: Source, state: SourceState) -> None:
        if self.current.find(source) is not None:
            self.writer.save_state(state)
