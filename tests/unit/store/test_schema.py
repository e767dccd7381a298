"""Migrations: forward, whole or not at all, with a copy from before."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.errors import StoreError
from aggregator.model import ItemId, Slug, SourceId, Tag, TagKind, Validators
from aggregator.ports import Phrase, StoryFilter
from aggregator.settings import Dedup
from aggregator.store import schema
from aggregator.store.identity import story_ids
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import JOINED, NEW, entry, item
from tests.unit.store.samples import stored


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


def left_by(path: Path, statement: str, *, killed: bool = False) -> dict[str, bytes]:
    """Files of a database after a statement by another program: closed, or with its log as a kill leaves it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        if killed:
            other.execute("PRAGMA journal_mode = WAL")
            other.execute("PRAGMA wal_autocheckpoint = 0")
        else:
            other.execute("PRAGMA journal_mode = DELETE")
        other.execute(statement)
        files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    for name, body in files.items():
        (path.parent / name).write_bytes(body)
    return files


NEWER = f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}"


@pytest.mark.parametrize("killed", [False, True], ids=["closed", "killed"])
@pytest.mark.parametrize(
    ("statement", "words"), [(NEWER, "of a newer release"), ("PRAGMA application_id = 7", "another program's database")]
)
def test_what_is_not_this_release_s_is_refused_and_left_to_the_byte(path: Path, statement: str, words: str, killed: bool) -> None:
    """Not even turned to WAL mode, and no file is laid beside it."""
    before = left_by(path, statement, killed=killed)
    with pytest.raises(StoreError, match=words):
        SqliteStore(path)
    after = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert {name: body for name, body in after.items() if not name.endswith("-shm")} == {
        name: body for name, body in before.items() if not name.endswith("-shm")
    }, "only SQLite's index of the log may differ"
    assert after.keys() == before.keys()


def test_a_database_in_use_by_an_older_release_is_not_migrated_under_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program was upgraded, and a command is run before the daemon is restarted."""
    daemon = SqliteStore(path)
    version = len(schema.MIGRATIONS)
    try:
        with daemon.lock():
            with_migration(monkeypatch, lambda database: database.table("extras").create({"id": int}, pk="id"))
            with pytest.raises(StoreError, match=f"older release .schema {version}.*start this release"):
                SqliteStore(path)
            with daemon.begin() as transaction:
                transaction.add_item(item("b"), None, NEW)
    finally:
        daemon.close()
    assert [file.name for file in path.parent.iterdir() if "schema" in file.name] == []
    store = SqliteStore(path)
    assert store.counts()["items"] == 2
    store.close()


SAMPLES = sorted((Path(__file__).parent / "samples").glob("schema-*.db.gz"), key=lambda path: int(path.name[7:-6]))


@pytest.fixture(params=SAMPLES, ids=[path.name.partition(".")[0] for path in SAMPLES])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    """A database as a release has left it (`samples/__main__.py`), opened by this one."""
    (tmp_path / "news.db").write_bytes(gzip.decompress(request.param.read_bytes()))
    store = SqliteStore(tmp_path / "news.db")
    yield store
    store.close()


def test_each_released_schema_has_a_sample() -> None:
    assert [path.name for path in SAMPLES] == [f"schema-{number}.db.gz" for number in range(1, len(schema.MIGRATIONS) + 1)]


def test_what_stored_bytes_mean_changes_with_a_schema_number_alone(tmp_path: Path) -> None:
    """An older release would read the bytes of a newer one in its own way, and so would this one those of an older."""
    recorded, now = json.loads(stored.RECORDED.read_text()), stored.stored_bytes(tmp_path)
    assert [name for name in recorded.keys() | now.keys() if recorded.get(name) != now.get(name)] == [], (
        "these are stored otherwise than the release that brought this schema did: if they mean something else now, add "
        "a migration (store/migrations.py), which may do nothing, and make its samples: python -m tests.unit.store.samples"
    )


def test_an_upgrade_keeps_ids_and_everything_that_was_stored(sample: SqliteStore) -> None:
    sample.check(full=True)
    stories = {story.lead_item.guid: story for story in sample.find(StoryFilter())}
    assert {guid: story.id for guid, story in stories.items()} == {
        f"g{number}": next(story_ids(item(f"g{number}"))) for number in (0, 1, 3, 4, 5)
    }
    assert [one.source for one in stories["g0"].items] == ["alpha", "beta"]
    assert stories["g4"].items == (replace(item("g4", at=1004.0), id=ItemId(5)),)
    assert stories["g3"].tags == (Tag(TagKind.TAG, "sea", "group"),)
    assert sample.story_of(next(story_ids(item("g2")))) == stories["g1"].id
    assert [story.id for story in sample.find(StoryFilter(Phrase(("g5",), ("title",))))] == [stories["g5"].id]
    assert sample.evidence(stories["g0"].id)[stories["g0"].items[1].id] == (1100.0, JOINED)


def test_an_upgrade_keeps_feeds_and_states(sample: SqliteStore) -> None:
    assert sample.states()[SourceId("alpha")].validators == Validators('"tag"')
    assert len(sample.fingerprints(SourceId("alpha"))) == 6
    assert [shown.seq for shown in sample.shown(Slug("all"))] == [6, 5, 4, 2]
    assert sample.page(Slug("all"), 1) is not None
    assert sample.outputs()[Slug("all")].changed == 5.0
    assert (len(sample.rejects(9)), len(sample.overrides()), len(sample.events(9)), len(sample.holds(1.0))) == (1, 1, 1, 1)
    assert sample.value("key") == "value"


def test_an_upgrade_lists_what_was_decided_before(sample: SqliteStore) -> None:
    (decision,) = sample.decisions()
    assert (decision.id, decision.kind, decision.at, decision.undone) == (1, "drop", 6.0, None)
    assert decision.traces.entries == ("alpha.example/9",)
    with sample.begin() as transaction:
        transaction.end_decision(1, 7.0)
    assert sample.overrides() == [] and sample.decisions()[0].undone == 7.0


def test_the_rows_of_one_earlier_decision_become_one(tmp_path: Path) -> None:
    (tmp_path / "news.db").write_bytes(gzip.decompress(SAMPLES[0].read_bytes()))
    rows = [("merge", "a 1", "a 2", 8.0), ("merge", "a 1", "b 1", 8.0), ("split", "b 1", "b 1", 9.0)]
    with sqlite3.connect(tmp_path / "news.db") as database:
        database.executemany("INSERT INTO overrides (kind, a, b, at) VALUES (?, ?, ?, ?)", rows)
    database.close()
    store = SqliteStore(tmp_path / "news.db")
    assert [(one.kind, one.at, one.traces.entries) for one in store.decisions()[1:]] == [
        ("merge", 8.0, ("a 1",)),
        ("split", 9.0, ("b 1",)),
    ]
    assert [one.decision for one in store.overrides()] == [1, 2, 2, 3]
    store.close()


def test_an_upgraded_database_goes_on(sample: SqliteStore) -> None:
    engine = Engine(Dedup())
    one = item("g4", at=1200.0, source="beta", entry=entry("g4", url="https://alpha.example/g4"))
    with sample.begin() as transaction:
        signature = engine.prepare(one)
        placement = engine.place(transaction.index, one, signature, 1200.0)
        stored, story = transaction.add_item(one, placement.story, placement.evidence)
        engine.record(transaction.index, stored, story, signature, placement)
    assert story == next(story_ids(item("g4"))), "a new article joins the story that was stored before"


def test_an_older_sqlite_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12 has 3.40: there the full-text index is an ordinary one."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    store = SqliteStore(tmp_path / "news.db")
    with store.begin() as transaction:
        one, story = transaction.add_item(item("g1"), None, NEW)
        transaction.add_item(item("g2"), None, NEW)
    with store.begin() as transaction:
        transaction.update_item(replace(one, entry=entry("g1", title="Calm at sea")))
    assert [found.id for found in store.find(StoryFilter(Phrase(("calm",))))] == [story]
    assert [found.id for found in store.find(StoryFilter(Phrase(("storm",), ("title",))))] != [story]
    store.close()
    SqliteStore(tmp_path / "news.db").close()


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 43), reason="this SQLite can't make what an older one refuses")
def test_a_database_of_a_newer_sqlite_is_refused_by_an_older_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    with pytest.raises(StoreError, match="newer SQLite"):
        SqliteStore(path)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 37, 0))
    with pytest.raises(StoreError, match="too old"):
        SqliteStore(path)
