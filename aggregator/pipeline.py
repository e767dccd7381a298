"""The whole way of one poll: ask, read, tell entries apart, group, tag, place in feeds, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, TypeAlias

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.cadence import after_poll, may_poll, same_body
from aggregator.errors import AggregatorError
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.request import conditional_request
from aggregator.model import (
    Fault,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Instant,
    Slug,
    Source,
    SourceId,
    SourceState,
    Validators,
)
from aggregator.ports import Clock, Fetcher, Hubs, Store, Transaction
from aggregator.reading.job import Read, Wish
from aggregator.reading.pages import with_offers
from aggregator.reading.pool import Reader as DocumentReader
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories import budget, curate, ingest, outlets
from aggregator.stories.ingest import Decided, Reader, Reading
from aggregator.text.masks import mask_text

log = structlog.get_logger("pipeline")

_CUT_SHORT = Fault(FaultKind.PARSE_LIMIT, "reading its document was cut short: the program ended meanwhile")
"""What a source's state says while its document is read, once that takes longer than `writer.LINGER`.

Should the document bring the machine down, the source waits its turn at the next start like one that failed, longer each time.
"""
FALLBACK = 6 * 3_600.0
"""Seconds between two polls of a source whose hub pushes: what it loses arrives all the same."""

Outcome = Literal["changed", "unchanged", "failed", "refused"]

Work: TypeAlias = tuple[Source, SourceState]
"""A source and its state: what a poll starts from."""


class PollReport(Struct, frozen=True):
    """What came of a poll. detail: one line for a person; new, changed: items; slugs: feeds whose documents differ now.

    grouped, refused: what was beyond the source's budget (`stories.budget.Allotted`).
    """

    source: SourceId
    outcome: Outcome
    detail: str
    new: int = 0
    changed: int = 0
    slugs: frozenset[Slug] = frozenset()
    grouped: int = 0
    refused: int = 0
    seconds: float = 0.0


class Current(Struct):
    """The pipeline of the config in use now. A poll that began under another one is stored by this one's rules.

    Else its stories would miss the topics of the new config, which has looked at all stored ones already.
    """

    pipeline: Pipeline | None = None
    sources: Mapping[SourceId, Source] = field(default_factory=dict)

    def use(self, pipeline: Pipeline) -> None:
        self.pipeline, self.sources = pipeline, {source.id: source for source in pipeline.settings.sources}

    def of(self, source: Source) -> Source | None:
        """The source as the config has it now; None if its address is another one: what the old one said is not its state."""
        now = self.sources.get(source.id, source)
        return now if now.url == source.url else None


class Pipeline(Struct, frozen=True):
    """The stages, as one config wires them. rng: in [0, 1), for jitter.

    hubs: None where nothing is to be pushed to us (`network.websub`).
    """

    settings: Settings
    store: Store
    writer: Writer
    gate: HostGate
    fetcher: Fetcher
    documents: DocumentReader
    reader: Reader
    clock: Clock
    rng: Callable[[], float]
    current: Current = field(default_factory=Current)
    hubs: Hubs | None = None

    async def poll(self, source: Source, state: SourceState, *, forced: bool) -> PollReport:
        """Polls one source, unless it must wait (Retry-After, a hold): then even `forced` doesn't help."""
        started = time.perf_counter()
        now = self.clock.now()
        hold = self.gate.held(state.url, now)
        if (why := may_poll(state, hold, now, forced)) is not None:
            self.writer.save_state(replace(state, due=max(state.due, state.not_before, hold.until if hold else 0.0)))
            return PollReport(source.id, "refused", why)
        try:
            outcome = await self.fetcher.fetch(conditional_request(source, state, self.settings.network.proxy), now)
            report = await self.receive(source, state, outcome)
        except AggregatorError:
            raise  # the store refuses: no source's fault, and not to be stored
        except Exception as error:  # the one place for what is unforeseen: it costs its own source a turn
            log.error("poll_crashed", source=source.id, error=repr(error), exc_info=error)
            report = self._crashed(source, state, error, now)
        return replace(report, seconds=time.perf_counter() - started)

    async def receive(self, source: Source, state: SourceState, outcome: FetchOutcome) -> PollReport:
        """Takes an answer in, polled or pushed."""
        now = self.clock.now()
        if self.current.of(source) is None:
            return _overtaken(source)
        match outcome:
            case FetchFailed():
                failed = await with_offers(outcome, self.documents) if outcome.page else outcome
                return await self._failed(source, state, failed, failed.fault, now)
            case Fetched() if not same_body(state, outcome):
                return await self._take(source, state, outcome, now)
        self._save(source, self._after(source, state, outcome, now))
        return PollReport(source.id, "unchanged", "not modified" if outcome.status == 304 else "the same document")

    async def _take(self, source: Source, state: SourceState, outcome: Fetched, now: Instant) -> PollReport:
        """Reads a document, apart from the entries that are known to the letter, and stores what is new."""
        wish = Wish(
            self.store.fingerprints(source.id), source.level or self.settings.dedup.level, state.languages, source.private
        )
        slow = state.last_fault == FaultKind.PARSE_LIMIT
        self._save(source, self._after(source, state, outcome, now, fault=_CUT_SHORT))
        try:
            async with self.documents.reading(outcome, wish, self.writer.room, slow=slow) as read:
                self.writer.withdraw_state(source.id)
                if isinstance(read, Fault):
                    return await self._failed(source, state, outcome, read, now)
                read = replace(read, feed=replace(read.feed, partial=outcome.status == 226))
                return await self._read(source, state, outcome, read, now)
        except asyncio.CancelledError:
            self._save(source, state)  # stopped, not crashed: it is due again
            raise

    async def _read(self, source: Source, state: SourceState, answer: Fetched, read: Read, now: Instant) -> PollReport:
        """Tells the entries apart and stores them, off the event loop: serving goes on meanwhile."""
        pipeline, source_now = self.current.pipeline or self, self.current.of(source)
        if source_now is None:
            return _overtaken(source)
        return await self.writer.store(source.id, partial(pipeline._prepare, source_now, state, answer, read, now))

    def _prepare(
        self, source: Source, state: SourceState, answer: Fetched, read: Read, now: Instant
    ) -> Callable[[Transaction], PollReport]:
        """Everything about a document that needs no lock. Returns what stores it."""
        decided, reader = ingest.decided(self.store.overrides()), self.reader
        spent = budget.known(self.store, source.id)
        feed = read.feed
        led = outlets.led_to(state.led, feed.entries)
        voice = outlets.voice_of(source, led, feed.url or state.home, reader.owners, partial(outlets.claims, self.store))
        found = reader.read(source, state, read, partial(self.store.known, source.id), voice, decided, spent, now)
        after = replace(self._after(source, state, answer, now, feed=feed, found=found), languages=found.languages, led=led)
        if found.allotted.refused:  # what was left is looked for again, in the whole document and though it be the same
            after = replace(after, body_hash=b"", validators=Validators(), validators_url=None)

        def commit(transaction: Transaction) -> PollReport:
            slugs = self._commit(transaction, after, feed, found, decided, now)
            detail = f"{found.new} new, {found.changed} changed"
            over = found.allotted.grouped, found.allotted.refused
            return PollReport(source.id, "changed", detail, found.new, found.changed, frozenset(slugs), *over)

        return commit

    def _commit(
        self, transaction: Transaction, state: SourceState, feed: Feed, found: Reading, decided: Decided, now: Instant
    ) -> set[Slug]:
        """Everything that one document brings, in one transaction."""
        reader = self.reader
        outlets.claim(transaction, self.store, state, now)
        stories = ingest.store(transaction, reader.engine, found, decided, now)
        listed = self.store.fingerprints(state.id) if feed.partial else feed.unchanged  # what a part leaves out is still listed
        transaction.touch_items(state.id, listed, found.listed, now)
        rejected = transaction.add_rejects(found.rejects)
        counters = ingest.counted(state.counters, feed.dropped, rejected, found.allotted.counts)
        budget.save(transaction, state.id, found.allotted.spent)
        curator = curate.Curator(reader.rules, transaction.outputs(), self.settings.publish.settle, now)
        transaction.save_state(replace(state, counters=counters))
        if self.hubs is not None and not feed.partial:  # a part need not name the hub
            self.hubs.note(transaction, state.id, feed, state.url)
        slugs = curator.refresh(transaction, stories)
        return slugs | {output.slug for output in self.settings.outputs if output.rejected} if rejected else slugs

    async def _failed(self, source: Source, state: SourceState, outcome: FetchOutcome, fault: Fault, now: Instant) -> PollReport:
        after = self._after(source, state, outcome, now, fault=fault)
        told = after.last_error or fault.detail
        if fault.holds_host and fault.retry_at is not None:
            hold = self.gate.hold(outcome.url or state.url, fault.retry_at, told)
            await self.writer.commit(lambda transaction: transaction.save_hold(hold))
        self._save(source, after)
        return PollReport(source.id, "failed", told)

    def _crashed(self, source: Source, state: SourceState, error: Exception, now: Instant) -> PollReport:
        fault = Fault(FaultKind.INTERNAL, f"internal error, please report it: {type(error).__name__}")
        self._save(source, self._after(source, state, FetchFailed(fault), now, fault=fault))
        return PollReport(source.id, "failed", fault.detail)

    def _save(self, source: Source, state: SourceState) -> None:
        if self.current.of(source) is not None:
            self.writer.save_state(state)

    def _after(
        self,
        source: Source,
        state: SourceState,
        outcome: FetchOutcome,
        now: Instant,
        *,
        feed: Feed | None = None,
        found: Reading | None = None,
        fault: Fault | None = None,
    ) -> SourceState:
        after = after_poll(
            source,
            state,
            FetchFailed(fault) if fault is not None else outcome,
            new=found.new if found else 0,
            arrivals=found.arrivals if found else (),
            feed=feed,
            now=now,
            polling=self.settings.polling,
            rng=self.rng(),
            timezone=self.settings.site.timezone,
        )
        if after.last_error:
            after = replace(after, last_error=mask_text(after.last_error, self.settings.secrets))
        return self._slowed(source, after, now)

    def _slowed(self, source: Source, state: SourceState, now: Instant) -> SourceState:
        """While a hub pushes, polls are a fallback: four a day, or what `every` at the source says."""
        if self.hubs is None or state.failures or getattr(source.every, "strict", False):
            return state
        later = min(now + min(FALLBACK, self.settings.polling.max), self.hubs.pushes_until(source.id))
        return state if state.due >= later else replace(state, due=later, reason="pushed by its hub; polled as a fallback")


def _overtaken(source: Source) -> PollReport:
    return PollReport(source.id, "refused", "its address was changed meanwhile; the new one is asked next")
