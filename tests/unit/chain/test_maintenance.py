"""Retention, tidying and backups go by what the store remembers, so that restarts neither delay nor repeat them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.app import make_resources, make_runtime
from aggregator.config.load import load
from aggregator.ports import Keep, Swept
from aggregator.run.service import Service
from aggregator.store.sqlite import SqliteStore
from aggregator.tag.check import check
from tests.unit.chain.newsroom import START, HandClock

HOUR = 3600.0
CONFIG = """
server: {port: 8091}
storage: {database: news.db, backup: {directory: copies, every: 24h, keep: 9}}
sources:
  - {id: one, url: "https://one.example/feed", enabled: false}
"""


class Counted(SqliteStore):
    """A store that counts what maintenance asks of it."""

    asked: list[str]

    def sweep(self, keep: Keep, now: float) -> Swept:
        self.asked.append("sweep")
        return super().sweep(keep, now)

    def tidy(self) -> None:
        self.asked.append("tidy")
        super().tidy()

    def back_up(self, directory: Path, keep: int, now: float) -> Path:
        self.asked.append("backup")
        return super().back_up(directory, keep, now)


class WallClock(HandClock):
    """A wall clock that can be set; the monotonic one goes on. ahead: seconds that it was set forward."""

    ahead = 0.0

    def now(self) -> float:
        return self.time + self.ahead


class Daemon:
    """A daemon that is started over and over. It runs each of its maintenance jobs as often as their intervals allow."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.jump = folder, WallClock(), 0.0
        (folder / "feeds.yaml").write_text(CONFIG)

    def lives(self, seconds: float) -> list[str]:
        """Starts, lives for so long, ends. Returns what maintenance did meanwhile."""
        return asyncio.run(self._live(seconds))

    async def _live(self, seconds: float) -> list[str]:
        settings = load(self.folder / "feeds.yaml", check, {})
        with opened(Path(settings.storage.database)) as store:
            resources = replace(make_resources(settings, store), clock=self.clock)
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
            service = Service(make_runtime(settings, resources), lambda: settings, make_runtime, listener)
            await service.start()
            jobs = [job for job in service.jobs() if job.name in ("sweep", "tidy", "backup")]
            end, begin = self.clock.time + seconds, self.clock.time
            due = {job.name: begin + job.seconds for job in jobs}
            while min(due.values()) <= end:
                self.clock.time = min(due.values())
                self.clock.ahead = self.jump
                for job in jobs:
                    if due[job.name] <= self.clock.time:
                        due[job.name] += job.seconds
                        await job.work()
            self.clock.time = end
            await service.drain(0.0)
        return store.asked


@contextmanager
def opened(path: Path) -> Iterator[Counted]:
    store = Counted(path)
    store.asked = []
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path)


def test_a_daemon_restarted_every_five_hours_sweeps_and_tidies(daemon: Daemon) -> None:
    lives = [daemon.lives(5 * HOUR) for _ in range(8)]
    asked = [one for life in lives for one in life]
    assert 6 <= asked.count("sweep") <= 7
    assert 38 <= asked.count("tidy") <= 41


def test_a_daemon_restarted_every_half_hour_does_neither_too_often_nor_too_seldom(daemon: Daemon) -> None:
    asked = [one for _ in range(48) for one in daemon.lives(HOUR / 2)]
    assert asked.count("sweep") == 4
    assert 20 <= asked.count("tidy") <= 24
    assert asked.count("backup") == 1


def test_backups_that_are_carried_away_are_not_made_again_before_their_time(daemon: Daemon) -> None:
    assert daemon.lives(HOUR).count("backup") == 1
    for file in (daemon.folder / "copies").iterdir():
        file.unlink()
    assert daemon.lives(22 * HOUR).count("backup") == 0
    assert daemon.lives(2 * HOUR).count("backup") == 1


def test_a_clock_that_was_set_back_delays_nothing(daemon: Daemon) -> None:
    daemon.clock.time = START + 300 * 24 * HOUR
    daemon.lives(HOUR)
    daemon.clock.time = START
    assert sorted(set(daemon.lives(HOUR))) == ["backup", "sweep", "tidy"]


def test_a_clock_that_jumps_ahead_makes_nothing_expire_for_hours(daemon: Daemon) -> None:
    daemon.jump = 365 * 24 * HOUR
    assert "sweep" not in daemon.lives(5 * HOUR)
    assert daemon.clock.ahead
    assert "sweep" in daemon.lives(HOUR), "it still says so after a start: it is right"
