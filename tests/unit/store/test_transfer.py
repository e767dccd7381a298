"""Copies between both databases: every kind of row, what is noticed, and what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from aggregator.config.load import load
from aggregator.errors import StoreError
from aggregator.model import SourceId
from aggregator.ports import Override, Phrase, Reject, StoryFilter, Traces
from aggregator.publish.rehearsal import differences, render_all
from aggregator.settings import Settings
from aggregator.store.marks import Mark, mark_migrated, refuse_unfinished
from aggregator.store.opening import open_read_only, open_store
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.postgres.transfer import PostgresEnd
from aggregator.store.sqlite import SqliteStore
from aggregator.store.transfer.copying import claim, compare_all, copy_all
from aggregator.store.transfer.sqlite_end import SqliteEnd
from aggregator.store.transfer.tables import Source, Sum, Target, known_tables
from aggregator.tag.check import check
from tests import postgres
from tests.unit.store.builders import NEW, item
from tests.unit.store.contents import contents
from tests.unit.store.samples.__main__ import fill

FIRST = Mark("the first", 1.0)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return postgres.server().of_folder(tmp_path)


@pytest.fixture
def remote(address: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(address)
    yield opened
    opened.close()


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A database with a row of each kind, all values at their edges."""
    path = tmp_path / "first.db"
    with closing(SqliteStore(path)) as store:
        fill(store)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO enrichments VALUES ('s', 'hook', 'i', NULL, 2, 1.5, NULL, '{\"a\": 1}', 1, 'no')")
        connection.execute("INSERT INTO remembered VALUES (7, 's', NULL, 'g', NULL, x'00ff', NULL, 1e300, x'', 1, 0, 1, 0, 2.5)")
        connection.execute(
            "INSERT INTO deliveries VALUES ('webhook', 't', 'https://x.example', '', 'v', 1.0, 2.0, 0, 'line\none')"
        )
        connection.execute("INSERT INTO poll_requests VALUES (9, 'k', NULL, 1, 0, NULL)")
        connection.execute("INSERT INTO reached VALUES (5, 'all', 's', 's', 0.1)")
        connection.execute("INSERT INTO threads VALUES (3, 't', NULL, 's', 's', 2, 2, 1.0, 2.0, x'0102')")
        connection.execute("INSERT INTO links VALUES (1, 2, 0.30000000000000004, 1.0)")
        connection.execute("INSERT INTO group_terms VALUES (-9223372036854775808, 1.5, 2.5, x'01')")
        connection.execute("INSERT INTO group_state VALUES ('total', 6.0), ('unit', 1.0)")
        connection.execute("INSERT INTO key_values VALUES ('élan \U0001f600', 'null'), ('empty', NULL)")
        connection.execute("""UPDATE items SET details = '{ "comments" :"https://a.example/ærø"}', old = 2 WHERE id = 1""")
    return path


def copied(source: Source, target: Target) -> dict[str, Sum]:
    """Copies and compares. Closes both."""
    with closing(source), closing(target):
        tables = known_tables(source, target)
        told = copy_all(source, target, tables, lambda _line: None)
        compare_all(target, tables, told, lambda _line: None)
    return told


def there(path: Path, address: str) -> dict[str, Sum]:
    return copied(SqliteEnd(path, writes=False), PostgresEnd(address, writes=True))


def back(address: str, path: Path) -> dict[str, Sum]:
    SqliteStore(path).close()
    return copied(PostgresEnd(address, writes=False), SqliteEnd(path, writes=True))


def test_every_kind_of_row_there_and_back(filled: Path, address: str, remote: PostgresStore, tmp_path: Path) -> None:
    held = contents(filled)
    assert not [table for table, rows in held.items() if not rows], "a row of each kind"
    told = there(filled, address)
    again = back(address, tmp_path / "back.db")
    assert told == again
    assert contents(tmp_path / "back.db") == held == contents(filled)


def test_the_copy_goes_on_where_the_first_one_ended(filled: Path, address: str, remote: PostgresStore) -> None:
    there(filled, address)
    with remote.begin() as transaction:
        added, _ = transaction.add_item(item("g99"), None, NEW)
        decision = transaction.add_decision("drop", 6.0, Traces(entries=("alpha.example/8",)))
        transaction.add_override(Override("drop", "alpha.example/8", None, 6.0, decision))
        transaction.add_rejects([Reject(SourceId("alpha"), "y", None, "Advertisement", "drop title:advertisement", 5.0)])
    assert added.id == 8
    assert len(remote.decisions()) == 2
    assert len(list(remote.find(StoryFilter(Phrase(("storm",)))))) == 6


def test_a_second_run_replaces_what_the_first_one_left(filled: Path, address: str, remote: PostgresStore, tmp_path: Path) -> None:
    there(filled, address)
    assert there(filled, address) == back(address, tmp_path / "back.db") == back(address, tmp_path / "back.db")
    assert contents(tmp_path / "back.db") == contents(filled)


@pytest.mark.parametrize(
    ("change", "table"),
    (
        ("UPDATE stories SET tags = tags || ' ' WHERE key = 4", r"stories \(a value of some row\)"),
        ("UPDATE items SET published = published + 0.0001 WHERE id = 2", r"items \(a value of some row\)"),
        ("DELETE FROM rejects", r"rejects \(1 rows, there 0\)"),
        ("INSERT INTO holds VALUES ('b.example', 1.0, NULL)", r"holds \(1 rows, there 2\)"),
    ),
)
def test_a_difference_is_noticed(filled: Path, address: str, remote: PostgresStore, change: str, table: str) -> None:
    told = there(filled, address)
    with psycopg.connect(address) as connection:
        connection.execute(change.encode())
    with (
        closing(SqliteEnd(filled, writes=False)) as source,
        closing(PostgresEnd(address, writes=True)) as target,
        pytest.raises(StoreError, match=f"differs: {table}$"),
    ):
        compare_all(target, source.tables, told, lambda _line: None)


def test_what_postgres_can_not_hold_is_told_and_nothing_is_stored(filled: Path, address: str, remote: PostgresStore) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE items SET title = 'a' || char(0) || 'b' WHERE id = 2")
    with pytest.raises(StoreError, match=r"can't hold a row.*items"):
        there(filled, address)
    assert remote.counts()["items"] == 0


def test_data_and_copies_of_others_are_not_touched(filled: Path, address: str, remote: PostgresStore, tmp_path: Path) -> None:
    with closing(SqliteEnd(filled, writes=False)) as source, closing(PostgresEnd(address, writes=True)) as target:
        claim(remote, target, source.tables, FIRST)
        claim(remote, target, source.tables, replace(FIRST, at=2.0))
        with pytest.raises(StoreError, match="an unfinished copy of the first"):
            claim(remote, target, source.tables, Mark("another", 3.0))
        with remote.begin() as transaction:
            transaction.set_value("mine", "1")
        mark_migrated(remote, FIRST)
        with pytest.raises(StoreError, match=r"holds data \(key_values\)"):
            claim(remote, target, source.tables, FIRST)
    assert remote.value("mine") == "1"


def test_an_unfinished_copy_is_opened_by_nobody(filled: Path, address: str, remote: PostgresStore, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    with closing(SqliteStore(path)) as store, closing(SqliteEnd(path, writes=True)) as target:
        claim(store, target, target.tables, FIRST)
        claim(remote, target, target.tables, FIRST)
    for database in (str(path), address):
        for opens in (open_store, open_read_only):
            with pytest.raises(StoreError, match="an unfinished copy of the first") as caught:
                opens(database)
            assert "guessed" not in str(caught.value)
    mark_migrated(remote, FIRST)
    with closing(open_store(address)) as store:
        refuse_unfinished(store, address)


CONFIG = """
site: {title: News, url: "https://news.example"}
publish: {directory: public, private: private}
topics: [{slug: storms, title: Storms, query: storm}]
outputs: [{slug: desk, query: "storm", access: {token: sesame-street}}]
sources: [{id: alpha, url: "https://alpha.example/feed"}, {id: beta, url: "https://beta.example/feed"}]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "feeds.yaml").write_text(CONFIG)
    return load(tmp_path / "feeds.yaml", check, {})


def test_documents_are_rendered_without_writing_and_a_difference_is_noticed(
    filled: Path, address: str, remote: PostgresStore, tmp_path: Path, settings: Settings
) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("DELETE FROM pages")  # of no format that can be read
        for slug in ("storms", "desk"):
            connection.execute("INSERT INTO outputs (slug, filling, last_seq) VALUES (?, 0, 100)", (slug,))
            connection.execute("INSERT INTO members SELECT ?, seq, story, entered, NULL FROM members WHERE slug = 'all'", (slug,))
    held = contents(filled)
    there(filled, address)
    with closing(SqliteStore(filled)) as store:
        ours = render_all(settings, store, 5000.0)
    theirs = render_all(settings, remote, 5000.0)
    assert {
        "/feeds/storms.atom",
        "/feeds/desk.atom",
        "private file feeds/desk.json",
        "public file topics/storms.html",
    } <= ours.keys()
    assert differences(ours, theirs) == []
    assert contents(filled) == held
    assert not (tmp_path / "public").exists() and not (tmp_path / "private").exists()
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE items SET title = 'Storm: another headline' WHERE id = 5")
    changed = differences(ours, render_all(settings, remote, 5000.0))
    assert {"/feeds/storms.atom", "/feeds/storms.json", "private file feeds/desk.atom"} <= set(changed)
