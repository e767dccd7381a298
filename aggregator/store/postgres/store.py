"""The store on PostgreSQL: one connection that writes, and a pool of those that read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from aggregator.errors import HeldError, StoreError
from aggregator.model import Instant, Source
from aggregator.store import maintenance, renames, states
from aggregator.store.backup import NO_COPY
from aggregator.store.connection import Connection
from aggregator.store.postgres import schema
from aggregator.store.postgres.cluster.parts import PostgresCluster
from aggregator.store.postgres.connection import PostgresConnection, explained
from aggregator.store.postgres.index import FORGET_WRITER, PostgresStoryIndex
from aggregator.store.postgres.leadership import Beat, LeaderWatch
from aggregator.store.postgres.partitions import Partitions
from aggregator.store.postgres.readers import Readers
from aggregator.store.postgres.view import PostgresView
from aggregator.store.postgres.writer import WriterConnection, find_holder, refuse_if_led
from aggregator.store.sql_store import SqlStore
from aggregator.store.writes import SqlTransaction

MIGRATED_WITHIN = 60.0
"""Seconds that a starting node waits for another one that brings the tables forward."""
MIGRATION_CHECK = 0.2


class PostgresTransaction(SqlTransaction):
    """Makes room for the words of new items before they are written."""

    def __init__(self, connection: PostgresConnection, index: PostgresStoryIndex, partitions: Partitions) -> None:
        super().__init__(connection, index)
        self._postgres, self._partitions = connection, partitions

    def finish(self) -> None:
        if (last := self._batch.last_item) is not None:
            self._partitions.make_room(self._postgres, last)
        super().finish()

    def undo(self) -> None:
        super().undo()
        self._partitions.forget()


class PostgresStore(SqlStore, PostgresView):
    """A ports.Database on a server. Safe to use from several threads; a transaction belongs to the thread that began it."""

    _index: PostgresStoryIndex

    def __init__(self, address: str) -> None:
        """Connects; creates or migrates the tables. Raises StoreError."""
        super().__init__(address)
        self._turn = threading.Lock()
        self._partitions = Partitions()
        self._beat: Beat | None = None
        self._readers = Readers(address, self.confirm_lead)
        self._watch = LeaderWatch()
        self._cluster: PostgresCluster | None = None
        with explained(self.name):
            self._writer = WriterConnection(address, self.name)
            try:
                self._ready()
            except BaseException:
                self._writer.close()
                raise
        self._index = PostgresStoryIndex(self._writer.current)

    def _ready(self) -> None:
        """Brings the tables to this release's schema, alone. Raises StoreError while an older release's daemon writes them."""
        connection = self._writer.current.raw
        schema.check_server(connection, self.name)
        until = time.monotonic() + MIGRATED_WITHIN
        while (found := schema.version(connection, self.name)) != len(schema.MIGRATIONS):
            try:
                self._writer.take()
            except HeldError as error:
                if self._is_led(found) or time.monotonic() > until:
                    raise refuse_if_led(error, found) from error
                time.sleep(MIGRATION_CHECK)
                continue
            try:
                schema.migrate(connection, schema.version(connection, self.name))
            finally:
                self._writer.stop_leading()

    def _is_led(self, found: int) -> bool:
        """Whether who holds the database leads; another node may just bring the tables forward. found: their schema."""
        return found >= schema.FIRST_LED and self._writer.leader() is not None

    # --- writing
    @property
    def _writing(self) -> Connection:
        return self._writer.current

    def _renew(self) -> None:
        """Opens the connection anew if it was lost. The index reads by it, too."""
        if self._writer.renew():
            self._index = PostgresStoryIndex(self._writer.current)

    @contextmanager
    def begin(self) -> Iterator[SqlTransaction]:
        """See `Store.begin`. Raises StoreError where the server fails; nothing is stored then. Can't be nested."""
        with self._own_turn(), explained(self.name):
            self._renew()
            self._writer.begin()
            transaction = PostgresTransaction(self._writer.current, self._index, self._partitions)
            try:
                yield transaction
                transaction.finish()
                self._writer.commit()
            except BaseException:
                transaction.undo()
                self._writer.roll_back()
                raise

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        with self.begin():
            if renames.follow(self._writer.current, sources):
                self._index.rolled_back()  # it holds the old ids
                self._writer.current.execute(FORGET_WRITER)
            states.sync(self._writer.current, sources, now)

    @property
    def cluster(self) -> PostgresCluster:
        """What several nodes share."""
        if self._cluster is None:
            self._cluster = PostgresCluster(self._address, self.name)
        return self._cluster

    # --- maintenance
    may_stand_by = True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the database for a daemon or a poll, until the end of the context. Raises HeldError."""
        with self._turn, explained(self.name):
            self._renew()
            term = self._writer.lead()
        self._beat = beat = Beat(self._address, self.name, term, self._keep_writer)
        beat.start()
        try:
            yield
        finally:
            with suppress(StoreError):  # the next start replays from the log what is not written now
                self.confirm_lead()
                self._write_terms()
            beat.end()
            self._beat = None
            with self._turn, suppress(psycopg.Error):
                self._writer.stop_leading()

    def _keep_writer(self) -> None:
        """Opens the connection that writes anew if it was cut while nothing was written."""
        if self._turn.acquire(blocking=False):  # else a transaction is under way, and notices itself
            try:
                with explained(self.name):
                    if self._writer.is_cut():
                        self._renew()
            finally:
                self._turn.release()

    def holder(self) -> str | None:
        with self._turn, explained(self.name):
            self._renew()
            return find_holder(self._writer.current.raw)

    def confirm_lead(self) -> None:
        """See `Leadership.confirm_lead`."""
        if self._beat is not None and self._beat.trouble is not None:
            raise self._beat.trouble

    def depose_frozen(self) -> str | None:
        """See `Leadership.depose_frozen`."""
        with self._turn, explained(self.name):
            self._renew()
            seen, who = self._writer.leader(), find_holder(self._writer.current.raw)
            return who if self._watch.is_frozen(seen) and seen is not None and self._writer.depose(seen) else None

    def displaced(self) -> str | None:
        """None: a server's database is no file that could be replaced."""
        return None

    def rescue(self, now: Instant) -> None:
        """Nothing to save: see `displaced`."""

    def back_up(self, directory: Path, keep: int, now: Instant) -> Path:
        raise StoreError(NO_COPY.format(self.name))

    def tidy(self) -> None:
        """Drops the words of removed items. The server's autovacuum does the rest."""
        with self._turn, explained(self.name):
            self._renew()
            self._partitions.drop_empty(self._writer.current)

    def check(self, *, full: bool = False) -> None:
        """Raises StoreError if the database can't be read, or (full) contradicts itself. The server checks its own pages."""
        if full and (lost := self._read(maintenance.count_lost)):
            raise StoreError(f"{self.name} contradicts itself in {lost} places (threads): restore a dump")
        self._read(states.due, 0.0, 1)

    def close(self) -> None:
        """Closes all connections. No call may be under way."""
        if self._cluster is not None:
            self._cluster.close()
        with self._turn:
            super().close()
            self._writer.close()
