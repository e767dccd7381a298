"""Runs the daemon in its role: alone, or as one of several processes on a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aggregator.app import make_polling_runtime, make_resources, make_runtime, spare_collector
from aggregator.errors import UsageError
from aggregator.ports import Attendance, Database
from aggregator.publish.shelf import Shelf
from aggregator.run.nodes.config_watch import ConfigWatch
from aggregator.run.nodes.fetch_node import run_fetch_node
from aggregator.run.nodes.roles import LEADS, NEEDS_SERVER, STANDBY, Role
from aggregator.run.nodes.turns import InUse, take_turns
from aggregator.run.nodes.web_node import serve_web
from aggregator.run.nodes.wiring import Wiring
from aggregator.run.runtime import Resources
from aggregator.settings import Settings


async def run(settings: Settings, load: Callable[[], Settings], store: Database, role: Role = "all") -> None:
    """Runs a process in its role until it is told to stop. load: reads and checks the config.

    Raises UsageError for a role that the database does not allow, and AggregatorError before anything starts if the database
    or the port is taken.
    """
    if role != "all" and store.cluster is None:
        raise UsageError(NEEDS_SERVER.format(role))
    config = ConfigWatch(settings, load)
    in_use = InUse(lambda: config.fingerprint)
    with _attending(store, role, in_use) as attendance:

        def make_own_resources(settings: Settings, shelf: Shelf) -> Resources:
            return make_resources(settings, store, shelf, attendance, role)

        wiring = Wiring(make_own_resources, make_runtime, make_polling_runtime, spare_collector)
        match role:
            case "all" | "lead":
                await take_turns(config, in_use, store, wiring, role)
            case "fetch":
                await run_fetch_node(config, make_own_resources(settings, Shelf()), make_polling_runtime)
            case "web":
                await serve_web(config, wiring)


@contextmanager
def _attending(store: Database, role: Role, fingerprint: Callable[[], str]) -> Iterator[Attendance | None]:
    """Joins the nodes on the database, where several may be."""
    if store.cluster is None:
        yield None
        return
    attendance = store.cluster.attend(STANDBY if role in LEADS else role, fingerprint, asks=role == "fetch")
    try:
        yield attendance
    finally:
        attendance.end()
