"""The database deleted or replaced under a daemon: it is noticed within a tick, and nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.errors import DatabaseLostError, StoreError
from aggregator.store.sqlite import SqliteStore
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk
from tests.unit.store.builders import NEW, item


def delete(*parts: str) -> Callable[[Path], None]:
    def work(database: Path) -> None:
        for part in parts:
            Path(f"{database}{part}").unlink()

    return work


def delete_folder(database: Path) -> None:
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    removed = (database.parent / "public").rename(database.parent / "removed")  # at once: the daemon may be writing there
    shutil.rmtree(removed)


def move_away(database: Path) -> None:
    database.rename(database.parent.parent / "moved.db")


def other_log(database: Path) -> None:
    fresh = database.with_name("fresh")
    fresh.write_bytes(b"\0" * 4096)
    fresh.replace(f"{database}-wal")


LOSSES = {
    "the file": delete(""),
    "the file and its log": delete("", "-wal"),
    "everything": delete("", "-wal", "-shm"),
    "the folder's content": delete_folder,
    "moved away": move_away,
    "the log": delete("-wal"),
    "the index of the log": delete("-shm"),
    "log and index": delete("-wal", "-shm"),
    "another log": other_log,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_deleted_comes_back_with_everything_in_it(desk: Newsdesk, loss: str) -> None:
    database = desk.directory / "data/aggregator.db"
    with desk.command.daemon(desk.port) as process:
        eventually(lambda: b"<entry" in _all(desk), process, desk.directory / "log")
        eventually(lambda: len(_stories(desk)) > 20, process, desk.directory / "log")
        before = _stories(desk)
        began = time.monotonic()
        LOSSES[loss](database)
        assert process.wait(20) == 1
        took = time.monotonic() - began
    told = (desk.directory / "log").read_text()
    assert "while it was in use" in told and "database_lost" in told
    assert "Traceback" not in told, told[-3000:]
    assert took < 15
    assert before <= _stories(desk)
    _sound(database)
    assert "fine" in desk.command.run("check")
    desk.command.run("poll", "--all")
    assert before <= _stories(desk)


def test_what_replaces_it_is_left_alone_and_what_was_open_is_kept_beside(desk: Newsdesk) -> None:
    database = desk.directory / "data/aggregator.db"
    desk.command.run("poll")
    desk.command.run("backup", str(desk.directory / "older.db"))
    desk.origin.advance(time.time())
    with desk.command.daemon(desk.port) as process:
        older = len(_stories(desk))
        desk.command.run("poll", "--all")
        eventually(lambda: len(_stories(desk)) > older, process, desk.directory / "log")
        before = _stories(desk)
        (desk.directory / "older.db").replace(database)
        assert process.wait(20) == 1
    (kept,) = database.parent.glob("aggregator.db.lost-*")
    assert kept.stat().st_mode & 0o077 == 0
    _sound(kept)
    _sound(database)
    assert len(_stories(desk)) == older
    desk.command.run("restore", str(kept))
    assert _stories(desk) == before


def _all(desk: Newsdesk) -> bytes:
    return get(f"http://127.0.0.1:{desk.port}/feeds/all.atom").body


def _stories(desk: Newsdesk) -> set[str]:
    return {row["id"] for row in desk.command.rows("stories")}


def _sound(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_nothing_is_written_to_a_file_that_is_gone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "news.db")
    store.path.unlink()
    with pytest.raises(StoreError, match="deleted"), store.begin():
        raise AssertionError("a transaction was begun")
    store.close()


def test_a_poll_without_a_daemon_saves_it_too(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "news.db")
    with pytest.raises(DatabaseLostError, match="put back"), store.lock():
        with store.begin() as transaction:
            transaction.add_item(item("a"), None, NEW)
        store.path.unlink()
    store.close()
    again = SqliteStore(tmp_path / "news.db")
    assert again.counts()["items"] == 1
    again.close()


def test_what_cannot_be_saved_stays_open_and_is_saved_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data/news.db")
    with store.begin() as transaction:
        transaction.add_item(item("a"), None, NEW)
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").write_text("a file where the folder was")
    with pytest.raises(StoreError, match="can't be saved") as refused:
        store.rescue(0.0)
    assert not isinstance(refused.value, DatabaseLostError)
    assert store.displaced()
    (tmp_path / "data").unlink()
    with pytest.raises(DatabaseLostError):
        store.rescue(0.0)
    store.close()
    again = SqliteStore(tmp_path / "data/news.db")
    assert again.counts()["items"] == 1
    again.close()
