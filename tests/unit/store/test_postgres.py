"""What is PostgreSQL's own: its tables, its locks, its connections, and its errors."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from aggregator.errors import HeldError, LeadershipLostError, StoreError
from aggregator.model import ItemId
from aggregator.ports import IndexedItem, Phrase, StoryFilter
from aggregator.store import (
    articles,
    decisions,
    enrichments,
    index,
    index_terms,
    items,
    listings,
    moves,
    outgoing,
    outputs,
    reads,
    remembered,
    renames,
    requests,
    retention,
    small_tables,
    states,
    threads,
)
from aggregator.store.postgres import leadership, partitions, schema, writer
from aggregator.store.postgres.connection import configure
from aggregator.store.postgres.dialect import translate
from aggregator.store.postgres.in_bulk import COPIED, TOGETHER
from aggregator.store.postgres.peek import holder, is_made, read_value
from aggregator.store.postgres.read_only import ReadOnlyPostgresStore
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.sqlite import SqliteStore
from tests.flow.command import eventually
from tests.unit.store.builders import NEW, entry, item, source

SQLITES_OWN = {"search_config", "search_content", "search_data", "search_docsize", "search_idx", "sqlite_stat1", "sqlite_stat4"}
SEVERAL_NODES_OWN = {"turn", "shard", "deaths", "died_in"}
"""Columns of sources."""
POSTGRES_OWN = {"aggregator_schema", "leadership", "inbox", "published", "nodes"}


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(address)
    yield opened
    opened.close()


@pytest.fixture
def other(address: str, store: PostgresStore) -> Iterator[PostgresStore]:
    """The same database, opened by another process."""
    opened = PostgresStore(address)
    yield opened
    opened.close()


def cut_connections(address: str) -> None:
    """As a restart of the server does, or a firewall."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'news'"
        )


def end_leader(address: str) -> None:
    """Ends the connection that holds the lock, and no other. Returns once it has ended."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE {writer._IS_HELD}".encode())


def wait_until_held(store: PostgresStore) -> None:
    """Leads for a moment, as soon as nobody else does."""

    def is_led() -> bool:
        try:
            with store.lock():
                return True
        except HeldError:
            return False

    eventually(is_led)


def until_raised(kind: type[Exception], call: Callable[[], object]) -> None:
    def is_raised() -> bool:
        try:
            call()
        except kind:
            return True
        return False

    eventually(is_raised)


def test_both_databases_have_the_same_tables_and_columns(tmp_path: Path, address: str, store: PostgresStore) -> None:
    SqliteStore(tmp_path / "news.db").close()
    ours: dict[str, set[str]] = {}
    with psycopg.connect(address) as connection:
        for table, column in connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        ):
            ours.setdefault(table, set()).add(column)
    with closing(sqlite3.connect(tmp_path / "news.db")) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        theirs = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in tables - SQLITES_OWN
            if not table.startswith("sqlite_")
        }
    assert {"item", "words"} == ours.pop("search"), "its own index of words"
    theirs.pop("search")
    ours["sources"] -= SEVERAL_NODES_OWN
    assert {table: columns for table, columns in ours.items() if table not in POSTGRES_OWN} == theirs


SHARED = (
    *(
        articles,
        decisions,
        enrichments,
        index,
        index_terms,
        items,
        listings,
        moves,
        outgoing,
        outputs,
        reads,
        remembered,
        renames,
    ),
    *(requests, retention, small_tables, states, threads),
)
"""The modules whose queries both databases run."""
A_STATEMENT = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
A_TEMPLATE = re.compile(r"\{\d*\}")
SQLITES_ALONE = {remembered.AT_ADDRESS}
"""Of a restored file."""


def statements() -> dict[str, str]:
    """Every statement of the shared queries, by the name of its constant."""
    found = {}
    for module in SHARED:
        for name, value in vars(module).items():
            texts = value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,)
            for number, text in enumerate(texts):
                if isinstance(text, str) and A_STATEMENT.match(text) and not A_TEMPLATE.search(text):
                    found[f"{module.__name__}.{name}.{number}"] = text
    return found


def test_postgres_understands_every_statement_of_the_shared_queries(address: str, store: PostgresStore) -> None:
    assert len(statements()) > 150
    refused = {}
    with psycopg.connect(address, autocommit=True) as connection:
        for name, statement in statements().items():
            if statement in SQLITES_ALONE or statement in COPIED:
                continue
            together = TOGETHER.get(statement)
            for sql in [together.sql] if together is not None else [one.sql for one in translate(statement)]:
                try:
                    connection.execute(f"PREPARE tried AS {sql}".encode())
                    connection.execute("DEALLOCATE tried")
                except psycopg.Error as error:
                    refused[name] = f"{error}: {sql}"
    assert refused == {}


ASKED_BY_POLLS = (
    *(reads.KNOWN, reads.STORIES, reads.ITEMS_OF_STORIES, reads.ALIVE, reads.VERSIONS, reads.DOCUMENT, reads.VALUE),
    *(outputs.MEMBERS_OF, outputs.PUBLISHED, outputs._TO_ENTER, outputs.LEAVE, threads.THREADS_OF, listings.SAVE),
    *(states.SOME_STATES, states.DUE, states._SAVE, items.UPDATE_STORY, items.GROW_STORY, listings.UNLIST),
)


@pytest.mark.parametrize("statement", ASKED_BY_POLLS)
def test_a_plan_made_while_tables_are_small_is_led_by_indexes(address: str, store: PostgresStore, statement: str) -> None:
    """It is kept while they grow."""
    store.sync_sources([source()], 1.0)
    with store.begin() as transaction:
        transaction.add_item(item("one"), None, NEW)
    together = TOGETHER.get(statement)
    sql = together.sql if together is not None else translate(statement)[0].sql
    with psycopg.connect(address, autocommit=True) as connection:
        configure(connection)
        connection.execute("ANALYZE; SET plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE tried AS {sql}".encode())
        given = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", sql)))
        plan = connection.execute(f"EXPLAIN EXECUTE tried ({given})".encode()).fetchall()
    assert not [line for (line,) in plan if "Seq Scan" in line]


def test_rows_of_one_key_count_as_if_they_came_one_after_the_other(store: PostgresStore) -> None:
    with store.begin():
        rows = [(7, 1.0, 2.0, b"first", b""), (8, 1.0, 2.0, b"", b""), (7, 1.0, 2.0, b"last", b"")]
        store._writing.executemany(index._ADD_LOG, rows)
        found = store._writing.execute("SELECT id, counted FROM group_log ORDER BY id").fetchall()
    assert found == [(7, b"last"), (8, b"")]


def test_words_are_what_the_server_would_read(address: str, store: PostgresStore) -> None:
    long = "x" * 300
    told = entry("one", title="Storm over Łódź", text=f"storm storm fog, 'fog' a\\b Ağaç {long}1 {long}2", authors=("Ann Fog",))
    store.sync_sources([source()], 1.0)
    with store.begin() as transaction:
        transaction.add_item(item("one", entry=told), None, NEW)
    with psycopg.connect(address) as connection:
        [(words, is_whole)] = connection.execute("SELECT words, words::text = words::text::tsvector::text FROM search").fetchall()
    assert is_whole, "sorted, and each word once"
    assert sorted(str(words).split()) == sorted(
        ["'a'", "'agac'", "'ann'", "'b'", "'fog':2,3,4", "'lodz':1A", "'over':1A", "'storm':1A,2,3", f"'{'x' * 200}':2,3"]
    )


def test_one_daemon_or_poll_at_a_time(address: str, store: PostgresStore, other: PostgresStore) -> None:
    with store.lock(), pytest.raises(HeldError, match=rf"in use by process {os.getpid()}\b"), other.lock():
        pass
    with store.lock():
        assert (holder(address) or "").startswith(f"process {os.getpid()}")
    assert holder(address) is None
    with other.lock():
        pass


def test_a_lost_connection_is_opened_anew_and_the_lock_taken_again(
    address: str, store: PostgresStore, other: PostgresStore
) -> None:
    with store.lock():
        store.sync_sources([source()], 1.0)
        cut_connections(address)
        with pytest.raises(StoreError, match="does not answer"), store.begin() as transaction:
            transaction.set_value("a", "lost")
        assert store.value("a") is None
        with store.begin() as transaction:
            transaction.set_value("a", "kept")
        assert store.value("a") == "kept"
        with pytest.raises((HeldError, StoreError)), other.lock():  # its first call tells of the cut, the next one of the holder
            pass
        with pytest.raises(HeldError), other.lock():
            pass


def test_who_lost_the_lock_to_another_process_writes_no_more(address: str, store: PostgresStore, other: PostgresStore) -> None:
    with store.lock():
        cut_connections(address)
        with closing(PostgresStore(address)) as third:
            with third.lock():
                for _ in range(4):
                    with pytest.raises(StoreError), store.begin() as transaction:
                        transaction.set_value("a", "too late")
            for _ in range(2):
                with pytest.raises(LeadershipLostError), store.begin() as transaction:
                    transaction.set_value("a", "too late, though nobody leads now")
        assert other.value("a") is None
    with store.begin() as transaction:
        transaction.set_value("a", "as any command may")
    with store.lock():
        store.confirm_lead()


def test_a_leader_that_writes_nothing_notices_that_another_one_leads(address: str, store: PostgresStore) -> None:
    with store.lock():
        store.confirm_lead()
        end_leader(address)
        with closing(PostgresStore(address)) as third:
            wait_until_held(third)
            until_raised(LeadershipLostError, store.confirm_lead)


def test_a_leader_that_was_cut_while_nobody_else_led_goes_on(address: str, store: PostgresStore, other: PostgresStore) -> None:
    with store.lock():
        end_leader(address)
        eventually(lambda: other.holder() is not None)
        store.confirm_lead()
        with store.begin() as transaction:
            transaction.set_value("a", "written")
    assert other.holder() is None


def test_a_standby_that_was_cut_groups_once_it_leads(address: str, store: PostgresStore) -> None:
    with store.begin() as transaction:
        assert transaction.index.total == 0
    cut_connections(address)
    eventually(lambda: _holder(store) is None)
    with store.lock(), store.begin() as transaction:
        assert transaction.index.total == 0


def _holder(store: PostgresStore) -> str | None:
    """Who leads; a word while the connection is found to be cut."""
    try:
        return store.holder()
    except StoreError:
        return "cut"


def test_a_frozen_leader_is_deposed_and_one_that_lives_is_not(
    address: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "FROZEN", 1.2)
    with closing(PostgresStore(address)) as standby, store.lock():
        end = time.monotonic() + 1.8
        while time.monotonic() < end:
            assert standby.depose_frozen() is None, "it counts"
        monkeypatch.setattr(leadership, "_COUNT", "UPDATE leadership SET pid = pid WHERE term = $1")
        eventually(lambda: (standby.depose_frozen() or "").startswith("process "))


def test_who_migrates_is_not_taken_for_a_frozen_leader(
    address: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "FROZEN", 0.0)
    with store.lock():
        pass
    with closing(psycopg.connect(address, autocommit=True)) as migrating:
        migrating.execute(writer._TAKE.encode())
        for _ in range(5):
            assert store.depose_frozen() is None
        assert store.holder() is not None


def test_a_standby_that_was_frozen_itself_counts_anew() -> None:
    now = [0.0]
    watch = leadership.LeaderWatch(lambda: now[0])
    assert not watch.is_frozen((1, 7))
    now[0] = 60.0
    assert not watch.is_frozen((1, 7)), "nobody knows what was in this minute"
    for _ in range(12):
        now[0] += 0.2
        assert not watch.is_frozen((1, 7))
    now[0] += 0.2
    assert watch.is_frozen((1, 7))
    assert not watch.is_frozen((1, 8))
    assert not watch.is_frozen(None)


def test_a_read_after_a_cut_is_tried_again(address: str, store: PostgresStore) -> None:
    store.sync_sources([source()], 1.0)
    assert list(store.states()) == ["alpha"]
    cut_connections(address)
    assert list(store.states()) == ["alpha"]


def test_the_index_notices_what_another_process_has_grouped(store: PostgresStore, other: PostgresStore) -> None:
    def add(to: PostgresStore, guid: str) -> ItemId:
        with to.begin() as transaction:
            one, story = transaction.add_item(item(guid), None, NEW)
            transaction.index.add(IndexedItem(one.id, story, one.source, "alpha.example", 1.0, 1.0, b"s"), (7,), (7,))
            return one.id

    first, second = add(store, "a"), add(other, "b")
    with store.begin() as transaction:
        assert transaction.index.total == 2
        assert set(transaction.index.items((first, second))) == {first, second}


def test_words_of_new_items_have_a_part_of_the_table_and_old_parts_are_dropped(
    address: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "ITEMS", 2)
    with store.begin() as transaction:
        made = [transaction.add_item(item(f"g{number}"), None, NEW)[0].id for number in range(5)]
    assert len(list(store.find(StoryFilter(Phrase(("storm",)))))) == 5

    def parts() -> list[str]:
        with psycopg.connect(address) as connection:
            found = connection.execute("SELECT relid::text FROM pg_partition_tree('search') WHERE isleaf ORDER BY 1")
            return [row[0] for row in found.fetchall()]

    assert parts() == ["search_0", "search_1", "search_2"]
    with psycopg.connect(address) as connection:
        connection.execute("DELETE FROM items WHERE id < %s", (made[-1],))
    store.tidy()
    assert parts() == ["search_2"]


def test_a_rolled_back_part_is_made_again(store: PostgresStore) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as transaction:
        transaction.add_item(item("a"), None, NEW)
        transaction.finish()
        raise ZeroDivisionError
    with store.begin() as transaction:
        transaction.add_item(item("a"), None, NEW)
    assert len(list(store.find(StoryFilter(Phrase(("storm",)))))) == 1


def test_another_programs_database_is_refused_and_left_alone(address: str) -> None:
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE theirs (id int)")
    with pytest.raises(StoreError, match="another program's tables"):
        PostgresStore(address)
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetchone() == (1,)


def test_a_newer_releases_database_is_refused(address: str, store: PostgresStore) -> None:
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE aggregator_schema SET version = version + 1")
    with pytest.raises(StoreError, match="newer release"):
        PostgresStore(address)


def test_nodes_that_start_together_wait_for_the_one_that_makes_the_tables(address: str) -> None:
    """Else all but one of a new cluster, or of a new release's nodes, would end."""
    maker = writer.WriterConnection(address, "the first")
    maker.take()
    with closing(maker), ThreadPoolExecutor(3) as starting:
        nodes = [starting.submit(PostgresStore, address) for _ in range(3)]
        assert not wait(nodes, timeout=0.5).done
        schema.migrate(maker.current.raw, 0)
        maker.stop_leading()
        for node in nodes:
            node.result().close()


def test_migrations_wait_for_a_daemon_of_the_older_release(
    address: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE later (id int)"))
    with store.lock(), pytest.raises(StoreError, match="older release"):
        PostgresStore(address)
    PostgresStore(address).close()
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)


def test_a_migration_that_fails_leaves_nothing(address: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE later (id int); SELECT 1 / 0"))
    with pytest.raises(StoreError):
        PostgresStore(address)
    monkeypatch.undo()
    PostgresStore(address).close()


@pytest.mark.parametrize("place", ("127.0.0.1:1", "/nowhere"))
def test_a_server_that_is_not_there_is_told_without_the_password(place: str) -> None:
    where = f"postgresql://news:hunter2@{place}/news" if ":" in place else f"postgresql://news:hunter2@/news?host={place}"
    with pytest.raises(StoreError, match="does not answer") as caught:
        PostgresStore(where)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("wrong", "said"), (({"user": "stranger"}, '"stranger"'), ({"dbname": "nothing"}, '"nothing"')))
def test_a_server_that_refuses_the_connection_is_not_said_to_be_away(address: str, wrong: dict[str, str], said: str) -> None:
    with pytest.raises(StoreError, match=f"refuses the connection .*storage.database names.*{said}") as caught:
        PostgresStore(make_conninfo(address, **wrong))
    assert "does not answer" not in str(caught.value)


def test_who_only_looks_sees_what_is_committed_and_writes_nothing(address: str, store: PostgresStore) -> None:
    store.sync_sources([source()], 1.0)
    with closing(ReadOnlyPostgresStore(address)) as looking:
        assert list(looking.states()) == ["alpha"]
        with pytest.raises(StoreError, match="looking alone"):
            looking.begin()


def test_who_only_looks_makes_no_tables(address: str) -> None:
    assert not is_made(address)
    with pytest.raises(StoreError, match="schema 0"):
        ReadOnlyPostgresStore(address)
    assert not is_made(address) and read_value(address, "a") is None
