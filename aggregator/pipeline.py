"""One poll from start to end: ask, read, identify the entries, group them into stories, tag, place in feeds, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.cadence import after_poll, may_poll, same_body
from aggregator.cadence.push_fallback import delay_while_pushed
from aggregator.errors import AggregatorError
from aggregator.fetch import first_answers
from aggregator.fetch.body import BodyBudget
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import held_fault
from aggregator.fetch.request import conditional_request
from aggregator.model import (
    Fault,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    Instant,
    ItemId,
    NotModified,
    PollReport,
    Slug,
    Source,
    SourceId,
    SourceState,
    StoryId,
    Validators,
)
from aggregator.parse.raw import READER_VERSION
from aggregator.parse.sitemap import INDEX
from aggregator.ports import REJECTS_KEPT, BodyMemory, Clock, Fetcher, Hubs, Store, Transaction
from aggregator.reading.job import Read, ReadOptions
from aggregator.reading.offered_feeds import add_offered_feeds
from aggregator.reading.pool import Reader as DocumentReader
from aggregator.reading.sitemaps import follow_index, known_sitemaps, save_sitemaps, unexpected_kind
from aggregator.settings import Settings
from aggregator.store.writer import WatchedRoom, Writer
from aggregator.stories import articles, budget, ingest, join
from aggregator.stories.curate import Curator, renew_hashes
from aggregator.stories.decisions.overrides import ActiveOverrides, active_overrides
from aggregator.stories.identity import outlets
from aggregator.stories.identity.claims import Claims, save_claim
from aggregator.stories.identity.domains import is_shared
from aggregator.stories.ingest import Ingester, Prepared
from aggregator.text.masks import mask_text
from aggregator.text.urls import registrable_domain

log = structlog.get_logger("pipeline")

_CUT_SHORT = Fault(FaultKind.PARSE_LIMIT, "reading its document was cut short: the program ended meanwhile")
"""The source's stored fault while its document is read, if that takes longer than `writer.LINGER`.

If the document brings the machine down, the source waits after the next start like one that failed, longer each time.
"""


class CurrentPipeline(Struct):
    """The pipeline of the config in use. It stores the polls that began under an older config.

    Under the old rules, their stories would miss the new config's topics: a reload looks at stored stories only once.
    """

    pipeline: Pipeline | None = None
    sources: Mapping[SourceId, Source] = field(default_factory=dict)

    def use(self, pipeline: Pipeline) -> None:
        self.pipeline, self.sources = pipeline, {source.id: source for source in pipeline.settings.sources}

    def find(self, source: Source) -> Source | None:
        """Returns the source as the config has it now; None if its address has changed: an old answer says nothing about it."""
        now = self.sources.get(source.id, source)
        return now if now.url == source.url else None


class Pipeline(Struct, frozen=True):
    """The stages of a poll, wired for one config. rng: in [0, 1), for jitter; hubs: None without `network.websub`."""

    settings: Settings
    store: Store
    writer: Writer
    gate: HostGate
    fetcher: Fetcher
    documents: DocumentReader
    ingester: Ingester
    clock: Clock
    rng: Callable[[], float]
    current: CurrentPipeline = field(default_factory=CurrentPipeline)
    hubs: Hubs | None = None
    bodies: BodyBudget = field(default_factory=BodyBudget)

    async def poll(
        self, source: Source, state: SourceState, *, forced: bool, answered: Callable[[], None] = lambda: None
    ) -> PollReport:
        """Polls one source, unless it must wait (Retry-After, a host on hold): `forced` does not override that.

        answered: called once the server has answered.
        """
        started, now = time.perf_counter(), self.clock.now()
        if (refused := self._refuse(source, state, now, forced)) is not None:
            return refused
        try:
            async with self.bodies.share() as memory:
                answer = await self._take_handed(source, state, now)
                if answer is None:
                    request = conditional_request(source, state, self.settings.network.proxy)
                    answer = await self.fetcher.fetch(request, now, memory)
                answered()
                report = await self.receive(source, state, answer, memory)
        except AggregatorError:
            raise  # the store can't be written: not the source's fault, and nowhere to record it
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
            return _superseded(source)
        if isinstance(answer, Fetched | NotModified) and answer.holds_host:
            await self._hold_host(source, answer.url, answer.retry_at, "its rate limit is used up")
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
        self._save(source, self._next_state(source, state, answer, now))
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
        room = WatchedRoom(self.writer, lambda: self._save(source, self._failed_state(source, state, _CUT_SHORT, now)))
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
            partial(self._ask_again, source, memory),
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

    async def _ask_again(self, source: Source, memory: BodyMemory | None, request: FetchRequest) -> FetchOutcome:
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
            await self._hold_host(source, answer.url, told.retry_at, "its rate limit is used up")
        return answer

    async def _store(
        self, source: Source, state: SourceState, answer: Fetched | NotModified, read: Read, now: Instant
    ) -> PollReport:
        """Prepares and commits in the writer's thread, under the config in use now; serving goes on meanwhile."""
        pipeline, source_now = self.current.pipeline or self, self.current.find(source)
        if source_now is None:
            return _superseded(source)
        read = replace(read, feed=replace(read.feed, partial=read.feed.partial or answer.status == 226))
        return await self.writer.store(source.id, partial(pipeline._prepare, source_now, state, answer, read, now))

    def _prepare(
        self, source: Source, state: SourceState, answer: Fetched | NotModified, read: Read, now: Instant
    ) -> Callable[[Transaction], PollReport]:
        """Outside the lock: identifies entries, filters them, and computes signatures. Returns what commits the result."""
        overrides = active_overrides(self.store.overrides())
        spent = budget.known(self.store, source.id)
        owned, claims = self.ingester.owners, Claims(self.store.values)
        led = outlets.count_domains(state.led, read.feed.entries, owned.publishers, shared=is_shared(source.url))
        home, title = read.feed.url or state.home, read.feed.title or state.title
        voice = outlets.decide_voice(source, led, home, owned, claims, title)
        known = partial(self.store.known, source.id)
        turned_away = [one.guid for one in self.store.rejects(REJECTS_KEPT, source.id)] if _has_rejects(state) else ()
        prepared = self.ingester.prepare(source, state, read, known, voice, overrides, spent, now, turned_away)
        if source.full_text:
            wanted = articles.choose_articles(prepared.decisions, articles.known_spent(self.store, source.id), now)
            prepared = replace(prepared, articles=wanted)
        after = self._next_state(source, state, answer, now, feed=read.feed, prepared=prepared)
        after = replace(after, languages=prepared.languages, led=led, reader=READER_VERSION)
        if prepared.allotted.refused:  # the next poll must get the whole document again, even if it is the same
            after = replace(after, body_hash=b"", validators=Validators(), validators_url=None)
        is_upgrade = state.first_success is not None and state.reader != READER_VERSION
        return partial(self._commit, after, read, prepared, overrides, now, is_upgrade)

    def _commit(
        self,
        state: SourceState,
        read: Read,
        prepared: Prepared,
        overrides: ActiveOverrides,
        now: Instant,
        is_upgrade: bool,
        transaction: Transaction,
    ) -> PollReport:
        """In one transaction: joins items to stories, links and tags them, places them in feeds, saves the source's state.

        is_upgrade: its last document was read by another release.
        """
        feed = read.feed
        save_claim(transaction, self.store, state, now, self.ingester.owners.publishers)
        renew_hashes(transaction, prepared.revised, self.ingester.rules)
        stories, around = join.store_items(transaction, self.ingester.engine, prepared, overrides, now)
        followed = self._follow(transaction, stories, around, now)
        is_part = feed.partial and not read.sitemaps  # a part may leave out listed entries; all sitemaps together don't
        listed = self.store.fingerprints(state.id) if is_part else feed.unchanged
        transaction.touch_items(state.id, listed, prepared.listed, now)
        rejected = transaction.add_rejects(prepared.rejects)
        transaction.remove_rejects(state.id, prepared.let_in)
        budget.save(transaction, state.id, prepared.allotted.spent)
        articles.save_wanted(transaction, state.id, prepared.articles, now)
        counters = ingest.add_counters(state.counters, feed.dropped, rejected, prepared.allotted.counts)
        transaction.save_state(replace(state, counters=counters))
        if read.sitemaps:
            save_sitemaps(transaction, state.id, read.sitemaps)
        if self.hubs is not None and not feed.partial:  # a part need not name the hub
            self.hubs.save_hub(transaction, state.id, feed, state.url)
        rules, engine = self.ingester.rules, self.ingester.engine
        settle = self.settings.publish.settle
        curator = Curator(rules, transaction.outputs(), settle, now, engine=engine, is_upgrade=is_upgrade)
        slugs = curator.refresh(transaction, [*stories, *followed]) | (self._reject_feeds() if rejected else set())
        detail = f"{prepared.new} new, {prepared.changed} changed"
        over = prepared.allotted.grouped, prepared.allotted.refused
        return PollReport(state.id, "changed", detail, prepared.new, prepared.changed, frozenset(slugs), *over)

    def _follow(
        self, transaction: Transaction, stories: Sequence[StoryId], around: Mapping[StoryId, Sequence[ItemId]], now: Instant
    ) -> list[StoryId]:
        """Links the stories. Returns others of their threads, if queries ask for what has changed there."""
        if (linker := self.ingester.linker) is None:
            return []
        changed = linker.link(transaction, stories, around, now)
        return sorted(changed.difference(stories)) if self.ingester.rules.reads_threads else []

    # --- outcomes without a document
    def _refuse(self, source: Source, state: SourceState, now: Instant, forced: bool) -> PollReport | None:
        """Reports a source that may not be polled now, and moves its due time to when it may; None if it may be polled."""
        hold = self.gate.held(state.url, now)
        why = may_poll(state, hold, now, forced)
        if why is None:
            return None
        self.writer.save_state(replace(state, due=max(state.due, state.not_before, hold.until if hold else 0.0)))
        return PollReport(source.id, "refused", why)

    async def _fail(self, source: Source, state: SourceState, url: str, fault: Fault, now: Instant) -> PollReport:
        """Stores the failure, and a hold on the host if the server asked for one."""
        after = self._failed_state(source, state, fault, now)
        detail = after.last_error or fault.detail
        if fault.holds_host:
            await self._hold_host(source, url or state.url, fault.retry_at, detail)
        self._save(source, after)
        return PollReport(source.id, "failed", detail, fault=fault)

    async def _hold_host(self, source: Source, url: str, until: Instant | None, reason: str) -> None:
        """Puts a host on hold, unless a redirect led there: a source must not be able to stop other hosts' feeds."""
        if until is not None and registrable_domain(url) == registrable_domain(source.url):
            hold = self.gate.hold(url, until, reason)
            await self.writer.commit(lambda transaction: transaction.save_hold(hold))

    def _crash(self, source: Source, state: SourceState, error: Exception, now: Instant) -> PollReport:
        """Stores a bug of ours as the source's failure."""
        fault = Fault(FaultKind.INTERNAL, f"internal error, please report it: {type(error).__name__}")
        self._save(source, self._failed_state(source, state, fault, now))
        return PollReport(source.id, "failed", fault.detail, fault=fault)

    # --- the source's next state
    def _save(self, source: Source, state: SourceState) -> None:
        if self.current.find(source) is not None:
            self.writer.save_state(state)

    def _failed_state(self, source: Source, state: SourceState, fault: Fault, now: Instant) -> SourceState:
        return self._next_state(source, state, FetchFailed(fault), now)

    def _next_state(
        self,
        source: Source,
        state: SourceState,
        outcome: FetchOutcome,
        now: Instant,
        *,
        feed: Feed | None = None,
        prepared: Prepared | None = None,
    ) -> SourceState:
        """Computes the state after a poll, with secrets masked and pushes taken into account."""
        after = after_poll(
            source,
            state,
            outcome,
            new=prepared.new if prepared else 0,
            arrivals=prepared.arrivals if prepared else (),
            feed=feed,
            now=now,
            polling=self.settings.polling,
            rng=self.rng(),
            timezone=self.settings.site.timezone,
        )
        if after.last_error:
            after = replace(after, last_error=mask_text(after.last_error, self.settings.secrets))
        if self.hubs is None or after.failures:
            return after
        return delay_while_pushed(source, after, self.hubs.pushes_until(source.id), now, self.settings.polling)

    def _reject_feeds(self) -> set[Slug]:
        return {output.slug for output in self.settings.outputs if output.rejected}


def _superseded(source: Source) -> PollReport:
    return PollReport(source.id, "refused", "its address was changed meanwhile; the new one is asked next")


def _has_rejects(state: SourceState) -> bool:
    """True if `keep` or `drop` has ever rejected an entry of the source."""
    return "keep" in state.counters or "drop" in state.counters
