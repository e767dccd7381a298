"""`aggregator poll`: polls and publishes in this process, or asks the daemon that holds the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aggregator.errors import AggregatorError
from aggregator.model import PollReport, SourceId, Work
from aggregator.ports import PollRequest, Store
from aggregator.publish.selection import filling
from aggregator.publish.site import published_state
from aggregator.run.claiming import LEASE
from aggregator.run.config_in_use import fingerprint
from aggregator.run.jobs.articles import Articles
from aggregator.run.jobs.maintenance import SWEPT_KEY, Maintenance
from aggregator.run.jobs.periodic import PeriodicWork
from aggregator.run.jobs.uploading import Uploading
from aggregator.run.monitoring.health_watch import HealthWatch
from aggregator.run.polls import poll_requests
from aggregator.run.polls.poller import Poller
from aggregator.run.private_files import restrict_private_files
from aggregator.run.runtime import CurrentRuntime, Runtime
from aggregator.stories.upkeep.adopt_config import adopt

PATIENCE = 600.0
"""Seconds to wait for the daemon's answer before the command gives up; the daemon goes on polling."""
FIRST_ANSWER = 5.0
"""Seconds after which the disk is looked at: a daemon that can still store an answer gets them."""
ANSWER_CHECK = 0.2
"""Seconds between two checks for its answer."""


async def poll_here(
    current: CurrentRuntime,
    ids: Sequence[SourceId] | None,
    *,
    forced: bool,
    done: Callable[[PollReport], None],
) -> list[PollReport]:
    """Polls what is due (or `ids`), publishes, and closes the runtime. The caller holds the database's lock.

    done: called with each report as its poll ends.
    """
    runtime = current.runtime
    store, now = runtime.store, runtime.clock.now()
    uploading = Uploading(current)  # before anything is published: it knows by the time which files are of now
    try:
        restrict_private_files(runtime.settings)
        store.sync_sources(runtime.settings.sources, now)
        adopt(store, runtime.settings, lambda: runtime.rules, now, runtime.owners)
        runtime.gate.restore(store.holds(now))
        poller = Poller(current, runtime.settings.polling.workers, runtime.shares.polls)
        polls = poller.start(_claim_sources(runtime, ids, forced=forced), forced=forced)
        for poll in polls:
            poll.add_done_callback(lambda one: None if one.cancelled() or one.exception() else done(one.result()))
        reports = list(await asyncio.gather(*polls))
        await runtime.writer.flush()
        await runtime.writer.call(lambda: filling.end(store, runtime.settings, runtime.clock.now()))
        await Articles(current, lambda slugs: None).run_all()
        await PeriodicWork(current, lambda slugs: None).run_all()
        await HealthWatch(current).check()
        await _maintain(current)
        await runtime.writer.call(lambda: publish_if_changed(runtime))
        await _upload(uploading)
    finally:
        await runtime.aclose()
    return reports


async def _upload(uploading: Uploading) -> None:
    """Copies what is published into an object store, if the config names one. Raises AggregatorError if that fails."""
    try:
        await uploading.upload()
    finally:
        await uploading.close()


async def _maintain(current: CurrentRuntime) -> None:
    """Does what a daemon does in quiet minutes, but for backups."""
    maintenance = Maintenance(current)
    await maintenance.sweep_if_due()
    await maintenance.tidy_if_due()


def _claim_sources(runtime: Runtime, ids: Sequence[SourceId] | None, *, forced: bool) -> list[Work]:
    """Returns the sources to poll: the named ones, all, or those that are due; due ones are claimed in case this is killed."""
    if forced or ids is not None:
        return runtime.select_sources(PollRequest("", None if ids is None else tuple(ids), forced))
    now, everything = runtime.clock.now(), len(runtime.settings.sources)
    if not runtime.store.due(now, 1):
        return []
    with runtime.store.begin() as transaction:
        return runtime.with_sources(transaction.claim(now, everything, now + LEASE))


def publish_if_changed(runtime: Runtime) -> None:
    """Publishes everything unless the database, the config and the files are as the last publishing left them."""
    publisher, now = runtime.publisher, runtime.clock.now()
    publisher.rankings.rank_feeds(now)  # time alone may have changed their order
    before = _fingerprint(runtime)
    if before is not None and runtime.store.value(published_state.FINGERPRINT_KEY) == before:
        return
    publisher.rankings.rank_front(now)
    publisher.publish(None, now)
    with runtime.store.begin() as transaction:
        transaction.set_value(published_state.FINGERPRINT_KEY, _fingerprint(runtime))


def _fingerprint(runtime: Runtime) -> str | None:
    """Computes a fingerprint of all that documents depend on, including included files and the last sweep."""
    swept = runtime.store.value(SWEPT_KEY) or ""
    return published_state.fingerprint_published(runtime.settings, runtime.store, fingerprint(runtime.settings) + swept.encode())


async def poll_there(
    store: Store,
    ids: Sequence[SourceId] | None,
    *,
    forced: bool,
    is_free: Callable[[], bool],
    why_unwritable: Callable[[], str | None] = lambda: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[PollReport] | None:
    """Asks the daemon that holds the database to poll, and waits for its reports.

    Returns None if the database became free (`is_free`): the holder was another `poll`, or the daemon has ended. Raises
    AggregatorError if there is no answer, and soon if none can come: on a full disk (`why_unwritable`) the daemon can't store it.
    """
    request = poll_requests.ask(store, ids, forced=forced)
    for check in range(int(PATIENCE / ANSWER_CHECK)):
        if (reports := poll_requests.read_answer(store, request)) is not None:
            return reports
        if is_free():
            poll_requests.withdraw(store, request)
            return None
        if check >= FIRST_ANSWER / ANSWER_CHECK and (why := why_unwritable()) is not None:
            with suppress(AggregatorError):  # the disk may take that no more than anything else
                poll_requests.withdraw(store, request)
            raise AggregatorError(f"{why}: the daemon that holds the database can't store what it polls")
        await sleep(ANSWER_CHECK)
    poll_requests.withdraw(store, request)
    raise AggregatorError("the daemon that holds the database did not answer; see its log")
