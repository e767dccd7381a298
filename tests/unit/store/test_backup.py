"""Backups: whole, made in use, kept in turn, put back without loss."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.store import backup
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, item


def add(store: SqliteStore, *guids: str) -> None:
    with store.begin() as transaction:
        for guid in guids:
            transaction.add_item(item(guid), None, NEW)


def items(path: Path) -> int:
    store = SqliteStore(path)
    try:
        return store.counts()["items"]
    finally:
        store.close()


def test_a_backup_is_one_file_with_everything(database: SqliteStore, tmp_path: Path) -> None:
    add(database, "a", "b")
    target = tmp_path / "copies" / "copy.db"
    assert backup.backup(database.path, target) == target.stat().st_size
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]
    assert items(target) == 2


def test_nobody_else_can_read_the_database_or_its_copies(database: SqliteStore, tmp_path: Path) -> None:
    """It holds the secrets of subscribers."""
    add(database, "a")
    backup.backup(database.path, tmp_path / "copy.db")
    backup.restore(tmp_path / "copy.db", tmp_path / "new.db", 0.0)
    files = [*tmp_path.glob("news.db*"), tmp_path / "copy.db", tmp_path / "new.db"]
    assert len(files) >= 4
    assert [file.name for file in files if file.stat().st_mode & 0o007] == []


def test_a_backup_while_others_write_is_one_state_of_the_database(database: SqliteStore, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            add(database, f"x{number}", f"y{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backup.backup(database.path, tmp_path / f"{number}.db")
    finally:
        stop.set()
        writer.join()
    assert all(items(tmp_path / f"{number}.db") % 2 == 0 for number in range(5))


def test_scheduled_backups_are_kept_in_turn(database: SqliteStore, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / "news-mine.db").write_text("not one of ours")
    made = [backup.scheduled(database.path, folder, 3, 1_700_000_000.0 + day * 86_400) for day in range(5)]
    assert backup.kept(database.path, folder) == made[2:]
    assert (folder / "news-mine.db").exists()


def test_backups_of_a_clock_that_was_ahead_go_first(database: SqliteStore, tmp_path: Path) -> None:
    folder, now, day = tmp_path / "backup", 1_700_000_000.0, 86_400
    for at in (now, now + 400 * day, now + 500 * day):
        backup.scheduled(database.path, folder, 3, at)
    made = [backup.scheduled(database.path, folder, 3, now + days * day) for days in (1, 2, 3)]
    assert backup.kept(database.path, folder) == made


def test_a_failed_backup_leaves_the_old_one_and_nothing_else(database: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "there" / "copy.db"
    backup.backup(database.path, target)
    before = target.read_bytes()
    with pytest.raises(StoreError, match="no database"):
        backup.backup(tmp_path / "none.db", target)
    with pytest.raises(StoreError, match="itself"):
        backup.backup(database.path, database.path)
    assert target.read_bytes() == before
    assert [file.name for file in target.parent.iterdir()] == ["copy.db"]


def test_restoring_puts_the_backup_in_place_and_the_old_one_aside(tmp_path: Path) -> None:
    path, copy = tmp_path / "news.db", tmp_path / "copy.db"
    store = SqliteStore(path)
    add(store, "a")
    backup.backup(path, copy)
    add(store, "b")
    store.close()
    aside = backup.restore(copy, path, 1_700_000_000.0)
    assert items(path) == 1
    assert aside == tmp_path / "news.db.before-restore-20231114T221320Z"
    assert items(aside) == 2
    assert items(copy) == 1


def test_the_log_of_the_old_database_is_not_applied_to_the_restored_one(tmp_path: Path) -> None:
    """A killed daemon leaves a WAL; what is in it belongs to the file that was there."""
    path, copy = tmp_path / "news.db", tmp_path / "copy.db"
    store = SqliteStore(path)
    add(store, "a")
    backup.backup(path, copy)
    add(store, "b", "c")
    files = {file: file.read_bytes() for file in tmp_path.glob("news.db*")}
    store.close()
    for file, data in files.items():
        file.write_bytes(data)
    assert (tmp_path / "news.db-wal").stat().st_size > 0
    aside = backup.restore(copy, path, 0.0)
    assert items(path) == 1
    assert aside is not None and items(aside) == 3


def test_restoring_where_nothing_was(database: SqliteStore, tmp_path: Path) -> None:
    add(database, "a")
    backup.backup(database.path, tmp_path / "copy.db")
    assert backup.restore(tmp_path / "copy.db", tmp_path / "new.db", 0.0) is None
    assert items(tmp_path / "new.db") == 1


def _text(path: Path) -> None:
    path.write_text("this is no database")


def _foreign(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE notes (text)").connection.close()


def _newer(path: Path) -> None:
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def _torn(path: Path) -> None:
    store = SqliteStore(path)
    add(store, *(f"g{number}" for number in range(200)))
    store.close()
    data = bytearray(path.read_bytes())
    for page in range(8, len(data) // 4096, 3):
        data[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "words"), [(_text, "is no database"), (_foreign, "another program"), (_newer, "newer release"), (_torn, "damaged")]
)
def test_what_is_no_sound_backup_is_refused_and_changes_nothing(
    database: SqliteStore, tmp_path: Path, make: object, words: str
) -> None:
    assert callable(make)
    add(database, "a")
    database.close()
    before = database.path.read_bytes()
    make(tmp_path / "bad.db")
    with pytest.raises(StoreError, match=words):
        backup.restore(tmp_path / "bad.db", database.path, 0.0)
    assert database.path.read_bytes() == before


def test_a_missing_backup_is_told(database: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no file"):
        backup.restore(tmp_path / "none.db", database.path, 0.0)
