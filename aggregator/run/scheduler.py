"""Runs the daemon: ticks, jobs, reload on SIGHUP, drain at the end. No other module uses APScheduler."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeAlias

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from msgspec import Struct, field

from aggregator.errors import AggregatorError, DatabaseLostError, LeadershipLostError, StoreError, UnreachableError
from aggregator.ports import Job
from aggregator.run.systemd import notify, watchdog_interval

log = structlog.get_logger("scheduler")

TICK = 1.0
"""Seconds between two checks for due sources."""
CONFIG_CHECK = 2.0
"""Seconds between two checks of the config's content: file events don't reach bind mounts and ConfigMaps."""
DRAIN = 8.0
"""Seconds that polls in flight get at the end: with closing, all stays under the promised 10 s."""
END_LIMIT = 9.5
"""Seconds for the whole shutdown. A running backup or long transaction is not waited for longer."""
HUNG = 900.0
"""Seconds without a tick after which systemd's watchdog is no longer fed: longer than any backup should take."""
STALL = 30.0
"""Seconds without a tick after which the wall clock must have jumped, and the jobs are rescheduled."""
STORE_PAUSE = 30.0
"""Seconds without new polls after the store refused a write: a full disk must not cause a burst of requests."""
SERVER_PAUSE = 3.0
"""The same after the database's server did not answer, for publishing, too: a restart takes seconds."""


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires every `seconds`, counted from `begin`; moments that were missed count as one.

    APScheduler's own IntervalTrigger names each missed moment, also with `coalesce`: a clock that is set forward by a year (a
    board without a clock gets the time) would hold the event loop up for minutes.
    """

    def __init__(self, seconds: float, begin: datetime) -> None:
        self._interval, self._begin = timedelta(seconds=seconds), begin

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Returns the first moment after the previous one and after `now`."""
        after = max(now, previous_fire_time or now)
        return self._begin + ((after - self._begin) // self._interval + 1) * self._interval


JobQueue: TypeAlias = Callable[[Sequence[Job]], Coroutine[Any, Any, None]]
"""Does jobs that several nodes keep in their queue, until cancelled (`Cluster.run_jobs`)."""


class Service(Protocol):
    """What the daemon runs; run/service.py implements it. queue: None where there is one process alone."""

    async def start(self) -> None: ...
    async def check_database(self) -> None: ...
    async def tick(self) -> None: ...
    def may_be_killed(self) -> bool: ...
    async def reload_if_changed(self, *, forced: bool) -> None: ...
    def jobs(self) -> list[Job]: ...
    def queue(self) -> JobQueue | None: ...
    async def drain(self, seconds: float) -> None: ...


class _State(Struct):
    """ticked: when the last tick ended; stall_start: when a tick ended or the jobs were rescheduled last. Times are monotonic.

    error: why the last tick failed, which is logged once.
    """

    ticked: float
    stall_start: float
    paused_until: float = 0.0
    error: str | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hangup: asyncio.Event = field(default_factory=asyncio.Event)
    lost: DatabaseLostError | LeadershipLostError | None = None


async def run(
    service: Service,
    *,
    told: asyncio.Event | None = None,
    at_once: bool = False,
    end: Callable[[int], object] = os._exit,
) -> None:
    """Runs until SIGTERM or SIGINT, then drains. SIGHUP reloads.

    Raises what `service.start` raises, and DatabaseLostError after a drain if the database was deleted or replaced: then the
    service manager starts the process again. Raises LeadershipLostError, once nothing of the service runs any more, if another
    process leads on the database. told: set when the process is told to end, maybe before this. at_once: the first tick comes
    without a pause. end: kills the process if the writer's thread takes too long at the end; like a power cut, that loses
    nothing.
    """
    loop = asyncio.get_running_loop()
    state = _State(loop.time(), loop.time())
    told = told or asyncio.Event()

    def stop() -> None:
        told.set()
        state.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if told.is_set():
        stop()
    loop.add_signal_handler(signal.SIGHUP, state.hangup.set)
    await service.start()
    scheduler, jobs = _schedule_jobs(service, state)
    scheduler.start()
    queue = service.queue()
    tasks = [] if queue is None else [asyncio.create_task(queue([job for job in service.jobs() if job.queued]))]
    tasks += [asyncio.create_task(_watch(scheduler, jobs, state)), asyncio.create_task(_reload_on_hangup(service, state))]
    for task in tasks:
        task.add_done_callback(_log_end)
    notify("READY=1")
    try:
        if at_once:
            await _tick(service, state)
        await state.stop.wait()
    finally:
        if not isinstance(state.lost, LeadershipLostError):
            notify("STOPPING=1")
            log.info("stopping")
        for task in tasks:
            task.cancel()
        scheduler.shutdown(wait=False)
        await asyncio.gather(*tasks, return_exceptions=True)
        await _drain(service, state, end)
    if state.lost is not None:
        raise state.lost


async def _drain(service: Service, state: _State, end: Callable[[int], object]) -> None:
    try:
        async with asyncio.timeout(END_LIMIT if service.may_be_killed() else None):
            await service.drain(0.0 if isinstance(state.lost, LeadershipLostError) else DRAIN)
    except TimeoutError:
        log.warning("stopped_at_once", after=END_LIMIT)
        end(0 if state.lost is None else state.lost.exit_code)
    except (DatabaseLostError, LeadershipLostError, UnreachableError):
        log.info("stopped")  # polls in flight could not be stored; the next process polls those sources again
    else:
        log.info("stopped")


def _schedule_jobs(service: Service, state: _State) -> tuple[AsyncIOScheduler, list[Job]]:
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    scheduler.add_listener(_FailedJobs(), EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)

    async def reload_if_changed() -> None:
        await service.reload_if_changed(forced=False)

    jobs = [
        Job("tick", TICK, partial(_tick, service, state)),
        Job("reload", CONFIG_CHECK, reload_if_changed),
        *(job for job in service.jobs() if not job.queued or service.queue() is None),
    ]
    begin = datetime.now(UTC)  # the same for all: jobs that are due in one second wake the process once
    for job in jobs:
        scheduler.add_job(job.work, Every(job.seconds, begin), id=job.name)
    return scheduler, jobs


async def _tick(service: Service, state: _State) -> None:
    loop = asyncio.get_running_loop()
    try:
        await service.check_database()
        if loop.time() >= state.paused_until:
            await service.tick()
            _note_error(state, None)
    except DatabaseLostError as error:
        log.error("database_lost", error=str(error))
        state.lost = error
        state.stop.set()
    except LeadershipLostError as error:
        log.error("leadership_lost", error=str(error))
        state.lost = error
        state.stop.set()
    except AggregatorError as error:
        state.paused_until = loop.time() + (SERVER_PAUSE if isinstance(error, UnreachableError) else STORE_PAUSE)
        _note_error(state, str(error))
    finally:
        state.ticked = state.stall_start = loop.time()


def _note_error(state: _State, error: str | None) -> None:
    """Logs that ticks fail, when they begin to or for another reason, and that they work again."""
    if error == state.error:
        return
    state.error = error
    if error is None:
        log.info("ticks_again")
    else:
        log.error("tick_failed", error=error)


class _FailedJobs:
    """Logs jobs that fail. What keeps a job from the database is told once, until it is another reason or the job has worked."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def __call__(self, event: JobExecutionEvent) -> None:
        job, error = event.job_id, event.exception
        if error is None:
            self._told.pop(job, None)
        elif isinstance(error, asyncio.CancelledError | LeadershipLostError):
            return  # shutting down cancels a running tick; that another process leads is told by the tick
        elif not isinstance(error, StoreError):
            log.error("job_failed", job=job, error=repr(error), exc_info=error)
        elif self._told.get(job) != str(error):
            self._told[job] = str(error)
            log.error("job_failed", job=job, error=str(error))


def _log_end(task: asyncio.Task[None]) -> None:
    """Tells of a task that was to run to the end: its jobs would stop, and nobody would know."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task_failed", error=repr(error), exc_info=error)


async def _reload_on_hangup(service: Service, state: _State) -> None:
    """Reloads on SIGHUP, one reload at a time; SIGHUPs that arrive during one cause one more."""
    while True:
        await state.hangup.wait()
        state.hangup.clear()
        try:
            await service.reload_if_changed(forced=True)
        except Exception as error:  # the daemon goes on with the old config
            log.error("job_failed", job="reload", error=repr(error), exc_info=error)


async def _watch(scheduler: AsyncIOScheduler, jobs: list[Job], state: _State) -> None:
    """Feeds systemd's watchdog while ticks run; reschedules jobs that would wait for hours after the clock was set back."""
    loop = asyncio.get_running_loop()
    interval = min(watchdog_interval() or TICK * 5, TICK * 5)
    while True:
        await asyncio.sleep(interval)
        if loop.time() - state.stall_start > STALL:
            log.warning("ticks_stalled", seconds=round(loop.time() - state.stall_start))
            begin = datetime.now(UTC)
            for job in jobs:
                scheduler.reschedule_job(job.name, trigger=Every(job.seconds, begin))
            state.stall_start = loop.time()
        if loop.time() - state.ticked < HUNG:
            notify("WATCHDOG=1")
