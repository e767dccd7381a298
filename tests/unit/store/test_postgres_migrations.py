"""Migrations of PostgreSQL's tables: what processes of the release before go on doing, and who is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aggregator.errors import StoreError
from aggregator.model import Slug
from aggregator.ports import OutputState
from aggregator.store.postgres import schema
from aggregator.store.postgres.store import PostgresStore
from tests import postgres
from tests.unit.store.builders import NEW, item, source

RELEASES = range(1, len(schema.MIGRATIONS))
"""The schemas of earlier releases."""
_COLUMNS = """SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped"""
_FOREIGN_KEYS_LAST = ("items", "members", "stories", "outputs")
"""These refer to one another: they are emptied in this order, and filled the other way round."""


@pytest.fixture
def address(tmp_path: Path) -> str:
    return postgres.server().of_folder(tmp_path)


@contextmanager
def release(number: int) -> Iterator[None]:
    """A release that knows so many migrations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:number])
        yield


def columns(address: str) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Table to column to its type, and whether it takes no null."""
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    with psycopg.connect(address) as connection:
        for table, column, *kind in connection.execute(_COLUMNS.encode()).fetchall():
            found.setdefault(table, {})[column] = tuple(kind)
    return found


def fill(address: str) -> None:
    """A source with an entry in a feed."""
    store, now = PostgresStore(address), 1e9
    store.sync_sources([source("alpha")], now)
    with store.begin() as transaction:
        transaction.save_output(OutputState(Slug("sea"), b"12345678", filling=False, changed=now))
        _, story = transaction.add_item(item("one"), None, NEW)
        transaction.enter(Slug("sea"), [story], now)
    store.close()


@pytest.mark.parametrize("before", RELEASES)
def test_the_release_before_finds_its_columns_as_they_were(address: str, before: int) -> None:
    with release(before):
        PostgresStore(address).close()
        known = columns(address)
    PostgresStore(address).close()
    now = columns(address)
    lost = {
        (table, column)
        for table, names in known.items()
        for column, kind in names.items()
        if now.get(table, {}).get(column) != kind
    }
    assert lost == set(), "nothing is dropped, renamed, of another type, or mandatory all of a sudden"


@pytest.mark.parametrize("before", RELEASES)
def test_the_release_before_writes_rows_of_its_columns_into_the_new_tables(address: str, before: int) -> None:
    with release(before):
        fill(address)
        known = columns(address)
    PostgresStore(address).close()
    tables = [table for table in known if table not in (*_FOREIGN_KEYS_LAST, "search")]
    with psycopg.connect(address) as connection:
        rows = {}
        for table in (*tables, *_FOREIGN_KEYS_LAST):
            names = ", ".join(known[table])
            rows[table] = connection.execute(f"SELECT {names} FROM {table}".encode()).fetchall()
            connection.execute(f"DELETE FROM {table}".encode())
        for table in (*tables, *reversed(_FOREIGN_KEYS_LAST)):
            places = ", ".join(["%s"] * len(known[table]))
            insert = f"INSERT INTO {table} ({', '.join(known[table])}) VALUES ({places})"
            connection.cursor().executemany(insert.encode(), rows[table])
        assert all(rows[table] for table in ("sources", "documents", "stories", "items", "outputs", "members"))


def test_a_table_that_is_held_is_told_and_nothing_is_changed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert schema.LOCK_TIMEOUT == "5s"
    monkeypatch.setattr(schema, "LOCK_TIMEOUT", "100ms")
    with release(RELEASES[-1]):
        fill(address)
        known = columns(address)
    with psycopg.connect(address) as holder:
        holder.execute("LOCK TABLE sources IN SHARE MODE")
        with pytest.raises(StoreError, match=r"is held by another program: .*lock timeout.*; stop it, then try again"):
            PostgresStore(address)
        assert columns(address) == known
    store = PostgresStore(address)
    assert store.counts()["items"] == 1
    store.close()
