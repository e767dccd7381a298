"""Jobs that are to be done once in the cluster, whoever leads: rows of procrastinate, so that one that was cut short is repeated.

The leader defers each when its time has come, and works on them. A job that a leader left unfinished is repeated by the next one.
Polls are no jobs: a worker does some eighty jobs a second, and thousands of claims.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import structlog
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.jobs import Status
from psycopg_pool import PoolTimeout

from aggregator.errors import StoreError
from aggregator.ports import Job
from aggregator.store.postgres.cluster.jobs_schema import prepare
from aggregator.store.postgres.connection import arguments, explained

log = structlog.get_logger("jobs")

QUEUE = "lead"
STALLED = 30.0
"""Seconds without a heartbeat after which a worker counts as dead, and its job is repeated. It beats every ten."""
AT_ONCE = 4
"""Jobs under way: a slow one (a list that is fetched) must not hold up the others."""
GRACE = 1.0
"""Seconds that jobs under way get at the end; what is cut short is repeated by the next leader."""
AGAIN = 3.0
"""Seconds until the queue is opened anew after the server was away."""
FAILURES_KEPT = 7 * 24
"""Hours for which failed jobs are kept."""
CONNECTIONS = 3


class ClusterJobs:
    """Runs jobs from the database's queue. name: the database in messages."""

    def __init__(self, address: str, name: str) -> None:
        self._address, self._name = address, name

    async def run(self, jobs: Sequence[Job]) -> None:
        """Does each job every so many seconds, until cancelled. While the server is away it waits."""
        task = asyncio.current_task()
        while True:
            try:
                await asyncio.to_thread(self._prepare)
                await self._work(jobs)
            except (StoreError, exceptions.ConnectorException, PoolTimeout, psycopg.Error) as error:
                if task is not None and task.cancelling():  # the worker's end failed with the server
                    raise asyncio.CancelledError from error
                log.warning("jobs_interrupted", error=str(error).partition("\n")[0] or repr(error), pause=AGAIN)
            await asyncio.sleep(AGAIN)

    def _prepare(self) -> None:
        with explained(self._name):
            prepare(self._address)

    async def _work(self, jobs: Sequence[Job]) -> None:
        kwargs = {name: value for name, value in arguments().items() if name in ("connect_timeout", "application_name")}
        app = App(connector=PsycopgConnector(conninfo=self._address, kwargs=kwargs, min_size=1, max_size=CONNECTIONS))
        for job in jobs:
            _register(app, job)
        _register(app, Job("retry-stalled", STALLED, lambda: _retry_stalled(app)))
        _register(app, Job("forget-failures", 3_600.0, lambda: _forget_failures(app)))
        async with app.open_async():
            await app.run_worker_async(
                queues=[QUEUE],
                name="leader",
                concurrency=AT_ONCE,
                shutdown_graceful_timeout=GRACE,
                delete_jobs="successful",
                install_signal_handlers=False,
                stalled_worker_timeout=STALLED,
            )


def _register(app: App, job: Job) -> None:
    """Has a job deferred at its times. It never runs twice at a time, nor waits twice.

    Not by procrastinate's `lock`: that of a killed worker's job stays until somebody ends the job.
    """
    turn = asyncio.Lock()

    async def work(timestamp: int) -> None:
        if turn.locked():
            return
        async with turn:
            try:
                await job.work()
            except StoreError as error:
                log.error("job_failed", job=job.name, error=str(error))
            except Exception as error:  # later runs go on
                log.error("job_failed", job=job.name, error=repr(error), exc_info=error)

    task = app.task(name=job.name, queue=QUEUE, queueing_lock=job.name, retry=True)(work)  # retry: what the end cut short
    app.periodic(cron=cron_line(job.seconds))(task)


async def _retry_stalled(app: App) -> None:
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED):
        log.info("job_repeated", job=job.task_name)
        try:
            await app.job_manager.retry_job(job)
        except exceptions.UniqueViolation:  # its next run waits already
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


async def _forget_failures(app: App) -> None:
    await app.job_manager.delete_old_jobs(FAILURES_KEPT, include_failed=True, include_cancelled=True, include_aborted=True)


def cron_line(seconds: float) -> str:
    """A line of six fields, the last of which are seconds. Raises ValueError for what does not divide a minute, hour or day."""
    for unit, line in ((1, "* * * * * {}"), (60, "{} * * * * 0"), (3_600, "0 {} * * * 0")):
        count, rest = divmod(seconds, unit)
        most = 24 if unit == 3_600 else 60
        if not rest and count < most and not most % count:
            return line.format(f"*/{count:.0f}")
    raise ValueError(f"jobs can't be done every {seconds:g} s")
