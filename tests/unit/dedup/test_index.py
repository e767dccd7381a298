"""The story index: what it remembers survives restarts, never a transaction that failed, and goes when it is too old."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.model import ItemId, SourceId, StoryId
from aggregator.ports import MINUTE_BITS, IndexedItem
from aggregator.store import index as limits
from aggregator.store import index_terms
from aggregator.store.index import SqlStoryIndex
from aggregator.store.index_schema import create
from aggregator.store.sqlite import SqliteStore

DAY = 86_400.0
ADDRESS = 1 << 62


def row(number: int, story: str = "", at: float = 60_000.0) -> IndexedItem:
    return IndexedItem(ItemId(number), StoryId(story or f"s{number}"), SourceId("a"), "a.example", at, at, b"sig")


class Database:
    """A file and connections to it, as the store opens them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = self.connect()
        create(self.connection)
        self.index = SqlStoryIndex(self.connection)

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None)

    def change(self, work: Callable[[SqlStoryIndex], object], *, fails: bool = False) -> None:
        """One transaction of the store."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.index.begin()
        work(self.index)
        if fails:
            self.index.rolled_back()
            self.connection.execute("ROLLBACK")
        else:
            self.index.commit()
            self.connection.execute("COMMIT")

    def restart(self) -> None:
        """As after a kill: nothing is said to the index."""
        self.connection.close()
        self.connection = self.connect()
        self.index = SqlStoryIndex(self.connection)

    def seen(self, *keys: int) -> list[tuple[float, list[int]]]:
        """(frequency, ids) of each key, as the next transaction sees them."""
        found: list[tuple[float, list[int]]] = []

        def look(index: SqlStoryIndex) -> None:
            for frequency, postings in zip(index.frequencies(keys), index.postings(keys), strict=True):
                found.append((frequency / index.unit, [posting >> MINUTE_BITS for posting in postings]))

        self.change(look)
        return found


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "index.db")
    yield opened
    opened.connection.close()


def test_terms_count_and_lead_to_items(database: Database) -> None:
    database.change(lambda index: index.add(row(1), (5, 6), (6, ADDRESS)))
    database.change(lambda index: index.add(row(2), (6,), (6,)))
    assert database.seen(5, 6, ADDRESS, 99) == [(1.0, []), (2.0, [1, 2]), (0.0, [1]), (0.0, [])]


def test_a_kill_loses_nothing_that_was_committed(database: Database) -> None:
    for number in range(1, 8):
        database.change(lambda index, number=number: index.add(row(number), (5,), (5,)))
    database.restart()
    assert database.seen(5) == [(7.0, [1, 2, 3, 4, 5, 6, 7])]
    database.change(lambda index: index.write_terms())
    database.restart()
    assert database.seen(5) == [(7.0, [1, 2, 3, 4, 5, 6, 7])]
    assert database.connection.execute("SELECT count(*) FROM group_log").fetchone() == (0,)


def test_a_transaction_that_failed_leaves_no_trace(database: Database) -> None:
    database.change(lambda index: index.add(row(1), (5,), (5,)))
    database.change(lambda index: index.add(row(2), (5,), (5,)), fails=True)
    assert database.seen(5) == [(1.0, [1])]
    database.change(lambda index: index.items([1, 2]))
    assert list(database.index.items([1, 2])) == [1]


def test_what_another_connection_wrote_is_seen(database: Database) -> None:
    database.change(lambda index: index.add(row(1), (5,), (5,)))
    other = Database(database.path)
    other.change(lambda index: index.add(row(2), (5,), (5,)))
    other.connection.close()
    assert database.seen(5) == [(2.0, [1, 2])]


def test_terms_are_written_when_enough_has_come_together(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGGED", 3)
    for number in range(1, 6):
        database.change(lambda index, number=number: index.add(row(number), (5,), (5,)))
    assert database.connection.execute("SELECT frequency FROM group_terms WHERE term = 5").fetchone() == (3.0,)
    database.restart()
    assert database.seen(5) == [(5.0, [1, 2, 3, 4, 5])]


def test_a_common_word_leads_to_its_newest_items_alone(database: Database) -> None:
    for number in range(1, index_terms.POSTINGS + 4):
        database.change(lambda index, number=number: index.add(row(number), (5,), (5,)))
    ((frequency, ids),) = database.seen(5)
    assert frequency == index_terms.POSTINGS + 3
    assert ids == list(range(4, index_terms.POSTINGS + 4))


def test_words_of_long_ago_count_less_and_less(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "AGEING", 10)
    for number in range(1, 11):
        database.change(lambda index, number=number: index.add(row(number), (5,), ()))
    for number in range(11, 31):
        database.change(lambda index, number=number: index.add(row(number), (6,), ()))
    (old, _), (new, _) = database.seen(5, 6)
    assert old < new / 4


def test_stories_and_their_items(database: Database) -> None:
    for number, story in enumerate(("a", "a", "b", "b"), 1):
        database.change(lambda index, number=number, story=story: index.add(row(number, story), (), ()))
    database.restart()
    database.change(lambda index: index.merge(StoryId("b"), StoryId("a")))
    assert database.index.members(StoryId("b")) == (1, 2, 3, 4)
    assert database.index.members(StoryId("a")) == ()
    database.change(lambda index: index.move(ItemId(3), StoryId("c")))
    assert database.index.members(StoryId("b")) == (1, 2, 4)
    database.change(lambda index: index.forget([ItemId(1)]))
    assert database.index.members(StoryId("b")) == (2, 4)
    assert 1 not in database.index.items([1])
    database.restart()
    database.change(lambda index: index.members(StoryId("b")))
    assert database.index.members(StoryId("b")) == (2, 4)
    assert database.index.items([3])[3].story == "c"


def test_a_story_that_opens_in_a_transaction_has_its_items(database: Database) -> None:
    def both(index: SqlStoryIndex) -> None:
        index.add(row(1, "a"), (), (), opens=True)
        index.add(row(2, "a"), (), ())
        assert index.members(StoryId("a")) == (1, 2)

    database.change(both)
    database.restart()
    database.change(lambda index: index.members(StoryId("a")))
    assert database.index.members(StoryId("a")) == (1, 2)


def test_what_is_too_old_goes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLICES", 1)
    database.change(lambda index: index.add(row(1, at=DAY), (5,), (5, ADDRESS)))
    database.change(lambda index: index.add(row(2, at=40 * DAY), (6,), (6,)))
    database.change(lambda index: index.write_terms())
    database.restart()
    assert database.seen(5, 6, ADDRESS) == [(0.0, []), (1.0, [2]), (0.0, [])]
    assert list(database.index.items([1, 2])) == [2]


def test_all_keys_are_swept_in_turn(database: Database) -> None:
    keys = [3, (1 << 32) - 1, ADDRESS, (1 << 63) - 1]
    database.change(lambda index: index.add(row(1, at=DAY), keys, keys))
    for turn in range(limits.SLICES + 1):
        database.change(lambda index, turn=turn: index.add(row(2 + turn, at=40 * DAY), (9,), ()))
        database.change(lambda index: index.write_terms())
    database.restart()
    assert database.seen(*keys) == [(0.0, [])] * 4


def test_a_new_signature_and_new_words_outlive_a_restart(database: Database) -> None:
    database.change(lambda index: index.add(row(1), (5,), (5,)))
    changed = row(1)
    changed.signature = b"new"
    database.change(lambda index: index.replace(changed, (5, 7)))
    database.restart()
    assert database.seen(5, 7) == [(1.0, [1]), (0.0, [1])]
    assert database.index.items([1])[1].signature == b"new"


def test_signatures_of_another_version_are_forgotten(database: Database) -> None:
    database.change(lambda index: index.add(row(1), (5,), (5,)))
    database.change(lambda index: index.write_terms())
    database.connection.execute("UPDATE group_state SET value = 0 WHERE name = 'version'")
    database.restart()
    assert database.seen(5) == [(0.0, [])]
    assert not database.index.items([1])


def test_bounds_of_memory_change_nothing_that_is_found(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_terms, "CACHED", 4)
    monkeypatch.setattr(limits, "ITEMS_CACHED", 4)
    monkeypatch.setattr(limits, "LOGGED", 5)
    database.restart()
    for number in range(1, 31):
        database.change(lambda index, number=number: index.add(row(number, f"s{number % 3}"), (number, 100), (number, 100)))
    assert database.seen(*range(1, 31)) == [(1.0, [number]) for number in range(1, 31)]
    assert database.seen(100)[0][0] == 30.0
    assert database.index.members(StoryId("s1")) == tuple(range(1, 31, 3))


@pytest.mark.parametrize(("added", "left"), [(limits.LEFT + 1, 0), (limits.LEFT, limits.LEFT)])
def test_a_holder_of_the_database_leaves_the_next_start_little_to_read_again(tmp_path: Path, added: int, left: int) -> None:
    store = SqliteStore(tmp_path / "news.db")
    with store.lock(), store.begin() as transaction:
        for number in range(1, added + 1):
            transaction.index.add(row(number), (7,), (7,))
    store.close()
    again = SqliteStore(tmp_path / "news.db")
    assert again._writer.execute("SELECT count(*) FROM group_log").fetchone() == (left,)
    with again.begin() as transaction:
        assert transaction.index.frequencies([7]) == [float(added)]
    again.close()
