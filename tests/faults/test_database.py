"""What is wrong with the database is told before anything starts, with what to do; nothing is repaired in silence."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk
from tests.flow.subscriber import snapshot


def database(desk: Newsdesk) -> Path:
    return desk.directory / "data" / "aggregator.db"


def refusal(desk: Newsdesk, *arguments: str) -> str:
    """What the command says when it refuses, which must not be a traceback."""
    process = desk.command.start(*arguments)
    assert process.wait(30) == 1
    told = (desk.directory / "log").read_text()
    assert "Traceback" not in told, told
    return told


@pytest.mark.parametrize("arguments", [("run",), ("poll", "--all")])
def test_a_damaged_database_is_refused_with_the_way_back(desk: Newsdesk, arguments: tuple[str, ...]) -> None:
    desk.command.run("poll", "--all")
    desk.command.run("backup", str(desk.directory / "copy.db"))
    before = desk.command.rows("stories")
    damage(database(desk))
    damaged = database(desk).read_bytes()
    assert "restore" in refusal(desk, *arguments)
    assert database(desk).read_bytes() == damaged
    desk.command.run("restore", str(desk.directory / "copy.db"))
    assert desk.command.rows("stories") == before


def damage(path: Path) -> None:
    """Overwrites the first pages, as a bad disk would; what the write-ahead log holds is folded in before."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    body = bytearray(path.read_bytes())
    body[100:9_000] = b"\x5a" * 8_900
    path.write_bytes(body)


def test_a_file_that_is_no_database_is_refused(desk: Newsdesk) -> None:
    database(desk).parent.mkdir(parents=True)
    database(desk).write_text("a diary, not a database\n" * 500)
    refusal(desk, "run")
    assert database(desk).read_text().startswith("a diary")


def test_a_place_that_cannot_be_written_is_told(desk: Newsdesk) -> None:
    (desk.directory / "data").write_text("a file where a directory should be")
    assert "data" in refusal(desk, "run")


def test_a_port_in_use_is_told(desk: Newsdesk) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", desk.port))
        other.listen()
        assert str(desk.port) in refusal(desk, "run")


def test_another_program_that_holds_the_database_only_delays(desk: Newsdesk) -> None:
    with desk.command.daemon(desk.port) as process:
        url = f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom"
        eventually(lambda: b"closer ties" in get(url).body, process)
        with sqlite3.connect(database(desk), isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            desk.origin.advance(desk.origin.start + 86_400)
            time.sleep(1.5)
            assert get(url).status == 200
            other.execute("ROLLBACK")
        other.close()
        eventually(lambda: b"ammunition plan" in get(url).body, process)


def test_a_restored_backup_shows_no_reader_anything_twice(desk: Newsdesk) -> None:
    from tests.flow.subscriber import ids

    desk.command.run("poll", "--all")
    shown = ids(desk.published("ukraine.atom"))
    desk.command.run("backup", str(desk.directory / "copy.db"))
    desk.origin.advance(desk.origin.start + 86_400)
    desk.command.run("poll", "--all")
    newer = ids(desk.published("ukraine.atom"))
    desk.command.run("restore", str(desk.directory / "copy.db"))
    desk.command.run("poll", "--all")
    again = ids(desk.published("ukraine.atom"))
    assert set(shown) <= set(newer)
    assert sorted(again) == sorted(newer)
    assert snapshot(desk.public)
