"""Opens the database that `storage.database` names."""

from __future__ import annotations

from pathlib import Path

from aggregator.ports import Database
from aggregator.store.sqlite import SqliteStore


def open_store(database: str) -> Database:
    """The database, created or migrated if needed. Raises StoreError."""
    return SqliteStore(Path(database))
