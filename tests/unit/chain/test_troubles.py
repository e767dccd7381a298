"""What fails of the daemon's own work is told where a person looks, even while nothing can be stored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from aggregator.commands.status import daemon_problems
from aggregator.errors import StoreError
from aggregator.ports import EVENTS
from aggregator.run.monitoring import disks
from aggregator.run.monitoring.metrics import OwnProcess
from aggregator.store.sqlite import SqliteStore
from tests.unit.chain.newsroom import START
from tests.unit.chain.test_service import CONFIG, Desk, run

BACKUPS = CONFIG + "storage: {database: news/news.db, backup: {every: 1h}}\n"


def told(desk: Desk, kind: str) -> int:
    """How often the health feed tells of a kind: 1 while it lasts, 2 when it is over."""
    document = desk.resources.shelf.get("/health.atom")
    words = {"backup": b"Backups fail", "disk": b"A disk is full", "readonly": b"A disk is read-only"}
    assert document is not None
    return document.body.count(words[kind])


def metric(desk: Desk, name: str) -> str | None:
    lines = desk.service.metrics.render({}).decode().splitlines()
    return next((line.rpartition(" ")[2] for line in lines if line.startswith(name + " ")), None)


async def pass_time(desk: Desk, seconds: float) -> None:
    """Runs the jobs that look after health and backups, each as often as it wants to be."""
    jobs = [job for job in desk.service.jobs() if job.name in ("health", "own-health", "backup")]
    for second in range(1, int(seconds) + 1):
        desk.clock.time += 1
        for job in jobs:
            if second % job.seconds == 0:
                await job.work()


def test_a_failing_backup_is_told_within_a_minute_until_one_succeeds(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(BACKUPS)
        folder = tmp_path / "news" / "backup"
        folder.write_text("a file in the way")
        await pass_time(desk, 70)
        assert told(desk, "backup") == 1
        assert metric(desk, 'aggregator_conditions{kind="backup"}') == "1.0"
        (problem,) = daemon_problems(desk)  # type: ignore[arg-type]
        assert problem.startswith("Backups fail") and str(folder) in problem
        service._last_tick = desk.clock.time
        assert service.ready()[0], "everything else works"
        folder.unlink()
        await pass_time(desk, 370)
        assert told(desk, "backup") == 2
        assert daemon_problems(desk) == []  # type: ignore[arg-type]
        assert metric(desk, 'aggregator_conditions{kind="backup"}') is None
        assert len(list(folder.iterdir())) == 1, "beside the database, if nothing else is said"

    run(tmp_path, work)


def disk(monkeypatch: pytest.MonkeyPatch, free: int, *, read_only: bool = False) -> None:
    """Makes every disk look so."""
    real = os.statvfs

    def statvfs(path: Any) -> os.statvfs_result:
        found = list(real(path))
        found[4] = free // found[1]  # f_bavail, in f_frsize
        found[8] = os.ST_RDONLY if read_only else 0
        return os.statvfs_result(found)

    monkeypatch.setattr(disks.os, "statvfs", statvfs)


@pytest.mark.parametrize(("kind", "read_only"), [("disk", False), ("readonly", True)])
def test_a_disk_that_takes_nothing_is_told_although_the_database_refuses_to_store_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, read_only: bool
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("no space left for the database")

    async def work(desk: Desk) -> None:
        service = await desk.start()
        with monkeypatch.context() as patch:
            disk(patch, 4_096, read_only=read_only)
            patch.setattr(SqliteStore, "begin", refuse)
            patch.setattr(service.runtime.publisher._trees[False], "write", refuse)
            await pass_time(desk, 20)
            assert told(desk, kind) == 1
            assert metric(desk, f'aggregator_conditions{{kind="{kind}"}}') == "1.0"
            unwritable, of_disk = daemon_problems(desk)  # type: ignore[arg-type]
            assert unwritable.startswith("The database can't be written: "), "`status` looks for itself"
            assert of_disk.startswith("A disk is ")
            assert desk.store.events(EVENTS) == []
            assert not service.ready()[0]
            await pass_time(desk, 130)
            assert told(desk, kind) == 1
        await pass_time(desk, 70)
        assert told(desk, kind) == 2
        (event,) = desk.store.events(EVENTS)
        assert (event.kind, event.opened, event.closed) == (kind, START + 10, START + 160)
        published = service.runtime.settings.publish.directory / "health.atom"
        assert published.read_bytes() == desk.resources.shelf.get("/health.atom").body  # type: ignore[union-attr]

    run(tmp_path, work)


def test_a_disk_that_is_nearly_full_is_told_and_works_until_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start()
        disk(monkeypatch, 26_300_000)
        await pass_time(desk, 20)
        service._last_tick = desk.clock.time
        assert service.ready()[0], "a balancer must not take it out"
        assert (service.ready()[1]["disk"], service.details()["disk"]) == ("nearly full", "nearly full (26.3 MB left)")
        assert metric(desk, 'aggregator_conditions{kind="space"}') == "1.0"
        assert desk.resources.shelf.get("/health.atom").body.count(b"A disk is nearly full") == 1  # type: ignore[union-attr]
        disk(monkeypatch, 17_000_000)
        (problem,) = daemon_problems(desk)  # type: ignore[arg-type]
        assert problem.startswith("A disk is nearly full: ") and "17.0 MB left" in problem, "as it is now"
        disk(monkeypatch, 300_000)
        said = daemon_problems(desk)  # type: ignore[arg-type]
        assert [one.partition(":")[0] for one in said] == ["The database can't be written", "A disk is full"]
        assert (service.ready()[0], service.ready()[1]["disk"]) == (False, "full")
        assert service.ready()[1].keys() <= service.details().keys()
        await pass_time(desk, 20)
        assert told(desk, "disk") == 1
        assert metric(desk, 'aggregator_conditions{kind="space"}') is None

    run(tmp_path, work)


def test_the_last_success_before_a_restart_is_known_at_once(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        await desk.start(CONFIG.replace(", enabled: false", ""))
        assert metric(desk, "aggregator_last_success_timestamp_seconds") == "NaN", "0 would alert everybody"
        (state,) = desk.store.states().values()
        with desk.store.begin() as transaction:
            transaction.save_state(replace(state, last_poll=START, last_success=START))

    run(tmp_path, work)

    async def again(desk: Desk) -> None:
        await desk.start(CONFIG.replace(", enabled: false", ""))
        assert float(metric(desk, "aggregator_last_success_timestamp_seconds") or 0) == START

    run(tmp_path, again)


def test_readiness_tells_that_nothing_succeeds_any_more(tmp_path: Path) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(CONFIG.replace(", enabled: false", ", every: 5m"))
        (state,) = desk.store.states().values()
        failed = replace(
            state, last_poll=START + 500, last_success=START, first_success=START, failures=2, due=START + 9e3, last_error="down"
        )
        with desk.store.begin() as transaction:
            transaction.save_state(failed)
        for now, ready in ((START + 550, True), (START + 660, False)):
            desk.clock.time = service._last_tick = now
            await service.health.check()
            assert (service.ready()[0], service.ready()[1]["network"] == "ok") == (ready, ready)
        assert "no success for" in str(service.details()["network"])
        with desk.store.begin() as transaction:
            transaction.save_state(replace(failed, failures=0, last_success=START + 655))
        await service.health.check()
        assert service.ready()[0]

    run(tmp_path, work)


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    """A log on the full disk that it tells of."""
    code = "from aggregator.logs import configure, logger; configure(); logger('x').error('full' * 9000); print('went on')"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert done.stdout == "went on\n"


def test_a_disk_that_stopped_being_written_is_looked_at_once_something_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ext4 does after an error: neither statvfs(2) nor access(2) say so, and only a write tells."""
    real, tried = os.open, []

    def refuse(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            tried.append(path)
            raise OSError(30, "Read-only file system")
        return real(path, flags, *more, **named)

    async def work(desk: Desk) -> None:
        service = await desk.start()
        monkeypatch.setattr(disks.os, "open", refuse)
        await pass_time(desk, 20)
        assert not tried, "a disk that nobody writes to may sleep"
        service._tick_error = "the disk failed"
        await pass_time(desk, 10)
        assert told(desk, "readonly") == 1

    run(tmp_path, work)


def test_the_process_is_measured_where_proc_shows_processes_alone(tmp_path: Path) -> None:
    """As under systemd's ProcSubset=pid, which hides /proc/stat."""
    (tmp_path / "self").symlink_to("/proc/self")
    registry = CollectorRegistry()
    OwnProcess(proc=str(tmp_path), registry=registry)
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1e6
    assert abs((registry.get_sample_value("process_start_time_seconds") or 0) - process_start()) < 2


def process_start() -> float:
    """As /proc/stat and /proc/self/stat tell it."""
    booted = next(line.split()[1] for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    return float(booted) + int(ticks) / os.sysconf("SC_CLK_TCK")
