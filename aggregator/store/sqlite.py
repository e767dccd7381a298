"""The store on SQLite: one connection that writes, and one for each thread that reads."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from aggregator.errors import DatabaseLostError, StoreError
from aggregator.model import Evidence, Instant, ItemId, Slug, Source, SourceId, SourceState, Story, StoryId
from aggregator.ports import (
    ArchivePage,
    Delivery,
    Event,
    Hold,
    KnownItem,
    Member,
    OutputState,
    Override,
    PollRequest,
    Reject,
    Shown,
    StoryFilter,
    Subscription,
    Whereabouts,
)
from aggregator.store import backup, care, outputs, reads, renames, requests, retention, schema, search, states, told
from aggregator.store.connect import CHECKPOINT_PAGES, CHECKPOINT_PAGES_BESIDE, explained, open_reader, open_writer
from aggregator.store.index import LEFT, SqliteStoryIndex
from aggregator.store.lock import held
from aggregator.store.place import Place, lost
from aggregator.store.retention import Keep, Swept
from aggregator.store.writes import SqliteTransaction

P = ParamSpec("P")
R = TypeVar("R")

SWEPT_AT_ONCE = 100
"""Stories that retention looks at in one transaction: some milliseconds, no longer than a poll's."""


class SqliteStore:
    """A ports.Store in one file. Safe to use from several threads; a transaction belongs to the thread that began it."""

    def __init__(self, path: Path) -> None:
        """Opens the database, makes it, or brings it to this release's schema. Raises StoreError."""
        self.path = path
        self._turn = threading.Lock()
        self._owner: int | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        with explained(path):
            self._writer = open_writer(path)
        try:
            schema.ready(self._writer, path, before=self._keep_copy)
        except BaseException:
            self._writer.close()
            raise
        self._index = SqliteStoryIndex(self._writer)
        self._place = Place(path)
        self._lost: DatabaseLostError | None = None

    def _keep_copy(self, version: int) -> None:
        backup.backup(self.path, self.path.with_name(f"{self.path.name}.schema-{version}"))

    # --- writing
    @contextmanager
    def begin(self) -> Iterator[SqliteTransaction]:
        """See `Store.begin`. Raises StoreError where SQLite fails; nothing is stored then. Can't be nested."""
        if self._owner == threading.get_ident():
            raise StoreError("a transaction was begun inside another one")
        with self._own_turn(), explained(self.path):
            self._refuse_if_displaced()
            self._writer.execute("BEGIN IMMEDIATE")
            transaction = SqliteTransaction(self._writer, self._index)
            try:
                yield transaction
                transaction.finish()
                self._writer.execute("COMMIT")
            except BaseException:
                transaction.undo()
                if self._writer.in_transaction:  # a full disk has rolled back already
                    self._writer.execute("ROLLBACK")
                raise
            if transaction.promised:
                self._make_durable()

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        with self._turn:
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = None

    def _refuse_if_displaced(self) -> None:
        """Nothing is written to a file that nobody will find again."""
        if self._lost is not None:
            raise self._lost
        if (why := self._place.displaced()) is not None:
            raise StoreError(f"{why}: nothing is written to it any more")

    def displaced(self) -> str | None:
        """Why the open database is not the one at its path any more; None if all is well."""
        return self._place.displaced()

    def rescue(self, now: Instant) -> None:
        """Saves what a database holds that was deleted or replaced, and raises DatabaseLostError, which tells where.

        Raises StoreError if it can't be saved. Does nothing where all is well.
        """
        with self._turn:
            if self._lost is None and (why := self._place.displaced()) is not None:
                self._lost = lost(why, self._place.save(self._writer, now))
        if self._lost is not None:
            raise self._lost

    def _make_durable(self) -> None:
        """What `synchronous = FULL` does at a commit, for this one: the WAL reaches the disk (it can't be set inside one)."""
        try:
            wal = os.open(f"{self.path}-wal", os.O_RDONLY)
        except FileNotFoundError:
            return  # checkpointed and gone, which has synced it
        try:
            os.fsync(wal)
        except OSError as error:
            raise StoreError(f"the disk failed while working on the database {self.path}: {error.strerror}") from error
        finally:
            os.close(wal)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the database for a daemon or a poll, until the end of the context. Raises HeldError."""
        with held(self.path):
            self._checkpoint_at(CHECKPOINT_PAGES)
            try:
                yield
            finally:
                self.rescue(time.time())
                with suppress(StoreError):  # what is not written now is read again from the log
                    self._settle()
                self._checkpoint_at(CHECKPOINT_PAGES_BESIDE)

    def _settle(self) -> None:
        """Writes what the index would leave to the next start."""
        if self._index.logged > LEFT:
            with self.begin() as transaction:
                transaction.index.write_terms()

    def _checkpoint_at(self, pages: int) -> None:
        with self._turn, explained(self.path):
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {pages}")

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        with self.begin():
            if renames.follow(self._writer, sources):
                self._index.rolled_back()  # it holds the old ids
            states.sync(self._writer, sources, now)

    # --- care
    def sweep(self, keep: Keep, now: Instant) -> Swept:
        """Retention: removes what is old, a few stories in each transaction, so that polls get their turns between."""
        with self.begin():
            retention.release(self._writer)
            care.forget(self._writer, now)
        swept = Swept()
        stories = self._read(retention.candidates, keep, now)
        for at in range(0, len(stories), SWEPT_AT_ONCE):
            with self.begin() as transaction:
                chunk = stories[at : at + SWEPT_AT_ONCE]
                swept += retention.sweep(self._writer, transaction.index, chunk, keep, now)
        return swept

    def tidy(self) -> None:
        """Keeps file and WAL small and the planner informed. For a quiet hour, or each hour."""
        with self._turn, explained(self.path):
            care.tidy(self._writer)

    def check(self, *, full: bool = False) -> None:
        """Raises StoreError if the database is damaged. Without `full`, three seconds a GB, ten from a cold disk."""
        self._read(care.check, self.path, full=full)

    def close(self) -> None:
        """Closes every connection. Nothing may be under way."""
        with self._turn:
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()

    # --- reading
    def _read(self, query: Callable[Concatenate[sqlite3.Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        with explained(self.path):
            return query(self._reader(), *arguments, **named)

    def _read_whole(self, query: Callable[Concatenate[sqlite3.Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        """For queries of several statements, which must see one state of the database."""
        with explained(self.path):
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return query(connection, *arguments, **named)
            finally:
                connection.execute("COMMIT")

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = open_reader(self.path)
            self._readers.append(connection)
        return connection

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        return self._read(states.states, ids)

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        return self._read(states.due, now, limit)

    def holds(self, now: Instant) -> dict[str, Hold]:
        return self._read(reads.holds, now)

    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        return self._read(reads.fingerprints, source)

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        return self._read(reads.known, source, guids, canonicals)

    def story(self, story: StoryId) -> Story | None:
        return next(iter(self.stories([story])), None)

    def stories(self, ids: Iterable[StoryId]) -> list[Story]:
        return self._read_whole(reads.stories, ids)

    def find(self, where: StoryFilter, limit: int | None = None) -> Iterator[Story]:
        """See `Store.find`. Streams from a connection of its own, so that all of it is one state of the database."""
        with explained(self.path):
            connection = open_reader(self.path)
            try:
                yield from search.find(connection, where, limit)
            finally:
                connection.close()

    def story_of(self, url_or_id: str) -> StoryId | None:
        return self._read_whole(reads.story_named, url_or_id)

    def whereabouts(self, story: StoryId) -> Whereabouts | None:
        return self._read(reads.whereabouts, story)

    def evidence(self, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
        return self._read(reads.evidence, story)

    def rejects(self, limit: int, source: SourceId | None = None, without: Collection[SourceId] = ()) -> list[Reject]:
        return self._read(reads.rejects, limit, source, without)

    def overrides(self) -> list[Override]:
        return self._read(reads.overrides)

    def outputs(self) -> dict[Slug, OutputState]:
        return self._read(outputs.outputs)

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        return self._read(outputs.members, slug, limit, before)

    def shown(self, slug: Slug, newest: int | None = None) -> list[Shown]:
        return self._read(outputs.shown, slug, newest)

    def lead_sources(self, slug: Slug) -> dict[StoryId, SourceId]:
        return self._read(outputs.lead_sources, slug)

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        return self._read(outputs.members_of, ids)

    def pages(self, slug: Slug) -> list[ArchivePage]:
        return self._read(outputs.pages, slug)

    def page(self, slug: Slug, page: int) -> ArchivePage | None:
        return self._read(outputs.page, slug, page)

    def subscriptions(self, topic: str | None = None) -> list[Subscription]:
        return self._read(told.subscriptions, topic)

    def subscription(self, topic: str, callback: str) -> Subscription | None:
        return self._read(told.subscription, topic, callback)

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        return self._read(told.count_subscriptions, topic, domain)

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        return self._read(told.deliveries, now, limit)

    def events(self, limit: int) -> list[Event]:
        return self._read(told.events, limit)

    def poll_requests(self) -> list[PollRequest]:
        return self._read(requests.waiting)

    def poll_answer(self, key: str) -> str | None:
        return self._read(requests.answer_of, key)

    def counts(self) -> Mapping[str, int]:
        return self._read_whole(reads.counts)

    def value(self, key: str) -> str | None:
        return self._read(reads.value, key)

    def values(self, prefix: str) -> dict[str, str]:
        return self._read(reads.values, prefix)
