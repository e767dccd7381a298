"""`aggregator migrate` with the real command: there and back again, and killed in the middle."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from aggregator.demo.origin import Origin
from aggregator.ports import Event, Subscription
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.sqlite import SqliteStore
from tests import postgres
from tests.flow.command import Command, clean_environment, eventually, get
from tests.flow.conftest import Newsdesk, needs_a_file, newsdesk
from tests.flow.subscriber import snapshot
from tests.unit.store.contents import contents


@dataclass(frozen=True, slots=True)
class Desk:
    """A newsdesk on its second day, and what its database held. database: its file."""

    desk: Newsdesk
    database: Path
    held: dict[str, list[object]]

    @property
    def command(self) -> Command:
        return self.desk.command

    def use(self, database: str) -> None:
        """Has the config name another database."""
        config = self.command.config
        lines = [
            f"storage: {{database: '{database}'}}" if line.startswith("storage:") else line
            for line in config.read_text().splitlines()
        ]
        config.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def second_day(tmp_path_factory: pytest.TempPathFactory, shared_origin: Origin) -> Iterator[Desk]:
    needs_a_file("it begins with a file, and goes to PostgreSQL by itself")
    desk = newsdesk(tmp_path_factory.mktemp("migrate"), shared_origin)
    desk.command.run("poll", "--all")
    urls = [row["items"][0]["url"] for row in desk.command.rows("stories")]
    desk.command.run("stories", "drop", urls[0])
    desk.command.run("stories", "title", urls[1], "Another headline")
    desk.command.run("stories", "merge", urls[2], urls[3])
    desk.command.run("stories", "drop", urls[4])
    desk.command.run("stories", "undo", "4")
    desk.origin.advance(desk.origin.start + 86_400)
    desk.command.run("poll", "--all")
    database = desk.directory / "data" / "aggregator.db"
    with closing(SqliteStore(database)) as store, store.begin() as transaction:
        transaction.save_subscription(
            Subscription("/feeds/all.atom", "https://reader.example/cb", "s", 9e9, 7.0, "reader.example")
        )
        transaction.save_event(Event("silent:x", "silent", "X is silent", "for 3 days", 7.0))
    yield Desk(desk, database, contents(database))


@pytest.fixture
def address(tmp_path: Path) -> str:
    return postgres.server().of_folder(tmp_path)


def documents(desk: Desk) -> dict[str, str]:
    """Hashes of published feeds and pages. Others tell when sources were polled."""
    return {path: made for path, made in snapshot(desk.desk.public).items() if path.startswith(("feeds/", "topics/", "stories/"))}


def test_there_and_back_again(second_day: Desk, address: str, tmp_path: Path) -> None:
    command, published = second_day.command, documents(second_day)
    back = tmp_path / "back.db"
    said = command.run("migrate", str(second_day.database), address)
    assert "entries among them" in said and "the same in both" in said
    assert "guessed" not in said and "${PASSWORD}" in said
    assert "guessed" not in command.fails("migrate", str(second_day.database), address), "it holds data now"
    command.run("migrate", address, str(back))
    assert contents(second_day.database) == second_day.held, "the first one stays as it is"
    assert contents(back) == second_day.held
    assert documents(second_day) == published
    for database in (address, str(back)):
        second_day.use(database)
        command.run("poll", "--all")
        assert documents(second_day) == published
        assert {row["id"] for row in command.rows("search", "nato AND vilnius")}
    second_day.use(str(second_day.database))


@pytest.mark.parametrize(("way", "moment"), (("there", "tables compared"), ("back", "words")))
def test_killed_in_the_middle_and_run_again(second_day: Desk, address: str, tmp_path: Path, way: str, moment: str) -> None:
    command, origin, copy = second_day.command, str(second_day.database), address
    if way == "back":
        command.run("migrate", origin, copy)
        origin, copy = address, str(tmp_path / "back.db")
    kill_after(command, moment, origin, copy)
    assert contents(second_day.database) == second_day.held
    second_day.use(copy)
    assert "unfinished copy" in command.fails("poll")
    second_day.use(str(second_day.database))
    command.run("migrate", origin, copy)
    if way == "there":
        command.run("migrate", copy, str(tmp_path / "back.db"))
    assert contents(tmp_path / "back.db") == second_day.held


def kill_after(command: Command, moment: str, *arguments: str) -> None:
    """Kills the command once it has told of this on standard error."""
    line = command.line("migrate", *arguments)
    with subprocess.Popen(line, cwd=command.config.parent, env=clean_environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for told in process.stderr:
            if moment in told:
                process.kill()
                break
        assert process.wait() == -signal.SIGKILL


def test_refused_while_a_daemon_runs(second_day: Desk, address: str) -> None:
    desk = second_day.desk
    with desk.command.daemon(desk.port) as process:
        eventually(lambda: get(f"http://127.0.0.1:{desk.port}/healthz").status == 200, process, desk.directory / "log")
        said = desk.command.fails("migrate", str(second_day.database), address)
        assert f"process {process.pid}" in said and "systemctl stop aggregator" in said
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_a_row_that_differs_is_noticed(second_day: Desk, address: str) -> None:
    PostgresStore(address).close()
    with psycopg.connect(address) as connection:
        connection.execute(b"""CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.id = 3 THEN NEW.title = upper(NEW.title); END IF; RETURN NEW; END $$""")
        connection.execute(b"CREATE TRIGGER shouts BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION shout()")
    said = second_day.command.fails("migrate", str(second_day.database), address)
    assert "differs: items (a value of some row)" in said
    second_day.use(address)
    assert "unfinished copy" in second_day.command.fails("stories")
    second_day.use(str(second_day.database))
    with psycopg.connect(address) as connection:
        connection.execute(b"DROP TRIGGER shouts ON items")
    second_day.command.run("migrate", str(second_day.database), address)


def test_what_is_not_empty_or_of_one_kind_is_refused(second_day: Desk, address: str, tmp_path: Path) -> None:
    command, first = second_day.command, str(second_day.database)
    other = tmp_path / "other.db"
    with closing(SqliteStore(other)) as store, store.begin() as transaction:
        transaction.set_value("a", "b")
    command.run("migrate", first, address)
    assert "holds data" in command.fails("migrate", address, str(other))
    with closing(SqliteStore(other)) as store:
        assert store.value("a") == "b"
    assert "no database to copy" in command.fails("migrate", f"{first}.missing", address, code=2)
    assert "both are files" in command.fails("migrate", first, str(tmp_path / "x.db"), code=2)
    assert "both are on a server" in command.fails("migrate", address, address, code=2)
