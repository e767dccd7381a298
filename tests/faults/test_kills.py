"""Killed at any moment: nothing is lost, nothing is doubled, no id changes, every published file is whole."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin, serving
from tests.flow.command import eventually, get
from tests.flow.conftest import START, Newsdesk, newsdesk
from tests.flow.subscriber import ids, read


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


def items(desk: Newsdesk) -> list[tuple[str, str]]:
    return sorted((item["source"], item["guid"]) for story in desk.command.rows("stories") for item in story["items"])


def titles(desk: Newsdesk) -> list[str]:
    return sorted(entry.title for entry in read(desk.published("all.atom")).entries)


def check_whole(desk: Newsdesk) -> set[str]:
    """Every published file can be read in full. Returns the ids that `ukraine` has shown."""
    shown: set[str] = set()
    for path in Path(desk.public).rglob("*"):
        if path.suffix in (".atom", ".rss"):
            read(path.read_bytes())
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
    if (desk.public / "feeds" / "ukraine.atom").exists():
        shown = set(ids(desk.published("ukraine.atom")))
    return shown


def check_database(desk: Newsdesk) -> None:
    with sqlite3.connect(desk.directory / "data" / "aggregator.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


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
        shown |= check_whole(desk)
    desk.command.run("poll", "--all")
    assert items(desk) == items(undisturbed)
    assert titles(desk) == titles(undisturbed)
    assert shown <= set(ids(desk.published("ukraine.atom")))
    check_database(desk)


def test_a_daemon_that_is_killed_while_news_come_in(tmp_path: Path, long: bool) -> None:
    chance = random.Random(11)
    for number in range(70 if long else 1):
        with serving(0, START) as origin:
            desk = newsdesk(tmp_path / str(number), origin)
            shown: set[str] = set()
            for step in range(3):
                process = desk.command.start("run")
                time.sleep(chance.uniform(0.5, 3.0))
                if step == 1:
                    origin.advance(START + 86_400)
                    time.sleep(chance.uniform(0.0, 2.5))
                kill(process)
                shown |= check_whole(desk)
            with desk.command.daemon(desk.port) as process:
                url = f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom"
                eventually(lambda url=url: b"ammunition plan" in get(url).body, process, desk.directory / "log")
            desk.command.run("poll", "--all")
            taken = items(desk)
            assert len(taken) == len(set(taken))
            assert shown <= set(ids(desk.published("ukraine.atom")))
            check_database(desk)
