"""What goes wrong with files and disks: told in words that help, and nothing lost or half-written."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.model import Slug
from aggregator.ports import Store, StoryFilter
from aggregator.store import connect, schema
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, item

CHILD = """
import sys
from pathlib import Path
from aggregator.model import Slug
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import JOINED, NEW, item

store = SqliteStore(Path(sys.argv[1]))
batch = int(store.value("batch") or 0)
while True:
    batch += 1
    with store.begin() as transaction:
        for number in range(20):
            _, story = transaction.add_item(item(f"{batch}-{number}", at=1000.0 + batch), None, NEW)
            transaction.add_item(item(f"{batch}-{number}", at=1000.0 + batch, source="beta"), story, JOINED)
            transaction.enter(Slug("all"), [story], 1.0)
            transaction.mark_published([story])
        transaction.set_value("batch", str(batch))
    print(batch, flush=True)
"""


def kill_in_the_middle(path: Path, seconds: float) -> int:
    """Runs the writer, kills it after so long, and returns the last batch that it said was stored."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(seconds)  # it is the other process's work that must be interrupted
    child.send_signal(signal.SIGKILL)
    said = [first, *child.stdout.read().split("\n")]
    child.wait()
    return max(int(line) for line in said if line.strip())


def test_kill_9_at_any_moment_leaves_whole_transactions(tmp_path: Path, long: bool) -> None:
    path = tmp_path / "news.db"
    rng = random.Random(20230615)
    ids: dict[str, str] = {}
    for _ in range(200 if long else 6):
        said = kill_in_the_middle(path, rng.uniform(0.0, 0.05))
        store = SqliteStore(path)
        store.check(full=True)
        stored = int(store.value("batch") or 0)
        assert stored in (said, said + 1), "what was committed is there"
        assert store.counts()["items"] == 40 * stored
        assert store.counts()["stories"] == 20 * stored
        assert [member.seq for member in store.members(Slug("all"))] == list(range(20 * stored, 0, -1))
        newest = {story.items[0].guid: story.id for story in store.find(StoryFilter(), limit=2000)}
        assert all(newest[guid] == id for guid, id in ids.items() if guid in newest)
        ids = newest
        store.close()


def test_two_processes_write_in_turns(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    store = SqliteStore(path)
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    assert child.stdout is not None
    child.stdout.readline()
    number = 0
    while number < 8 or int(store.value("batch") or 0) < 3:
        number += 1
        with store.begin() as transaction:
            transaction.add_item(item(f"own {number}"), None, NEW)
            assert transaction.index.total >= 0
    child.kill()
    child.communicate()
    assert store.counts()["items"] == number + 40 * int(store.value("batch") or 0)
    store.check(full=True)
    store.close()


def test_a_full_disk_is_told_and_loses_nothing(database: SqliteStore) -> None:
    with database.begin() as transaction:
        transaction.add_item(item("kept"), None, NEW)
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreError, match="no space left"), database.begin() as transaction:
        for number in range(500):
            transaction.add_item(item(f"g{number}"), None, NEW)
    assert database.counts()["items"] == 1
    database._writer.execute("PRAGMA max_page_count = 1000000")
    with database.begin() as transaction:
        transaction.add_item(item("again"), None, NEW)
    assert database.counts()["items"] == 2
    database.check(full=True)


def _readonly(path: Path) -> None:
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("CREATE TABLE x (y)")


def _locked(path: Path) -> None:
    first, second = sqlite3.connect(path, isolation_level=None), sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        first.execute("BEGIN IMMEDIATE")
        second.execute("BEGIN IMMEDIATE")
    finally:
        first.close()
        second.close()


def _nowhere(path: Path) -> None:
    sqlite3.connect(path.parent / "none" / "news.db").execute("SELECT 1")


def _no_database(path: Path) -> None:
    (path.parent / "text.db").write_text("no database, but long enough to be taken for one" * 10)
    sqlite3.connect(path.parent / "text.db").execute("SELECT * FROM items")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (_readonly, "can't be written"),
        (_locked, "held by another program"),
        (_nowhere, "can't be opened"),
        (_no_database, "restore FILE"),
    ],
)
def test_what_sqlite_says_is_put_into_words_that_help(database: SqliteStore, fault: Callable[[Path], None], words: str) -> None:
    with pytest.raises(StoreError, match=words), connect.explained(database.path):
        fault(database.path)


def test_a_damaged_database_is_found_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    store = SqliteStore(path)
    with store.begin() as transaction:
        for number in range(300):
            transaction.add_item(item(f"g{number}"), None, NEW)
    store.close()
    data = bytearray(path.read_bytes())
    for page in range(40, len(data) // 4096, 2):
        data[page * 4096 : page * 4096 + 256] = os.urandom(256)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="restore FILE"):
        store = SqliteStore(path)
        try:
            store.check()
        finally:
            store.close()
    assert path.read_bytes()[4096:] == bytes(data)[4096:]


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(path)
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("notes",)]
    assert len(path.read_bytes()) == len(before)


def test_a_newer_schema_is_refused_with_the_way_back(database: SqliteStore) -> None:
    database._writer.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="newer release"):
        SqliteStore(database.path)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        SqliteStore(tmp_path / "file" / "news.db")


def test_a_transaction_inside_another_one_is_an_error_and_no_deadlock(store: Store) -> None:
    with store.begin() as transaction:
        transaction.set_value("a", "1")
        with pytest.raises(StoreError, match="inside another"), store.begin():
            pass
    assert store.value("a") == "1"


def test_readers_see_committed_state_while_a_writer_works(store: Store) -> None:
    with store.begin() as transaction:
        transaction.add_item(item("a"), None, NEW)
        seen: list[int] = []
        reader = threading.Thread(target=lambda: seen.append(store.counts()["items"]))
        reader.start()
        reader.join()
        assert seen == [0]
    assert store.counts()["items"] == 1


def test_many_threads_read_and_write_without_error(database: SqliteStore) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(25):
                with database.begin() as transaction:
                    _, story = transaction.add_item(item(f"{name}{number}"), None, NEW)
                assert database.story(story) is not None
                assert len(list(database.find(StoryFilter(), limit=5))) > 0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert database.counts()["items"] == 100


def test_a_stream_of_stories_is_one_state_of_the_database(store: Store) -> None:
    with store.begin() as transaction:
        for number in range(50):
            transaction.add_item(item(f"g{number}"), None, NEW)
    stream = store.find(StoryFilter())
    next(stream)
    with store.begin() as transaction:
        transaction.add_item(item("later"), None, NEW)
    assert sum(1 for _ in stream) == 49
    assert store.counts()["items"] == 51


def test_a_promise_reaches_the_disk_before_anyone_sees_it(database: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}")))
    with database.begin() as transaction:
        _, story = transaction.add_item(item("a"), None, NEW)
    assert synced == []
    for _ in range(2):
        with database.begin() as transaction:
            transaction.mark_published([story])
    assert synced == [f"{database.path}-wal"], "once: nothing new is promised by the second"
