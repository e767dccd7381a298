"""The database of another user, or on a disk that can't be written, for commands that look into it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.model import Instant, Source
from aggregator.ports.transaction import Transaction
from aggregator.store import schema
from aggregator.store.connect import UNWRITABLE, explained, restrict_reader
from aggregator.store.peek import look
from aggregator.store.sqlite_view import SqliteView


def is_there(path: Path) -> bool:
    """Whether the database exists. Raises StoreError where this process may not look."""
    try:
        return path.exists()
    except PermissionError as error:
        raise StoreError(f"the database {path} can't be read: {error.strerror}") from error


def may_write(path: Path) -> bool:
    """Whether this process may write the database and its folder, in which SQLite makes files beside it."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(one, os.W_OK, effective_ids=effective) for one in (path, path.parent))


class ReadOnlyStore(SqliteView):
    """A ports.Store that refuses to be written. All files stay as they are.

    What a killed daemon left in the log alone is seen once that is written back.
    """

    def __init__(self, path: Path) -> None:
        """Raises StoreError for another program's database, or one of another release's schema."""
        super().__init__(path)
        with explained(path), closing(look(path)) as connection:
            found = schema.version(connection, path)
        if not found:
            raise StoreError(f"the database {path} is empty, or what it holds is in its log alone, which only a writer reads")
        if found != len(schema.MIGRATIONS):
            raise StoreError(f"the database {path} is of an older release (schema {found}): let its daemon migrate it first")

    def _open(self) -> sqlite3.Connection:
        return restrict_reader(look(self.path))

    def begin(self) -> AbstractContextManager[Transaction]:
        raise StoreError(UNWRITABLE.format(path=self.path))

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        self.begin()

    def close(self) -> None:
        self._close_readers()
