"""The daemon: a tick that polls what is due, the jobs around it, reload, drain. Nothing else knows APScheduler."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from msgspec import Struct, field

from aggregator.errors import AggregatorError, DatabaseLostError
from aggregator.ports import Job
from aggregator.run.systemd import notify, watchdog_interval

log = structlog.get_logger("scheduler")

TICK = 1.0
"""Seconds between two looks for due sources."""
RELOAD_TICK = 2.0
"""Seconds between two looks at the config's content: file events don't reach bind mounts and ConfigMaps."""
DRAIN = 8.0
"""Seconds that polls under way are given at the end: with closing, the whole stays under the 10 s that are promised."""
LIMIT = 9.5
"""Seconds for all of the end. A backup or a long transaction under way is not waited for longer."""
HUNG = 900.0
"""Seconds without a tick after which systemd is not told any more that all is well: longer than any backup should take."""
STALL = 30.0
"""Seconds without a tick after which the scheduler's clock is taken to have jumped, and its jobs are started anew."""
STORE_PAUSE = 30.0
"""Seconds without new polls after the store refused a write: a full disk must not become a burst of requests."""


class Service(Protocol):
    """What runs inside the daemon: made and wired by app."""

    async def start(self) -> None: ...
    async def look(self) -> None: ...
    async def tick(self) -> None: ...
    def may_end(self) -> bool: ...
    async def reload_if_changed(self, *, forced: bool) -> None: ...
    def jobs(self) -> list[Job]: ...
    async def drain(self, seconds: float) -> None: ...


class _Beat(Struct):
    """When the last tick ended, on the monotonic clock. last: or when its jobs were last started anew."""

    last: float
    ticked: float
    paused_until: float = 0.0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hangup: asyncio.Event = field(default_factory=asyncio.Event)
    lost: DatabaseLostError | None = None


async def run(service: Service, *, end: Callable[[int], object] = os._exit) -> None:
    """Runs until SIGTERM or SIGINT, then drains. SIGHUP reloads. Raises what `service.start` raises, and DatabaseLostError
    after a drain when the database was deleted or replaced: then the service manager starts it again.

    end: ends the process as it stands, when something in the writer's thread takes too long. Nothing is lost by that: it is
    what a power cut does.
    """
    loop = asyncio.get_running_loop()
    beat = _Beat(loop.time(), loop.time())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, beat.stop.set)
    loop.add_signal_handler(signal.SIGHUP, beat.hangup.set)
    await service.start()
    scheduler, jobs = _schedule(service, beat)
    scheduler.start()
    beside = [asyncio.create_task(_watch(scheduler, jobs, beat)), asyncio.create_task(_reload_on_hangup(service, beat))]
    notify("READY=1")
    try:
        await beat.stop.wait()
    finally:
        notify("STOPPING=1")
        log.info("stopping")
        for task in beside:
            task.cancel()
        scheduler.shutdown(wait=False)
        try:
            async with asyncio.timeout(LIMIT if service.may_end() else None):
                await service.drain(DRAIN)
        except TimeoutError:
            log.warning("stopped_at_once", after=LIMIT)
            end(0 if beat.lost is None else beat.lost.exit_code)
        except DatabaseLostError:
            log.info("stopped")  # what was under way could not be stored any more, and is asked for again
        else:
            log.info("stopped")
    if beat.lost is not None:
        raise beat.lost


def _schedule(service: Service, beat: _Beat) -> tuple[AsyncIOScheduler, list[Job]]:
    scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    scheduler.add_listener(_job_failed, EVENT_JOB_ERROR)

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        try:
            await service.look()
            if loop.time() >= beat.paused_until:
                await service.tick()
        except DatabaseLostError as error:
            log.error("database_lost", error=str(error))
            beat.lost = error
            beat.stop.set()
        except AggregatorError as error:
            beat.paused_until = loop.time() + STORE_PAUSE
            log.error("tick_failed", error=str(error), pause=STORE_PAUSE)
        finally:
            beat.last = beat.ticked = loop.time()

    async def look_for_edits() -> None:
        await service.reload_if_changed(forced=False)

    jobs = [Job("tick", TICK, tick), Job("reload", RELOAD_TICK, look_for_edits), *service.jobs()]
    begin = datetime.now(UTC)  # one for all, so that jobs that are due in one second are one waking up
    for job in jobs:
        scheduler.add_job(job.work, "interval", seconds=job.seconds, id=job.name, start_date=begin)
    return scheduler, jobs


def _job_failed(event: JobExecutionEvent) -> None:
    if isinstance(event.exception, asyncio.CancelledError):
        return  # shutting down cancels a tick under way
    log.error("job_failed", job=event.job_id, error=repr(event.exception), exc_info=event.exception)


async def _reload_on_hangup(service: Service, beat: _Beat) -> None:
    """One reload at a time, and one more for however many SIGHUPs come meanwhile."""
    while True:
        await beat.hangup.wait()
        beat.hangup.clear()
        try:
            await service.reload_if_changed(forced=True)
        except Exception as error:  # the daemon goes on with what it has
            log.error("job_failed", job="reload", error=repr(error), exc_info=error)


async def _watch(scheduler: AsyncIOScheduler, jobs: list[Job], beat: _Beat) -> None:
    """Feeds systemd's watchdog while ticks come; restarts jobs that a clock set back would let wait for hours."""
    loop = asyncio.get_running_loop()
    interval = min(watchdog_interval() or TICK * 5, TICK * 5)
    while True:
        await asyncio.sleep(interval)
        if loop.time() - beat.last > STALL:
            log.warning("ticks_stalled", seconds=round(loop.time() - beat.last))
            for job in jobs:
                scheduler.reschedule_job(job.name, trigger="interval", seconds=job.seconds)
            beat.last = loop.time()
        if loop.time() - beat.ticked < HUNG:
            notify("WATCHDOG=1")
