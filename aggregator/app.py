"""Wires the application: chooses the implementation of each port, for the daemon and for `aggregator poll`."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from aggregator.channels.outbox import Parts
from aggregator.channels.senders import make_senders
from aggregator.dedup.engine import Engine
from aggregator.dedup.weigh import rarity, view_of
from aggregator.errors import HeldError, UsageError
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
from aggregator.publish.shared_documents import tokens_of
from aggregator.publish.shelf import Shelf
from aggregator.publish.site.ownership import SITE_ID, check_folders, make_owner
from aggregator.publish.staged_shelf import StagedShelf
from aggregator.reading.pool import ReadingPool, count_readers
from aggregator.run.clock import SystemClock
from aggregator.run.descriptors import raise_limit
from aggregator.run.disks import why_unwritable
from aggregator.run.one_shot import poll_here, poll_there
from aggregator.run.opml_lists import OpmlLists
from aggregator.run.roles import NEEDS_SERVER, Role
from aggregator.run.runtime import CurrentRuntime, Resources, Runtime
from aggregator.run.standby import ConfigWatch
from aggregator.run.turns import take_turns
from aggregator.run.web_node import serve_web
from aggregator.run.wiring import Wiring
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories.identity.domains import collect_owners
from aggregator.stories.ingest import Ingester
from aggregator.stories.link import AROUND, Linker
from aggregator.tag.places import find_places
from aggregator.tag.rules import compile_rules
from aggregator.websub import deliveries
from aggregator.websub.subscriptions import Hubs

COLLECTED = 20_000
"""Objects made between two runs of the garbage collector: those of about ten documents."""


async def run(settings: Settings, load: Callable[[], Settings], store: Database, role: Role = "all") -> None:
    """Runs a process in its role until it is told to stop. load: reads and checks the config.

    Raises UsageError for a role that the database does not allow, and AggregatorError before anything starts if the database
    or the port is taken.
    """
    if role != "all" and store.cluster is None:
        raise UsageError(NEEDS_SERVER.format(role))
    config = ConfigWatch(settings, load)
    match role:
        case "all" | "lead":
            await take_turns(config, store, Wiring(make_resources, make_runtime, spare_collector))
        case "web" if store.cluster is not None:
            await serve_web(config, store, store.cluster, Wiring(make_resources, make_runtime, spare_collector))
        case _:
            raise UsageError(f"--role {role} is not built yet")


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


def make_resources(settings: Settings, store: Database, shelf: Shelf | None = None) -> Resources:
    """Makes the parts that outlive a reload. Must be called inside the event loop that uses them.

    shelf: what is served from; by default an empty one.
    """
    return Resources(
        store=store,
        writer=Writer(store),
        clock=SystemClock(),
        gate=HostGate(settings),
        bodies=BodyBudget(),
        shelf=Shelf() if shelf is None else shelf,
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


def _publishing_shelf(settings: Settings, store: Database, shown: Shelf) -> Shelf:
    """The shelf that the publisher writes to."""
    cluster = store.cluster
    return shown if cluster is None else StagedShelf(shown, store, cluster, tokens_of(settings))


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
        publisher=Publisher(settings, store, _publishing_shelf(settings, store, resources.shelf)),
        compose={kind: compose for composer in composers for kind, compose in composer.kinds.items()},
        messenger=messenger,
        channels=Parts(settings, ChannelComposer(settings, store), make_senders(settings, messenger)),
    )
