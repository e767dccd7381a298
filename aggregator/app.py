"""Wires the application: chooses the implementation of each port, for the daemon (daemon.py) and for `aggregator poll`."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from aggregator.channels.outbox import Parts
from aggregator.channels.senders import make_senders
from aggregator.dedup.engine import Engine
from aggregator.dedup.weigh import rarity, view_of
from aggregator.errors import HeldError
from aggregator.fetch.body import BodyBudget
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.messenger import HttpMessenger
from aggregator.model import PollReport, SourceId
from aggregator.pipeline import (
    CurrentPipeline,
    DocumentStorage,
    InboxStorage,
    NextStates,
    OwnTurnStorage,
    Pipeline,
    PoliteRequests,
    Storage,
)
from aggregator.ports import Attendance, Database, Rules
from aggregator.publish.messages.channel_messages import ChannelComposer
from aggregator.publish.messages.webhooks import WebhookComposer
from aggregator.publish.publisher import Publisher
from aggregator.publish.shared_documents import tokens_of
from aggregator.publish.shelf import Shelf
from aggregator.publish.site.ownership import SITE_ID, check_folders, make_owner
from aggregator.publish.staged_shelf import StagedShelf
from aggregator.reading.pool import ReadingPool, count_readers
from aggregator.run.claiming import OwnSources, SharedSources
from aggregator.run.clock import ServerClock, SystemClock
from aggregator.run.descriptors import raise_limit
from aggregator.run.jobs.opml_lists import OpmlLists
from aggregator.run.monitoring.disks import why_unwritable
from aggregator.run.nodes.roles import Role
from aggregator.run.nodes.writes import NodeWrites
from aggregator.run.one_shot import poll_here, poll_there
from aggregator.run.runtime import CurrentRuntime, PollingRuntime, Resources, Runtime
from aggregator.settings import Settings
from aggregator.store.writer import Writer
from aggregator.stories.ingest import Ingester
from aggregator.stories.link import AROUND, Linker
from aggregator.tag.places import find_places
from aggregator.tag.rules import compile_rules
from aggregator.websub import deliveries
from aggregator.websub.subscriptions import Hubs

COLLECTED = 20_000
"""Objects made between two runs of the garbage collector: those of about ten documents."""


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


def make_resources(
    settings: Settings,
    store: Database,
    shelf: Shelf | None = None,
    attendance: Attendance | None = None,
    role: Role = "all",
) -> Resources:
    """Makes the parts that outlive a reload. Must be called inside the event loop that uses them.

    shelf: what is served from; by default an empty one. attendance: of this process among others; without it, the process has the
    database for itself.
    """
    cluster, claiming, clock = store.cluster, None, SystemClock()
    if attendance is None or cluster is None:
        writer = Writer(store)
    else:
        claiming, clock = SharedSources(attendance, cluster.claims, role), ServerClock(attendance)
        writer = Writer(NodeWrites(cluster.claims) if role == "fetch" else store, claiming.save_states)
    return Resources(
        store=store,
        writer=writer,
        claiming=claiming or OwnSources(store, writer),
        clock=clock,
        gate=HostGate(settings),
        bodies=BodyBudget(),
        shelf=Shelf() if shelf is None else shelf,
        documents=ReadingPool(settings.polling.readers or count_readers()),
        current=CurrentPipeline(),
        descriptors=raise_limit(),
        attendance=attendance,
    )


def _make_public_fetcher(settings: Settings, fetcher: HttpFetcher, resources: Resources) -> HttpFetcher:
    if not settings.network.allow:
        return fetcher
    return HttpFetcher(replace(settings, network=replace(settings.network, allow=())), resources.gate, shared=fetcher.shared)


def _make_storage(settings: Settings, resources: Resources, rules: Rules, states: NextStates) -> DocumentStorage:
    ingester = Ingester(
        rules,
        Engine(settings.dedup, find_places, AROUND if settings.threads.enabled else 0.0),
        settings.publish.backfill,
        resources.current.owners_under(settings),
        Linker(view_of, rarity, settings.threads.within) if settings.threads.enabled else None,
    )
    return DocumentStorage(settings, resources.store, resources.writer, ingester, states, states.hubs)


def _make_states(settings: Settings, resources: Resources) -> NextStates:
    return NextStates(settings, random.random, Hubs(resources.store) if settings.network.websub else None)


def _make_pipeline(
    settings: Settings, resources: Resources, fetcher: HttpFetcher, states: NextStates, storage: Storage
) -> Pipeline:
    claiming = resources.claiming
    return Pipeline(
        settings=settings,
        store=resources.store,
        writer=resources.writer,
        requests=PoliteRequests(
            resources.gate, fetcher, resources.writer, resources.clock, lambda source: claiming.since(source) is not None
        ),
        documents=resources.documents,
        states=states,
        storage=storage,
        clock=resources.clock,
        current=resources.current,
        bodies=resources.bodies,
    )


def make_polling_runtime(settings: Settings, resources: Resources) -> PollingRuntime:
    """Makes the parts of a node that asks sources for whoever leads. Raises AggregatorError."""
    cluster, claiming = resources.store.cluster, resources.claiming
    assert cluster is not None
    assert isinstance(claiming, SharedSources)
    fetcher = HttpFetcher(settings, resources.gate)
    storage = InboxStorage(cluster.inbox, claiming.turn_of)
    pipeline = _make_pipeline(settings, resources, fetcher, _make_states(settings, resources), storage)
    return PollingRuntime(settings, resources, fetcher, pipeline)


def _make_publishing_shelf(settings: Settings, store: Database, shown: Shelf) -> Shelf:
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
    states = _make_states(settings, resources)
    storage = _make_storage(settings, resources, rules, states)
    claiming = resources.claiming
    own = OwnTurnStorage(storage, claiming.is_current) if isinstance(claiming, SharedSources) else storage
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
        pipeline=_make_pipeline(settings, resources, fetcher, states, own),
        storage=storage,
        publisher=Publisher(settings, store, _make_publishing_shelf(settings, store, resources.shelf)),
        compose={kind: compose for composer in composers for kind, compose in composer.kinds.items()},
        messenger=messenger,
        channels=Parts(settings, ChannelComposer(settings, store), make_senders(settings, messenger)),
    )
