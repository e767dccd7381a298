"""Jobs of a cluster: done once, repeated by the next leader if they were cut short, and gone from the tables when done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from aggregator.errors import StoreError
from aggregator.ports import Job
from aggregator.store.postgres.cluster import jobs, jobs_schema
from aggregator.store.postgres.store import PostgresStore
from tests import postgres

PATIENCE = 20.0


@pytest.fixture
def store(address: str) -> Iterator[PostgresStore]:
    opened = PostgresStore(address)
    yield opened
    opened.close()


def rows(address: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


async def leaders(store: PostgresStore, todo: list[Job], until: Callable[[], bool], number: int = 1) -> None:
    """So many processes that believe to lead, until something has happened."""
    running = [asyncio.create_task(store.cluster.run_jobs(todo)) for _ in range(number)]
    async with asyncio.timeout(PATIENCE):
        while not until():  # noqa: ASYNC110 - what happens, happens in the database
            await asyncio.sleep(0.02)
    for one in running:
        one.cancel()
    for one in running:
        with suppress(asyncio.CancelledError):
            await one


def test_a_job_is_done_once_at_each_of_its_times(store: PostgresStore, address: str) -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("")

    asyncio.run(leaders(store, [Job("digests", 1.0, work)], lambda: len(done) >= 3, number=2))
    [(times,)] = rows(address, "SELECT count(*) FROM procrastinate_periodic_defers WHERE task_name = 'digests'")
    assert times == 1, "one row for each job, not for each time"
    assert rows(address, "SELECT count(*) FROM procrastinate_jobs WHERE status NOT IN ('todo')") == [(0,)]


def test_a_failure_does_not_stop_later_runs(store: PostgresStore) -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("")
        raise StoreError("away") if len(done) == 1 else RuntimeError("a bug")

    asyncio.run(leaders(store, [Job("health", 1.0, work)], lambda: len(done) >= 3))


def test_what_a_dead_leader_left_is_repeated(store: PostgresStore, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "STALLED", 1.0)
    jobs_schema.prepare(address)
    rows(
        address,
        """WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id)
        INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, worker_id)
        SELECT 'lead', 'sweep', 'sweep', '{"timestamp": 5}', 'doing', id FROM dead RETURNING id""",
    )
    done: list[str] = []

    async def work() -> None:
        done.append("")

    def is_over() -> bool:
        return bool(done) and not rows(
            address, "SELECT id FROM procrastinate_jobs WHERE task_name = 'sweep' AND status = 'doing'"
        )

    asyncio.run(leaders(store, [Job("sweep", 3_600.0, work)], is_over))


def test_what_the_end_cuts_short_waits_for_the_next_leader(
    store: PostgresStore, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.1)
    begun: list[str] = []

    async def work() -> None:
        begun.append("")
        await asyncio.sleep(PATIENCE)

    asyncio.run(leaders(store, [Job("tidy", 1.0, work)], lambda: bool(begun)))
    assert rows(address, "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'tidy'") == [("todo",)]


def test_it_ends_when_told_even_if_the_server_is_gone_by_then(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()

    async def work(self: jobs.ClusterJobs, todo: list[Job]) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise psycopg.OperationalError("the connection is lost") from None

    async def end() -> None:
        running = asyncio.create_task(store.cluster.run_jobs([]))
        await started.wait()
        running.cancel()
        await asyncio.wait([running], timeout=jobs.AGAIN)
        assert running.cancelled()

    monkeypatch.setattr(jobs.ClusterJobs, "_work", work)
    asyncio.run(end())


def test_tables_of_an_older_release_are_brought_up_to_date(store: PostgresStore, address: str) -> None:
    older = [one for one in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")) if one.name < "03.02"]
    with psycopg.connect(address, autocommit=True) as connection:
        for file in older:
            connection.execute(file.read_text().encode())
        connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{older[-1].name}'".encode())
    jobs_schema.prepare(address)
    brought = functions(address)
    fresh = postgres.server().address("fresh_jobs")
    jobs_schema.prepare(fresh)
    assert brought == functions(fresh) and "procrastinate_retry_job_v2" in brought


def functions(address: str) -> set[object]:
    query = "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate%'"
    return {row[0] for row in rows(address, query)}


@pytest.mark.parametrize(("seconds", "line"), [(1.0, "* * * * * */1"), (20.0, "* * * * * */20"), (300.0, "*/5 * * * * 0")])
def test_the_line_of_an_interval(seconds: float, line: str) -> None:
    assert jobs.cron_line(seconds) == line


def test_an_interval_that_no_line_can_say() -> None:
    with pytest.raises(ValueError, match="7 s"):
        jobs.cron_line(7.0)
