"""Migrations: forward, whole or not at all, with a copy from before."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from aggregator.store import schema
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of this release with one story in it."""
    store = SqliteStore(tmp_path / "news.db")
    with store.begin() as transaction:
        transaction.add_item(item("a"), None, NEW)
    store.close()
    return tmp_path / "news.db"


def with_migration(monkeypatch: pytest.MonkeyPatch, migration: Any) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, migration))


def test_a_migration_keeps_the_data_and_a_copy_from_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = len(schema.MIGRATIONS)
    with_migration(monkeypatch, lambda database: database.table("extras").create({"id": int}, pk="id"))
    store = SqliteStore(path)
    assert store.counts()["items"] == 1
    store.close()
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (version + 1,)
    copy = path.with_name(f"news.db.schema-{version}")
    assert sqlite3.connect(copy).execute("PRAGMA user_version").fetchone() == (version,)
    assert sqlite3.connect(copy).execute("SELECT count(*) FROM items").fetchone() == (1,)


def test_a_migration_that_fails_leaves_the_old_schema(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(database: Any) -> None:
        database.table("extras").create({"id": int}, pk="id")
        raise RuntimeError("a bug")

    before = sqlite3.connect(path).execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    with_migration(monkeypatch, broken)
    with pytest.raises(RuntimeError):
        SqliteStore(path)
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master ORDER BY name").fetchall() == before
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS) - 1,)


def test_opening_a_current_database_writes_nothing(path: Path) -> None:
    before = path.read_bytes()
    SqliteStore(path).close()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["news.db"]
