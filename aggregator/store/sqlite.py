"""The store on SQLite: one connection that writes, and one for each thread that reads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aggregator.errors import DatabaseLostError, HeldError, StoreError
from aggregator.model import Instant, Source
from aggregator.store import backup, maintenance, renames, schema, states
from aggregator.store.connect import CHECKPOINT_PAGES, CHECKPOINT_PAGES_BESIDE, explained, open_writer
from aggregator.store.connection import Connection
from aggregator.store.database_files import DatabaseFiles, database_lost_error
from aggregator.store.index import SqlStoryIndex
from aggregator.store.lock import held, holder
from aggregator.store.sql_store import SqlStore
from aggregator.store.sqlite_view import SqliteView
from aggregator.store.writes import SqlTransaction


class SqliteStore(SqlStore, SqliteView):
    """A ports.Database in one file. Safe to use from several threads; a transaction belongs to the thread that began it."""

    def __init__(self, path: Path) -> None:
        """Opens, creates or migrates the database. Raises StoreError."""
        super().__init__(path)
        self._turn = threading.Lock()
        with explained(path):
            schema.refuse_foreign(path)
            self._writer = open_writer(path)
        try:
            with self._alone_while_migrating():
                schema.ready(self._writer, path, before=self._keep_copy)
        except BaseException:
            self._writer.close()
            raise
        self._index = SqlStoryIndex(self._writer)
        self._files = DatabaseFiles(path)
        self._lost: DatabaseLostError | None = None

    @contextmanager
    def _alone_while_migrating(self) -> Iterator[None]:
        """Raises StoreError if the database has to be migrated while an older release's daemon writes it in its own way."""
        with explained(self.path):
            found = schema.version(self._writer, self.path)
        if found in (0, len(schema.MIGRATIONS)):
            yield
            return
        try:
            with held(self.path):
                yield
        except HeldError as error:
            why = f"it is of an older release (schema {found}): stop that, then start this release"
            raise StoreError(f"{error}; {why}") from error

    def _keep_copy(self, version: int) -> None:
        backup.backup(self.path, self.path.with_name(f"{self.path.name}.schema-{version}"))

    # --- writing
    @property
    def _writing(self) -> Connection:
        return self._writer

    @contextmanager
    def begin(self) -> Iterator[SqlTransaction]:
        """See `Store.begin`. Raises StoreError where SQLite fails; nothing is stored then. Can't be nested."""
        with self._own_turn(), explained(self.path):
            self._refuse_if_displaced()
            self._writer.execute("BEGIN IMMEDIATE")
            transaction = SqlTransaction(self._writer, self._index)
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

    def _refuse_if_displaced(self) -> None:
        """Raises if the open file is no longer at its path: what is written to it would be lost."""
        if self._lost is not None:
            raise self._lost
        if (why := self._files.displaced()) is not None:
            raise StoreError(f"{why}: nothing is written to it any more")

    def displaced(self) -> str | None:
        """Why the open database is no longer the one at its path; None if it is."""
        return self._files.displaced()

    def rescue(self, now: Instant) -> None:
        """If the database was deleted or replaced, saves its content and raises DatabaseLostError, which says where.

        Raises StoreError if it can't be saved.
        """
        with self._turn:
            if self._lost is None and (why := self._files.displaced()) is not None:
                self._lost = database_lost_error(why, self._files.save(self._writer, now))
        if self._lost is not None:
            raise self._lost

    def _make_durable(self) -> None:
        """Syncs the WAL to disk, as `synchronous = FULL` does; that pragma can't be set inside a transaction."""
        try:
            wal = os.open(f"{self.path}-wal", os.O_RDONLY)
        except FileNotFoundError:
            return  # checkpointed, which has synced it
        try:
            os.fsync(wal)
        except OSError as error:
            raise StoreError(f"the disk failed while working on the database {self.path}: {error.strerror}") from error
        finally:
            os.close(wal)

    may_stand_by = False
    cluster = None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the database for a daemon or a poll, until the end of the context. Raises HeldError."""
        with held(self.path):
            self._checkpoint_at(CHECKPOINT_PAGES)
            try:
                yield
            finally:
                self.rescue(time.time())
                with suppress(StoreError):  # the next start replays from the log what is not written now
                    self._write_terms()
                self._checkpoint_at(CHECKPOINT_PAGES_BESIDE)

    def holder(self) -> str | None:
        return holder(self.path)

    def confirm_lead(self) -> None:
        """The kernel's lock can't be lost."""

    def depose_frozen(self) -> str | None:
        return None

    def _checkpoint_at(self, pages: int) -> None:
        with self._turn, explained(self.path):
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {pages}")

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        with self.begin():
            if renames.follow(self._writer, sources):
                self._index.rolled_back()  # it holds the old ids
            states.sync(self._writer, sources, now)

    # --- maintenance
    def back_up(self, directory: Path, keep: int, now: Instant) -> Path:
        return backup.scheduled(self.path, directory, keep, now)

    def tidy(self) -> None:
        """Keeps file and WAL small and the planner's statistics fresh. For a quiet hour, or every hour."""
        with self._turn, explained(self.path):
            maintenance.tidy(self._writer)

    def check(self, *, full: bool = False) -> None:
        """Raises StoreError if the database is damaged. Without `full`, 3 s per GB, 10 s from a cold disk."""
        self._read(maintenance.check, self.path, full=full)

    def close(self) -> None:
        """Closes all connections. No call may be under way."""
        with self._turn:
            self._close_readers()
            self._writer.close()
