"""`aggregator poll`: polls and publishes in this process, or asks the daemon that has the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from aggregator.errors import AggregatorError
from aggregator.model import SourceId
from aggregator.pipeline import PollReport, Work
from aggregator.ports import PollRequest, Store
from aggregator.publish import filling, sealed
from aggregator.run import poll_requests
from aggregator.run.maintenance import SWEPT_KEY, Maintenance
from aggregator.run.periodic import PeriodicWork
from aggregator.run.poller import LEASE, Poller
from aggregator.run.private_files import tighten_at_start
from aggregator.run.reload import fingerprint
from aggregator.run.runtime import InUse, Runtime
from aggregator.stories.adopt_config import adopt

PATIENCE = 600.0
"""Seconds that the daemon is waited for before the command gives up (it polls on)."""
LOOK = 0.2
"""Seconds between two looks for its answer."""


async def poll_here(
    in_use: InUse,
    ids: Sequence[SourceId] | None,
    *,
    forced: bool,
    done: Callable[[PollReport], None],
) -> list[PollReport]:
    """Polls what is due (or `ids`), publishes, and closes the runtime. The caller holds the database's lock."""
    runtime = in_use.runtime
    store, now = runtime.store, runtime.clock.now()
    try:
        tighten_at_start(runtime.settings)
        store.sync_sources(runtime.settings.sources, now)
        adopt(store, runtime.settings, lambda: runtime.rules, now)
        runtime.gate.restore(store.holds(now))
        poller = Poller(in_use, runtime.settings.polling.workers, runtime.shares.polls)
        polls = poller.start(_taken_up(runtime, ids, forced=forced), forced=forced)
        for poll in polls:
            poll.add_done_callback(lambda one: None if one.cancelled() or one.exception() else done(one.result()))
        reports = list(await asyncio.gather(*polls))
        await runtime.writer.flush()
        await runtime.writer.call(lambda: filling.end(store, runtime.settings, runtime.clock.now()))
        await PeriodicWork(in_use, lambda slugs: None, None).everything()
        await Maintenance(in_use).sweep_if_due()
        await runtime.writer.call(lambda: publish(runtime))
    finally:
        await runtime.aclose()
    return reports


def _taken_up(runtime: Runtime, ids: Sequence[SourceId] | None, *, forced: bool) -> list[Work]:
    """What is polled: by name or all, or else what is due, which is then not due again at once if this is killed."""
    if forced or ids is not None:
        return runtime.wanted(PollRequest("", None if ids is None else tuple(ids), forced))
    now, everything = runtime.clock.now(), len(runtime.settings.sources)
    if not runtime.store.due(now, 1):
        return []
    with runtime.store.begin() as transaction:
        return runtime.with_sources(transaction.claim(now, everything, now + LEASE))


def publish(runtime: Runtime) -> None:
    """Publishes everything, unless the database, the config and the files are as the last time left them."""
    before = _seal(runtime)
    if before is not None and runtime.store.value(sealed.KEY) == before:
        return
    runtime.publisher.publish(None, runtime.clock.now())
    with runtime.store.begin() as transaction:
        transaction.set_value(sealed.KEY, _seal(runtime))


def _seal(runtime: Runtime) -> str | None:
    """Retention takes stories out of feeds, too; a config may be filled in from files that it includes."""
    swept = runtime.store.value(SWEPT_KEY) or ""
    return sealed.seal(runtime.settings, runtime.store, fingerprint(runtime.settings) + swept.encode())


async def poll_there(
    store: Store,
    ids: Sequence[SourceId] | None,
    *,
    forced: bool,
    is_free: Callable[[], bool],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[PollReport] | None:
    """Lets the daemon that has the database poll, and waits for its reports.

    None if it has ended meanwhile (`is_free`), or was another poll: then it is ours to do. Raises AggregatorError if there is
    no answer.
    """
    request = poll_requests.ask(store, ids, forced=forced)
    for _ in range(int(PATIENCE / LOOK)):
        if (reports := poll_requests.answered(store, request)) is not None:
            return reports
        if is_free():
            poll_requests.withdraw(store, request)
            return None
        await sleep(LOOK)
    poll_requests.withdraw(store, request)
    raise AggregatorError("the daemon that holds the database did not answer; see its log")
