"""The daemon's frame: signals, and an end that waits for nobody too long."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import apscheduler.schedulers.base
import pytest
from structlog.testing import capture_logs

from aggregator.errors import StoreError
from aggregator.ports import Job
from aggregator.run import scheduler


@dataclass
class Busy:
    """A service whose end takes as long as its writer's thread does."""

    release: threading.Event = field(default_factory=threading.Event)
    reloads: int = 0
    ticks: int = 0

    async def start(self) -> None:
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGHUP)
        asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGTERM)

    async def tick(self) -> None:
        self.ticks += 1

    async def reload_if_changed(self, *, forced: bool) -> None:
        if forced:
            self.reloads += 1
            await asyncio.sleep(0.02)

    async def check_database(self) -> None: ...

    def may_be_killed(self) -> bool:
        return True

    def jobs(self) -> list[Job]:
        return []

    def queue(self) -> scheduler.JobQueue | None:
        """None: there is one process alone."""
        return None

    async def drain(self, seconds: float) -> None:
        await asyncio.to_thread(self.release.wait)


def test_a_backup_under_way_does_not_put_off_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "END_LIMIT", 0.05)
    busy, ends = Busy(), []

    def end(code: int) -> None:
        ends.append(code)
        busy.release.set()

    asyncio.run(scheduler.run(busy, end=end))
    assert ends == [0]
    assert 1 <= busy.reloads <= 2, "a storm of SIGHUPs before and during the start is one reload, or two"


class Unqueued(Busy):
    """A service whose queue of jobs can't be opened."""

    def queue(self) -> scheduler.JobQueue:
        async def work(jobs: Sequence[Job]) -> None:
            raise ModuleNotFoundError("procrastinate")

        return work


def test_a_queue_that_ends_by_itself_is_told() -> None:
    service = Unqueued()
    service.release.set()
    with capture_logs() as logs:
        asyncio.run(scheduler.run(service))
    [told] = [line for line in logs if line["event"] == "task_failed"]
    assert "procrastinate" in told["error"] and told["exc_info"]


class Away(Busy):
    """A service whose database is away for three ticks, and for another reason for one."""

    async def start(self) -> None: ...

    async def tick(self) -> None:
        await super().tick()
        if self.ticks <= 4:
            raise StoreError("the server is away" if self.ticks < 4 else "the disk is full")
        os.kill(os.getpid(), signal.SIGTERM)


def test_ticks_that_fail_are_told_once_for_each_reason_and_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "STORE_PAUSE", 0.0)
    monkeypatch.setattr(scheduler, "TICK", 0.05)
    service = Away()
    service.release.set()
    with capture_logs() as logs:
        asyncio.run(scheduler.run(service))
    told = [(line["event"], line.get("error")) for line in logs if "tick" in line["event"]]
    assert told == [("tick_failed", "the server is away"), ("tick_failed", "the disk is full"), ("ticks_again", None)]


@dataclass
class Board(Busy):
    """A service that asks for its end once the wall clock was set and another tick has come."""

    set_clock: Callable[[], None] = lambda: None

    async def start(self) -> None: ...

    async def tick(self) -> None:
        await super().tick()
        if self.ticks == 1:
            self.set_clock()
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    async def drain(self, seconds: float) -> None: ...


@pytest.mark.parametrize("days", [30, 365, 56 * 365])
def test_a_clock_that_is_set_forward_costs_no_time_and_no_memory(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    offset = timedelta(0)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + offset

    def set_clock() -> None:
        nonlocal offset
        offset = timedelta(days=days)

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Clock)
    monkeypatch.setattr(scheduler, "TICK", 0.05)
    board = Board(set_clock=set_clock)
    used, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    asyncio.run(scheduler.run(board))
    assert time.monotonic() - began < 2.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 20_000, "kilobytes: no list of missed ticks"
    assert board.ticks == 2, "what was missed is done once"


def test_jobs_stay_in_step_and_never_fire_at_the_same_moment_twice() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for seconds in (1.0, 2.5, 10 / 3, 60.0):
        every, moment = scheduler.Every(seconds, begin), begin
        for _ in range(50):
            following = every.get_next_fire_time(moment, moment)
            assert following == moment + timedelta(seconds=seconds)
            moment = following
        late = every.get_next_fire_time(moment, moment + timedelta(days=365))
        assert timedelta(0) < late - (moment + timedelta(days=365)) <= timedelta(seconds=seconds)
