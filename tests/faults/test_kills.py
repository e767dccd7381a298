"""Killed at any moment: nothing is lost, nothing is doubled, no id changes, every published file is whole."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree

from aggregator.demo.origin import Origin
from aggregator.run.claiming import LEASE
from tests.faults.network import silent_server
from tests.faults.presses import Presses
from tests.faults.processes import children, is_running
from tests.flow.command import Command, eventually, free_port, get
from tests.flow.conftest import Newsdesk, newsdesk
from tests.flow.subscriber import ids, read

ATOM = "{http://www.w3.org/2005/Atom}"
SETTLE = 10
"""Rounds between two looks at whether everything that is listed was taken."""


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def items(desk: Newsdesk) -> list[tuple[str, str]]:
    return sorted((item["source"], item["guid"]) for story in desk.command.rows("stories") for item in story["items"])


def titles(desk: Newsdesk) -> list[str]:
    return sorted(entry.title for entry in read(desk.published("all.atom")).entries)


def check_whole(public: Path) -> None:
    """Every published file can be read in full."""
    for path in public.rglob("*"):
        if path.suffix in (".atom", ".rss", ".xml"):
            etree.fromstring(path.read_bytes())
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".html":
            assert path.read_bytes().rstrip().endswith(b"</html>"), path


def check_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.fixture
def undisturbed(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Newsdesk:
    """What a reader sees when nothing happens: the second day, polled in peace."""
    desk = newsdesk(tmp_path_factory.mktemp("undisturbed"), origin)
    desk.command.run("poll", "--all")
    return desk


def test_polls_that_are_killed(desk: Newsdesk, undisturbed: Newsdesk, long: bool) -> None:
    chance = random.Random(7)
    shown: set[str] = set()
    for _ in range(60 if long else 3):
        process = desk.command.start("poll", "--all")
        time.sleep(chance.uniform(0.3, 2.5))
        kill(process)
        check_whole(desk.public)
        if (desk.public / "feeds" / "ukraine.atom").exists():
            shown |= set(ids(desk.published("ukraine.atom")))
    desk.command.run("poll", "--all")
    assert items(desk) == items(undisturbed)
    assert titles(desk) == titles(undisturbed)
    assert shown <= set(ids(desk.published("ukraine.atom")))
    check_database(desk.directory / "data" / "aggregator.db")


@dataclass(slots=True)
class Subscriber:
    """Looks at the files and at the database after each death, and remembers what it saw.

    ids: of each published title; stored: the story of each entry; busy: rounds that brought something new.
    """

    directory: Path
    ids: dict[str, str] = field(default_factory=dict)
    stored: dict[tuple[str, str], str] = field(default_factory=dict)
    busy: int = 0

    @property
    def database(self) -> Path:
        return self.directory / "data" / "aggregator.db"

    def look(self) -> None:
        check_whole(self.directory / "data" / "public")
        self._look_at_feed(self.directory / "data" / "public" / "feeds" / "all.atom")
        if self.database.exists() and self.database.stat().st_size:
            check_database(self.database)
            self._look_at_store()

    def _look_at_feed(self, path: Path) -> None:
        if not path.exists():
            return
        entries = [
            (entry.findtext(f"{ATOM}title") or "", entry.findtext(f"{ATOM}id") or "")
            for entry in etree.fromstring(path.read_bytes()).iter(f"{ATOM}entry")
        ]
        shown = [title for title, _ in entries]
        assert len(shown) == len(set(shown)), "a story is shown twice"
        for title, story in entries:
            assert self.ids.setdefault(title, story) == story, f"{title} has another id"
        assert len(set(self.ids.values())) == len(self.ids), "an id was given to two stories"

    def _look_at_store(self) -> None:
        with closing(sqlite3.connect(self.database)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone():
                assert not self.stored
                return
            rows = database.execute("SELECT source, guid, stories.id FROM items JOIN stories ON key = story").fetchall()
        now = {(source, guid): story for source, guid, story in rows}
        assert len(now) == len(rows), "an entry is stored twice"
        assert self.stored.items() <= now.items(), "an entry is lost, or in another story"
        self.busy += len(now) > len(self.stored)
        self.stored = now


def die_under_load(command: Command, chance: random.Random) -> None:
    """Kills the daemon while it starts (one time in five) or works, and waits until its workers have seen that."""
    log = command.config.parent / "log"
    log.unlink(missing_ok=True)
    process = command.start("run")
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0.1, 1.0))
    else:
        polls = chance.randint(0, 30)
        eventually(lambda: log.read_text().count("poll_done") >= polls, process, log)
        time.sleep(chance.uniform(0.0, 0.2))
    workers = children(process.pid)
    assert process.poll() is None, log.read_text()[-3000:]
    kill(process)
    eventually(lambda: not any(map(is_running, workers)), patience=10)
    assert "Traceback" not in log.read_text()


def test_what_was_asked_when_the_daemon_died_is_not_asked_at_each_start(tmp_path: Path) -> None:
    """A document that ends the process must not be fetched as often as it is started anew; nothing is given up either."""
    port, database = free_port(), tmp_path / "data" / "aggregator.db"
    with silent_server() as (hanging, held):
        config = tmp_path / "feeds.yaml"
        config.write_text(
            f"server: {{port: {port}}}\nnetwork: {{allow: [127.0.0.0/8]}}\n"
            f"sources:\n  - {{id: hangs, url: 'http://127.0.0.1:{hanging}/feed'}}\n"
        )
        command = Command(config)
        for restarts in range(3):
            process = command.start("run")
            eventually(lambda: get(f"http://127.0.0.1:{port}/healthz").status == 200 and held, process)
            for _ in range(2 if restarts else 0):
                command.run("poll")  # answered by the daemon in a turn in which it looks for what is due
            kill(process)
        assert len(held) == 1
        with closing(sqlite3.connect(database)) as connection:
            [(due,)] = connection.execute("SELECT due FROM sources").fetchall()
        assert 0 < due - time.time() <= LEASE


def test_a_daemon_that_is_killed_while_news_come_in(tmp_path: Path, long: bool) -> None:
    """200 deaths in ten to fifteen minutes; four without `--long`."""
    chance, presses, subscriber = random.Random(11), Presses(), Subscriber(tmp_path)
    rounds = 200 if long else 4
    with presses.serving() as origin, presses.never_ending(0.2):
        command = presses.configure(tmp_path, origin, free_port())
        for number in range(1, rounds + 1):
            die_under_load(command, chance)
            subscriber.look()
            if number % SETTLE == 0 or number == rounds:
                listed = presses.entries()
                command.run("poll", "--all")
                subscriber.look()
                assert listed <= subscriber.stored.keys(), "an entry was not taken"
        assert subscriber.busy >= rounds / 2, "the daemon was killed while idle"
    assert len(set(subscriber.stored.values())) == len({guid.rpartition("/")[2] for _, guid in subscriber.stored})
