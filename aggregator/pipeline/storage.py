"""What happens to a document that was read: its entries are identified, grouped, tagged, placed in feeds, and committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Fetched, Instant, ItemId, NotModified, PollReport, Slug, Source, SourceState, StoryId, Validators
from aggregator.parse.raw import READER_VERSION
from aggregator.pipeline.states import NextStates
from aggregator.ports import REJECTS_KEPT, Hubs, StoreView, Transaction
from aggregator.reading.job import Read
from aggregator.reading.sitemaps import save_sitemaps
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories import articles, budget, ingest, join
from aggregator.stories.curate import Curator, renew_hashes
from aggregator.stories.decisions.overrides import ActiveOverrides, active_overrides
from aggregator.stories.identity import outlets
from aggregator.stories.identity.claims import Claims, save_claim
from aggregator.stories.identity.domains import is_shared
from aggregator.stories.ingest import Ingester, Prepared

MOVED = "its address was changed meanwhile; the new one is asked next"
ASKED_AGAIN = "it was asked again meanwhile"
ANOTHERS = "it is another node's to ask now"
"""Why nothing comes of a poll."""


class Storage(Protocol):
    """Where read documents go: into the database, or to the process that writes it."""

    async def store_document(
        self, source: Source, state: SourceState, answer: Fetched | NotModified, read: Read, now: Instant
    ) -> PollReport:
        """Keeps a document for good. state: as it was when the source was asked; now: when the answer came."""
        ...


class DocumentStorage(Struct, frozen=True):
    """Stores documents under one config, in the writer's thread. hubs: None without `network.websub`."""

    settings: Settings
    store: StoreView
    writer: Writer
    ingester: Ingester
    states: NextStates
    hubs: Hubs | None = None

    async def store_document(
        self,
        source: Source,
        state: SourceState,
        answer: Fetched | NotModified,
        read: Read,
        now: Instant,
        *,
        is_current: Callable[[Transaction], bool] = lambda transaction: True,
    ) -> PollReport:
        """Prepares and commits in the writer's thread; serving goes on meanwhile.

        is_current: asked within the transaction; if not, nothing of the document is stored.
        """
        read = replace(read, feed=replace(read.feed, partial=read.feed.partial or answer.status == 226))
        return await self.writer.store(source.id, partial(self._prepare, source, state, answer, read, now, is_current))

    def _prepare(
        self,
        source: Source,
        state: SourceState,
        answer: Fetched | NotModified,
        read: Read,
        now: Instant,
        is_current: Callable[[Transaction], bool],
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
        after = self.states.after(source, state, answer, now, feed=read.feed, prepared=prepared)
        after = replace(after, languages=prepared.languages, led=led, reader=READER_VERSION)
        if prepared.allotted.refused:  # the next poll must get the whole document again, even if it is the same
            after = replace(after, body_hash=b"", validators=Validators(), validators_url=None)
        is_upgrade = state.first_success is not None and state.reader != READER_VERSION
        commit = partial(self._commit, after, read, prepared, overrides, now, is_upgrade)
        return lambda transaction: commit(transaction) if is_current(transaction) else superseded(source, ASKED_AGAIN)

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

    def _reject_feeds(self) -> set[Slug]:
        return {output.slug for output in self.settings.outputs if output.rejected}


def superseded(source: Source, why: str = MOVED) -> PollReport:
    """The report of an answer that says nothing any more."""
    return PollReport(source.id, "refused", why)


def _has_rejects(state: SourceState) -> bool:
    """True if `keep` or `drop` has ever rejected an entry of the source."""
    return "keep" in state.counters or "drop" in state.counters
