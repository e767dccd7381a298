"""Copies between both databases: every kind of row, what is noticed, and what is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from aggregator.cli import root
from aggregator.config.load import load
from aggregator.errors import StoreError
from aggregator.model import SourceId
from aggregator.ports import Override, Phrase, Reject, StoryFilter, Traces
from aggregator.publish.archive import pack
from aggregator.publish.rehearsal import differences, render_all
from aggregator.publish.rendering import Rendered
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


def test_tables_of_litestream_are_left_behind(filled: Path, address: str, remote: PostgresStore) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        connection.execute("CREATE TABLE _litestream_lock (id INTEGER)")
        connection.execute("INSERT INTO _litestream_seq VALUES (1, 7)")
    assert there(filled, address)["items"].rows > 0


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


ITEM = b'{"id": "urn:calm", "url": "https://alpha.example/calm", "title": "Calm", "content_html": "Calm"}'

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


@pytest.fixture
def published(filled: Path, settings: Settings) -> Path:
    """The same database with two feeds of that config, one with a token, and an archive page."""
    with closing(sqlite3.connect(filled)) as connection, connection:
        for slug in ("storms", "desk"):
            connection.execute("INSERT INTO outputs (slug, filling, last_seq) VALUES (?, 0, 100)", (slug,))
            connection.execute("INSERT INTO members SELECT ?, seq, story, entered, NULL FROM members WHERE slug = 'all'", (slug,))
        [story] = connection.execute("SELECT id FROM stories WHERE key = 1").fetchone()
        archived = [Rendered(story, 1, 2000, 2100.0, b"<entry><title>Calm</title></entry>", b"<item/>", ITEM)]
        connection.execute("INSERT INTO pages VALUES ('storms', 1, 2200.0, 2100.0, ?, ?)", (f'["{story}"]', pack(archived)))
        connection.execute("UPDATE pages SET body = ? WHERE slug = 'all'", (pack([]),))
    return filled


def test_documents_are_rendered_without_writing_and_a_difference_is_noticed(
    published: Path, address: str, remote: PostgresStore, tmp_path: Path, settings: Settings
) -> None:
    held = contents(published)
    there(published, address)
    with closing(SqliteStore(published)) as store:
        ours = render_all(settings, store, 5000.0)
    theirs = render_all(settings, remote, 5000.0)
    assert {
        "/feeds/storms.atom",
        "/feeds/desk.atom",
        "private file feeds/desk.json",
        "public file topics/storms.html",
        "public file feeds/storms/1.atom",
    } <= ours.keys()
    assert differences(ours, theirs) == []
    assert contents(published) == held
    assert not (tmp_path / "public").exists() and not (tmp_path / "private").exists()
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE items SET title = 'Storm: another headline' WHERE id = 5")
        connection.execute("UPDATE pages SET body = %s WHERE slug = 'storms'", (pack([]),))
    changed = differences(ours, render_all(settings, remote, 5000.0))
    assert {"/feeds/storms.atom", "/feeds/storms.json", "private file feeds/desk.atom", "public file feeds/storms/1.atom"} <= set(
        changed
    )


def run(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(root, ["-c", str(tmp_path / "feeds.yaml"), "migrate", *arguments])


def test_a_document_that_differs_is_noticed_and_the_copy_stays_unusable(
    published: Path, address: str, remote: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "shown", lambda *_: [])
        done = run(tmp_path, str(published), address)
    assert isinstance(done.exception, StoreError) and "/feeds/all.atom" in str(done.exception)
    assert "guessed" not in str(done.exception) + done.output
    with pytest.raises(StoreError, match=r"an unfinished copy of the database .*first\.db"):
        open_store(address)
    done = run(tmp_path, str(published), address)
    assert done.exit_code == 0 and "guessed" not in done.output
    open_store(address).close()


def test_a_password_is_filled_in_and_shown_nowhere(
    published: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter22")
    named = address.replace("guessed", "${DATABASE_PASSWORD}")
    done = run(tmp_path, str(published), named)
    assert done.exit_code == 0, done.exception
    assert f"storage: {{database: {named!r}}}" in done.output
    refused = run(tmp_path, str(published), "postgresql://news:hunter22@127.0.0.1:1/news")
    assert "does not answer" in str(refused.exception)
    assert "hunter22" not in done.output + refused.output + str(refused.exception)


def test_a_server_that_ends_idle_transactions_does_not_end_a_copy(published: Path, address: str, tmp_path: Path) -> None:
    assert run(tmp_path, str(published), address).exit_code == 0
    done = run(tmp_path, f"{address}%20-cidle_in_transaction_session_timeout%3D20", str(tmp_path / "back.db"))
    assert done.exit_code == 0, done.exception


def test_own_backups_are_told_to_be_the_servers_task(published: Path, address: str, tmp_path: Path) -> None:
    config = tmp_path / "feeds.yaml"
    config.write_text(config.read_text() + "storage: {database: first.db, backup: {every: 1d}}\n")
    assert "`backup:` out" in run(tmp_path, str(published), address).output
