"""Makes the tables, and the migrations from older releases.

A migration is a text of statements in MIGRATIONS; its number is its position, counted from 1, and is stored in the table
`aggregator_schema`. A released migration is never edited. Each runs in a transaction of its own, by the process that leads alone.
It waits for no other program longer than LOCK_TIMEOUT, and leaves what processes of the last release need: columns are removed
one release after nobody reads them.
"""

from __future__ import annotations

from typing import Any

import psycopg

from aggregator.errors import StoreError
from aggregator.store.postgres.tables import CLUSTER, LEADERSHIP, TABLES

MIGRATIONS = (TABLES, LEADERSHIP, CLUSTER)
FIRST_LED = MIGRATIONS.index(LEADERSHIP) + 1
"""The first schema that knows leaders."""
LOCK_TIMEOUT = "5s"
OLDEST = 150_000
"""PostgreSQL 15, of 2022: the oldest that the distributions still have."""

_VERSION_TABLE = "CREATE TABLE aggregator_schema (version integer NOT NULL)"
_IS_OURS = """SELECT to_regclass('aggregator_schema') IS NOT NULL, (
    SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))"""
"""One statement, since another node may make the tables meanwhile."""
_VERSION = "SELECT version FROM aggregator_schema"
_ENCODING = "SELECT current_setting('server_encoding'), current_schema()"


def check_server(connection: psycopg.Connection[Any], name: str) -> None:
    """Raises StoreError if the server is too old, or the database can't hold our texts."""
    if connection.info.server_version < OLDEST:
        raise StoreError(f"the server of {name} is PostgreSQL {connection.info.server_version // 10_000}: 15 or newer is needed")
    encoding, schema = connection.execute(_ENCODING).fetchone() or ("", None)
    if encoding != "UTF8":
        raise StoreError(f"{name} has the encoding {encoding}: make one with `createdb --encoding=UTF8 --template=template0`")
    if schema is None:
        raise StoreError(f"{name} has no schema for our tables: its search_path leads to none")


def version(connection: psycopg.Connection[Any], name: str) -> int:
    """The database's schema version, 0 if it is empty. Raises StoreError for another program's database or a newer schema."""
    is_ours, tables = connection.execute(_IS_OURS).fetchone() or (False, 0)
    if not is_ours:
        if tables:
            raise StoreError(f"{name} holds another program's tables: name a database of its own at storage.database")
        return 0
    found: int = _single(connection, _VERSION)
    if found > len(MIGRATIONS):
        raise StoreError(
            f"{name} is of a newer release (schema {found}, this one knows {len(MIGRATIONS)}): install that release again"
        )
    return found


def migrate(connection: psycopg.Connection[Any], found: int) -> None:
    """Brings the database to this release's schema."""
    for number, migration in enumerate(MIGRATIONS[found:], start=found + 1):
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'".encode())
            if number == 1:
                connection.execute(_VERSION_TABLE)
                connection.execute("INSERT INTO aggregator_schema (version) VALUES (0)")
            connection.execute(migration.encode())
            connection.execute("UPDATE aggregator_schema SET version = $1", (number,))


def _single(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
