"""Opens the database that `storage.database` names: a file of SQLite, or PostgreSQL on a server."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from aggregator.errors import StoreError
from aggregator.ports import Database, Store
from aggregator.settings import is_on_server
from aggregator.store import lock, peek
from aggregator.store.marks import refuse_unfinished
from aggregator.store.read_only import ReadOnlyStore, is_there
from aggregator.store.sqlite import SqliteStore
from aggregator.text.masks import mask_url

S = TypeVar("S", bound=Store)


def open_store(database: str) -> Database:
    """The database, created or migrated if needed. Raises StoreError, also for an unfinished copy (`aggregator migrate`)."""
    return _checked(open_unfinished(database), database)


def open_read_only(database: str) -> Store:
    """The database, which can't be written by way of this. Raises StoreError, also for an unfinished copy."""
    if not is_on_server(database):
        return _checked(ReadOnlyStore(Path(database)), database)
    _require_psycopg()
    from aggregator.store.postgres.read_only import ReadOnlyPostgresStore

    return _checked(ReadOnlyPostgresStore(database), database)


def open_unfinished(database: str) -> Database:
    """Like `open_store`, but opens an unfinished copy, too."""
    return _open_on_server(database) if is_on_server(database) else SqliteStore(Path(database))


def _checked(store: S, database: str) -> S:
    try:
        refuse_unfinished(store, name_of(database))
    except BaseException:
        store.close()
        raise
    return store


def name_of(database: str) -> str:
    """The database in a message, without its password."""
    return f"the database {mask_url(database) if is_on_server(database) else database}"


def has_store(database: str) -> bool:
    """Whether there is a database to look into. Raises StoreError where this process may not look, or no server answers."""
    if not is_on_server(database):
        return is_there(Path(database))
    _require_psycopg()
    from aggregator.store.postgres.peek import is_made

    return is_made(database)


def find_holder(database: str) -> str | None:
    """The process that holds the database ("process 4711"); None if none does, or it can't be told."""
    if not is_on_server(database):
        return lock.holder(Path(database))
    _require_psycopg()
    from aggregator.store.postgres.peek import holder

    return holder(database)


def read_value(database: str, key: str) -> str | None:
    """A stored value, or None if there is none or it can't be read. The database is not opened for this, only looked into."""
    if not is_on_server(database):
        return peek.read_value(Path(database), key)
    _require_psycopg()
    from aggregator.store.postgres.peek import read_value as read_on_server

    return read_on_server(database, key)


def _open_on_server(address: str) -> Database:
    _require_psycopg()
    from aggregator.store.postgres.store import PostgresStore  # here: of an optional extra

    return PostgresStore(address)


def _require_psycopg() -> None:
    if find_spec("psycopg") is None:
        raise StoreError("storage.database is on a server: PostgreSQL needs `pip install 'aggregator[postgres]'`")
