"""`backup` and `restore` as a person runs them."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import aggregator
from aggregator.cli import root
from aggregator.errors import ConfigError, HeldError, QueryError, StoreError, UsageError
from aggregator.store.lock import held
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, item


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "feeds.yaml"
    file.write_text("storage: {database: data/news.db}\nsources: [https://alpha.example/feed.xml]\n")
    return file


def run(config: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(root, ["-c", str(config), *map(str, words)], catch_exceptions=False)


def add(config: Path, guid: str) -> int:
    """Adds an entry, and returns how many there are."""
    store = SqliteStore(config.parent / "data" / "news.db")
    with store.begin() as transaction:
        transaction.add_item(item(guid), None, NEW)
    count = store.counts()["items"]
    store.close()
    return count


def test_a_backup_put_back_is_what_was_there(config: Path, tmp_path: Path) -> None:
    add(config, "a")
    with pytest.raises(UsageError, match="there is no folder"):
        run(config, "backup", tmp_path / "copies" / "news.db")
    assert not (tmp_path / "copies").exists()
    (tmp_path / "copies").mkdir()
    assert "bytes" in run(config, "backup", tmp_path / "copies" / "news.db").output
    assert add(config, "b") == 2
    told = run(config, "restore", tmp_path / "copies" / "news.db").output
    assert "before-restore" in told
    assert add(config, "b") == 2, "the entry that came after the backup is not there any more"


def test_a_backup_of_nothing_is_told(config: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        run(config, "backup", tmp_path / "copy.db")
    assert not (tmp_path / "data").exists()


def test_a_backup_that_is_there_is_told_before_it_is_replaced(config: Path, tmp_path: Path) -> None:
    add(config, "a")
    assert "replacing" not in run(config, "backup", tmp_path / "copy.db").output
    assert f"replacing {tmp_path / 'copy.db'}" in run(config, "backup", tmp_path / "copy.db").stderr


@pytest.mark.parametrize("content", [b"my notes", b"SQLite format 3\0" + bytes(200)], ids=["a file", "another's database"])
def test_what_is_no_backup_is_not_replaced_by_one(config: Path, tmp_path: Path, content: bytes) -> None:
    add(config, "a")
    (tmp_path / "notes").write_bytes(content)
    with pytest.raises(UsageError, match="not touched"):
        run(config, "backup", tmp_path / "notes")
    assert (tmp_path / "notes").read_bytes() == content


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--json"),
        ("stories",),
        ("stories", "decisions"),
        ("search", "ferry"),
        ("plan",),
        ("plan", "--dedup"),
        ("why", "https://alpha.example/a"),
        ("topics",),
        ("sources", "--overlap"),
        ("check",),
        ("export", "opml"),
        ("export", "site"),
        ("stories", "drop", "https://alpha.example/a"),
    ],
    ids=" ".join,
)
def test_who_looks_before_the_first_poll_leaves_no_database_behind(config: Path, words: tuple[str, ...]) -> None:
    CliRunner().invoke(root, ["-c", str(config), *words])
    assert [path.name for path in config.parent.rglob("*")] == ["feeds.yaml"]


def import_all() -> None:
    """Imports what commands import when they are called: another user may not read where this Python is installed."""
    for module in pkgutil.walk_packages(aggregator.__path__, "aggregator."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A config in a folder that this process may read and not write, as of a service with a user of its own."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "feeds.yaml"
        config.write_text("storage: {database: data/news.db}\nsources: [https://alpha.example/feed.xml]\n")
        add(config, "a")
        import_all()
        before = os.geteuid()
        for path, mode in ((config.parent, 0o755), (config.parent / "data", 0o555), (config.parent / "data" / "news.db", 0o444)):
            path.chmod(mode)
        if before == 0:
            os.seteuid(61_234)
        try:
            yield config
        finally:
            os.seteuid(before)
            (config.parent / "data").chmod(0o755)


def test_who_may_only_read_can_look(unwritable: Path) -> None:
    with pytest.raises(OSError, match="denied"):
        (unwritable.parent / "data" / "try").touch()
    for words in (("status",), ("stories", "--json"), ("search", "-ferry"), ("why", "https://alpha.example/a"), ("plan",)):
        run(unwritable, *words)
    (story,) = run(unwritable, "stories", "--json").output.splitlines()
    with pytest.raises(StoreError, match="can't be written: its user must have the right"):
        run(unwritable, "stories", "drop", json.loads(story)["id"])
    assert [path.name for path in (unwritable.parent / "data").iterdir()] == ["news.db"]


def test_who_may_not_even_read_is_told(unwritable: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root: a second user, whose files can't be read")
    data, reader = unwritable.parent / "data", os.geteuid()
    os.seteuid(0)
    for path, mode in ((data / "news.db", 0o600), (data, 0o700)):
        path.chmod(mode)
        os.seteuid(reader)
        with pytest.raises(StoreError, match=r"news\.db can't be (opened|read)"):
            run(unwritable, "status")
        os.seteuid(0)


def test_a_database_that_is_in_its_log_alone_is_told_to_who_may_only_read(unwritable: Path) -> None:
    real, reader = os.getuid(), os.geteuid()
    os.seteuid(real)
    database = unwritable.parent / "data" / "news.db"
    database.chmod(0o644)
    database.write_bytes(b"")
    database.chmod(0o444)
    os.seteuid(reader)
    with pytest.raises(StoreError, match="in its log alone"):
        run(unwritable, "status")


def test_who_may_only_read_looks_while_the_daemon_writes(unwritable: Path) -> None:
    reader = os.geteuid()
    if os.getuid() != 0:
        pytest.skip("needs root: a second user, who may write")
    os.seteuid(os.getuid())
    store = SqliteStore(unwritable.parent / "data" / "news.db")
    try:
        with store.begin() as transaction:
            transaction.add_item(item("b"), None, NEW)
        os.seteuid(reader)
        assert len(run(unwritable, "stories", "--json").output.splitlines()) == 2
    finally:
        os.seteuid(os.getuid())
        store.close()


def test_a_database_in_use_can_be_copied_and_not_replaced(config: Path, tmp_path: Path) -> None:
    add(config, "a")
    with held(tmp_path / "data" / "news.db"):
        assert run(config, "backup", tmp_path / "copy.db").exit_code == 0
        with pytest.raises(HeldError, match="in use"):
            run(config, "restore", tmp_path / "copy.db")
    assert add(config, "b") == 2


def test_a_lost_database_is_restored_into_an_empty_place(config: Path, tmp_path: Path) -> None:
    add(config, "a")
    run(config, "backup", tmp_path / "copy.db")
    for file in (tmp_path / "data").iterdir():
        file.unlink()
    (tmp_path / "data").rmdir()
    assert run(config, "restore", tmp_path / "copy.db").exit_code == 0
    assert add(config, "b") == 2


def test_a_file_that_is_no_database_is_named_and_nothing_is_changed(config: Path, tmp_path: Path) -> None:
    add(config, "a")
    with pytest.raises(StoreError, match=r"feeds\.yaml is no database: nothing was changed"):
        run(config, "restore", config)
    assert add(config, "b") == 2


def test_nothing_found_is_told(config: Path) -> None:
    assert "no story is stored yet" in run(config, "stories").stderr
    assert run(config, "stories", "--since", "2h").stderr == "no story\n"
    assert run(config, "stories", "decisions").stderr == "nothing was decided by hand yet\n"
    assert run(config, "search", "bridge").stderr == "no stored story matches\n"
    assert run(config, "search", "--json", "bridge").output == run(config, "stories", "--json").output == ""


def test_decisions_are_made_listed_and_undone_by_their_numbers(config: Path) -> None:
    add(config, "a")
    assert run(config, "stories", "title", "https://alpha.example/a", "Calm at sea").output == (
        "headline corrected; it was: Storm a reaches the coast\n"
    )
    assert run(config, "stories", "pin", "https://alpha.example/a").output.startswith("leads its story now")
    listed = [json.loads(line) for line in run(config, "stories", "decisions", "--json").output.splitlines()]
    assert [(one["id"], one["kind"], one["undone"]) for one in listed] == [(2, "pin", None), (1, "title", None)]
    assert listed[1].keys() == {"id", "kind", "at", "title", "url", "stories", "did", "undone"}
    assert json.loads(run(config, "stories", "--json").output)["title"] == "Calm at sea"
    undone, there = run(config, "stories", "undo", "1").output.splitlines()
    assert undone == "undone: title of Storm a reaches the coast"
    assert listed[1]["stories"][0] in there
    assert json.loads(run(config, "stories", "--json").output)["title"] == "Storm a reaches the coast"
    assert "; undone 20" in run(config, "stories", "decisions").output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("undo", "1"), "no decision 1"),
        (("pin", "https://alpha.example/b"), "did you mean https://alpha.example/a?"),
        (("title", "https://alpha.example/a", ""), "empty"),
        (("merge", "https://alpha.example/b", "https://alpha.example/a"), "did you mean https://alpha.example/a?"),
    ],
)
def test_what_can_not_be_decided_is_a_mistake_of_usage(config: Path, words: tuple[str, ...], why: str) -> None:
    add(config, "a")
    with pytest.raises(UsageError) as raised:
        run(config, "stories", *words)
    assert why in str(raised.value)


def test_the_number_of_a_decision_is_a_number(config: Path) -> None:
    assert run(config, "stories", "undo", "first").exit_code == 2


def test_a_source_that_left_the_config_can_be_searched_while_its_entries_are_stored(config: Path) -> None:
    store = SqliteStore(config.parent / "data" / "news.db")
    with store.begin() as transaction:
        transaction.add_item(item("a", source="charlie", group="wires"), None, NEW)
    store.close()
    assert "Storm a reaches the coast" in run(config, "search", "source:charlie").output
    assert "Storm a reaches the coast" in run(config, "search", "group:wires").output
    with pytest.raises(QueryError, match="there is no source delta"):
        run(config, "search", "source:delta")
    config.write_text(config.read_text() + "topics: [{slug: c, title: C, query: 'source:charlie'}]\n")
    with pytest.raises(ConfigError, match="charlie"):
        run(config, "stories")


def test_the_lead_of_a_story_that_was_taken_down_is_told_as_past(config: Path) -> None:
    add(config, "a")
    assert "lead, the entry that feeds show: alpha" in run(config, "why", "https://alpha.example/a").output
    run(config, "stories", "drop", "https://alpha.example/a")
    assert "lead, the entry that feeds showed until then: alpha" in run(config, "why", "https://alpha.example/a").output
