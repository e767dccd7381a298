"""The one wiring: which implementation stands behind which port, of the daemon and of a poll without one."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence

from aggregator.dedup.engine import Engine
from aggregator.errors import HeldError
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.message import HttpMessenger
from aggregator.model import SourceId
from aggregator.pipeline import Current, Pipeline, PollReport
from aggregator.ports import Database
from aggregator.publish import owed
from aggregator.publish.publisher import Publisher
from aggregator.publish.shelf import Shelf
from aggregator.reading.pool import ReadingPool, automatic
from aggregator.run import scheduler
from aggregator.run.clock import SystemClock
from aggregator.run.descriptors import raise_limit
from aggregator.run.one_shot import poll_here, poll_there
from aggregator.run.opml_lists import Lists
from aggregator.run.runtime import InUse, Own, Runtime
from aggregator.run.service import Service
from aggregator.serve.server import listen
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories.ingest import Reader
from aggregator.stories.outlets import owners
from aggregator.tag.rules import compile_rules
from aggregator.websub import deliveries
from aggregator.websub.subscriptions import Hubs


async def run(settings: Settings, load: Callable[[], Settings], store: Database) -> None:
    """The daemon, until it is told to stop. load: reads the config anew and checks it.

    Raises before anything starts: database or port taken.
    """
    with store.lock(), listen(settings.server.host, settings.server.port) as listener:
        store.check()
        own = make_own(settings, store)
        service = Service(make_runtime(settings, own), load, make_runtime, listener)
        gc.freeze()  # what was made by now stays: the collector need not look at it again
        await scheduler.run(service)


async def poll_once(
    settings: Settings,
    load: Callable[[], Settings],
    store: Database,
    ids: Sequence[SourceId] | None,
    *,
    forced: bool,
    done: Callable[[PollReport], None],
) -> list[PollReport]:
    """Polls and publishes: here, or by the daemon that has the database."""
    while True:
        try:
            with store.lock():
                own = make_own(settings, store)
                runtime = make_runtime(settings, own)
                if await Lists().refresh(settings, runtime.fetcher, own.clock.now()):
                    runtime = make_runtime(load(), own)
                return await poll_here(InUse(runtime), ids, forced=forced, done=done)
        except HeldError:
            reports = await poll_there(store, ids, forced=forced, is_free=lambda: _is_free(store))
        if reports is not None:
            return reports


def _is_free(store: Database) -> bool:
    """Whether nobody holds the database now."""
    try:
        with store.lock():
            return True
    except HeldError:
        return False


def make_own(settings: Settings, store: Database) -> Own:
    """What the process owns, however often its config is read again. To be called inside the event loop that uses it."""
    return Own(
        store=store,
        writer=Writer(store),
        clock=SystemClock(),
        gate=HostGate(settings),
        shelf=Shelf(),
        documents=ReadingPool(settings.polling.readers or automatic()),
        current=Current(),
        descriptors=raise_limit(),
    )


def make_runtime(settings: Settings, own: Own) -> Runtime:
    """Everything that one config makes. Raises AggregatorError."""
    rules = compile_rules(settings)
    fetcher = HttpFetcher(settings, own.gate)
    reader = Reader(rules, Engine(settings.dedup), settings.publish.backfill, owners(settings.sources))
    chain = (fetcher, own.documents, reader)
    hubs = Hubs(own.store) if settings.network.websub else None
    subscribers = deliveries.Composer(settings, own.store, own.shelf)
    return Runtime(
        settings=settings,
        own=own,
        rules=rules,
        fetcher=fetcher,
        pipeline=Pipeline(settings, own.store, own.writer, own.gate, *chain, own.clock, random.random, own.current, hubs),
        publisher=Publisher(settings, own.store, own.shelf),
        compose={**owed.Composer(settings, own.store).kinds, **subscribers.kinds},
        messenger=HttpMessenger(settings),
    )
