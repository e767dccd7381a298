"""Wires the application: chooses the implementation of each port, for the daemon and for `aggregator poll`."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

import structlog
from msgspec.structs import replace

from aggregator.channels.outbox import Parts
from aggregator.channels.senders import make_senders
from aggregator.dedup.engine import Engine
from aggregator.dedup.weigh import rarity, view_of
from aggregator.errors import HeldError, LeadershipLostError, StoreError, UnreachableError
from aggregator.fetch.body import BodyBudget
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.messenger import HttpMessenger
from aggregator.model import PollReport, SourceId
from aggregator.pipeline import CurrentPipeline, DocumentStorage, NextStates, Pipeline, PoliteRequests
from aggregator.ports import Database, Rules
from aggregator.publish.messages.channel_messages import ChannelComposer
from aggregator.publish.messages.webhooks import WebhookComposer
from aggregator.publish.publisher import Publisher
from aggregator.publish.shelf import Shelf
from aggregator.publish.site.ownership import SITE_ID, check_folders, make_owner
from aggregator.reading.pool import ReadingPool, count_readers
from aggregator.run import scheduler
from aggregator.run.clock import SystemClock
from aggregator.run.descriptors import raise_limit
from aggregator.run.disks import why_unwritable
from aggregator.run.following import poll_again
from aggregator.run.one_shot import poll_here, poll_there
from aggregator.run.opml_lists import OpmlLists
from aggregator.run.runtime import CurrentRuntime, Resources, Runtime
from aggregator.run.service import Service
from aggregator.run.standby import ConfigWatch, Stop, stand_by
from aggregator.serve.server import listen
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories.identity.domains import collect_owners
from aggregator.stories.ingest import Ingester
from aggregator.stories.link import AROUND, Linker
from aggregator.tag.places import find_places
from aggregator.tag.rules import compile_rules
from aggregator.websub import deliveries
from aggregator.websub.subscriptions import Hubs

log = structlog.get_logger("app")

COLLECTED = 20_000
"""Objects made between two runs of the garbage collector: those of about ten documents."""


async def run(settings: Settings, load: Callable[[], Settings], store: Database) -> None:
    """Runs the daemon until it is told to stop. load: reads and checks the config.

    Where several may share the database, it stands by while another one leads, and again after it has lost the lead. Raises
    AggregatorError before anything starts if the database or the port is taken.
    """
    with ExitStack() as closing:
        held: ExitStack | None = _lead_at_once(store)
        if held is not None:
            closing.push(held)
        listener = closing.enter_context(listen(settings.server.host, settings.server.port))
        config, stop = ConfigWatch(settings, load), Stop()
        follows = held is None
        while not stop.event.is_set():
            resources = make_resources(config.settings, store)
            try:
                held = held or await _stand_by(config, resources, listener, stop)
                if held is not None:
                    with held:
                        await _lead(config, resources, listener, stop, follows=follows)
                return
            except (LeadershipLostError, UnreachableError) as error:
                log.warning("stands_back", error=str(error))
            finally:
                with suppress(StoreError):
                    await resources.writer.aclose()
                await resources.aclose()
            held, follows = None, True


def _lead_at_once(store: Database) -> ExitStack | None:
    """Takes the database; None if another process has it for whose end this one may wait. Raises HeldError."""
    held = ExitStack()
    try:
        held.enter_context(store.lock())
    except HeldError:
        if store.may_stand_by:
            return None
        raise
    return held


async def _stand_by(config: ConfigWatch, resources: Resources, listener: socket.socket, stop: Stop) -> ExitStack | None:
    """Waits for the turn of this process, with a reading worker that is ready for the first document."""
    warming = asyncio.create_task(resources.documents.warm_up())
    try:
        return await stand_by(resources.store, listener, config, stop)
    finally:
        await warming


async def _lead(config: ConfigWatch, resources: Resources, listener: socket.socket, stop: Stop, *, follows: bool) -> None:
    """Does everything that a daemon does, with parts of its own: nothing is known from an earlier lead."""
    store = resources.store
    store.check()
    resources.gate.configure(config.settings)
    if follows:
        log.info("leads", polled_again=poll_again(store, resources.clock.now()))
    own = listener.dup() if store.may_stand_by else listener  # the server closes it when this lead ends
    service = Service(make_runtime(config.settings, resources), config.load, make_runtime, own)
    if config.is_refused:
        service.config.forget()
    spare_collector()
    await scheduler.run(service, told=stop.event, at_once=follows)


async def poll_once(
    settings: Settings,
    load: Callable[[], Settings],
    store: Database,
    ids: Sequence[SourceId] | None,
    *,
    forced: bool,
    done: Callable[[PollReport], None],
    asks: Callable[[], None] = lambda: None,
) -> list[PollReport]:
    """Polls and publishes in this process, or has it done by the daemon that holds the database.

    ids: sources to poll even if they are not due, None for those that are due. done: called with each report of this process;
    asks: called before the daemon is asked.
    """
    while True:
        try:
            with store.lock():
                resources = make_resources(settings, store)
                runtime = make_runtime(settings, resources)
                lists = OpmlLists()
                while await lists.refresh(runtime.settings, runtime.fetcher, resources.clock.now()):  # a list may include lists
                    runtime = make_runtime(load(), resources)
                spare_collector()
                return await poll_here(CurrentRuntime(runtime), ids, forced=forced, done=done)
        except HeldError:
            asks()
            reports = await poll_there(
                store,
                ids,
                forced=forced,
                is_free=lambda: _is_free(store),
                why_unwritable=lambda: why_unwritable(settings.storage.folder),
            )
        if reports is not None:
            return reports


def _is_free(store: Database) -> bool:
    """True if no process holds the database."""
    return store.holder() is None


def spare_collector() -> None:
    """Has the garbage collector skip objects made so far, which live as long as the process, and run less often.

    Entries and stories are freed by their reference counts. With Python's threshold of 700 objects, the collector took a
    twentieth of a first poll's time and found nothing.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED)


def make_resources(settings: Settings, store: Database) -> Resources:
    """Makes the parts that outlive a reload. Must be called inside the event loop that uses them."""
    return Resources(
        store=store,
        writer=Writer(store),
        clock=SystemClock(),
        gate=HostGate(settings),
        bodies=BodyBudget(),
        shelf=Shelf(),
        documents=ReadingPool(settings.polling.readers or count_readers()),
        current=CurrentPipeline(),
        descriptors=raise_limit(),
    )


def _make_public_fetcher(settings: Settings, fetcher: HttpFetcher, resources: Resources) -> HttpFetcher:
    if not settings.network.allow:
        return fetcher
    return HttpFetcher(replace(settings, network=replace(settings.network, allow=())), resources.gate)


def _make_pipeline(settings: Settings, resources: Resources, fetcher: HttpFetcher, rules: Rules, hubs: Hubs | None) -> Pipeline:
    ingester = Ingester(
        rules,
        Engine(settings.dedup, find_places, AROUND if settings.threads.enabled else 0.0),
        settings.publish.backfill,
        collect_owners(settings.sources, settings.outlets),
        Linker(view_of, rarity, settings.threads.within) if settings.threads.enabled else None,
    )
    states = NextStates(settings, random.random, hubs)
    return Pipeline(
        settings=settings,
        store=resources.store,
        writer=resources.writer,
        requests=PoliteRequests(resources.gate, fetcher, resources.writer, resources.clock),
        documents=resources.documents,
        states=states,
        storage=DocumentStorage(settings, resources.store, resources.writer, ingester, states, hubs),
        clock=resources.clock,
        current=resources.current,
        bodies=resources.bodies,
    )


def make_runtime(settings: Settings, resources: Resources) -> Runtime:
    """Makes the parts that depend on the config. Raises AggregatorError, ConfigError if it would publish among others' files."""
    store = resources.store
    check_folders(settings, make_owner(settings, store.value(SITE_ID), store.outputs().keys()))
    rules = compile_rules(settings)
    fetcher = HttpFetcher(settings, resources.gate)
    messenger = HttpMessenger(settings)
    hubs = Hubs(resources.store) if settings.network.websub else None
    composers = (
        WebhookComposer(settings, resources.store),
        deliveries.Composer(settings, resources.store, resources.shelf),
    )
    return Runtime(
        settings=settings,
        resources=resources,
        rules=rules,
        fetcher=fetcher,
        public_fetcher=_make_public_fetcher(settings, fetcher, resources),
        pipeline=_make_pipeline(settings, resources, fetcher, rules, hubs),
        publisher=Publisher(settings, resources.store, resources.shelf),
        compose={kind: compose for composer in composers for kind, compose in composer.kinds.items()},
        messenger=messenger,
        channels=Parts(settings, ChannelComposer(settings, store), make_senders(settings, messenger)),
    )
