"""The turns of a daemon that may lead: it leads, stands by while another one does, and again once it has lost the lead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress

import structlog
from msgspec import Struct

from aggregator.errors import HeldError, LeadershipLostError, StoreError, UnreachableError
from aggregator.ports import Database
from aggregator.publish.shelf import Shelf
from aggregator.run import scheduler
from aggregator.run.nodes.config_watch import ConfigWatch
from aggregator.run.nodes.roles import STANDBY, Role
from aggregator.run.nodes.standby import stand_by
from aggregator.run.nodes.stop import Stop
from aggregator.run.nodes.web_node import WebNode
from aggregator.run.nodes.wiring import Wiring
from aggregator.run.runtime import Resources
from aggregator.run.service import Service
from aggregator.serve.server import listen

log = structlog.get_logger("app")


class InUse(Struct):
    """A fingerprint of the config that this process uses now, for the other nodes."""

    config: Callable[[], bytes]

    def __call__(self) -> str:
        return self.config().hex()


async def take_turns(config: ConfigWatch, in_use: InUse, store: Database, wiring: Wiring, role: Role) -> None:
    """Runs the daemon until it is told to stop.

    Where several may share the database, it stands by while another one leads, and again after it has lost the lead. Raises
    AggregatorError before anything starts if the database or the port is taken.
    """
    with ExitStack() as closing:
        held: ExitStack | None = _lead_at_once(store)
        if held is not None:
            closing.push(held)
        server = config.settings.server
        listener = closing.enter_context(listen(server.host, server.port))
        stop, shelf = Stop(), Shelf()
        while not stop.event.is_set():
            resources, node = wiring.make_resources(config.settings, shelf), None
            in_use.config = lambda: config.fingerprint
            try:
                if held is None:
                    node = WebNode(resources, config, wiring, "standing by")
                    held = await _stand_by(config, resources, node, listener, stop)
                if held is not None:
                    with held:
                        polled_again = await _join(resources, role)
                        service = _make_service(config, resources, wiring, listener, node)
                        in_use.config = lambda service=service: service.config.in_use  # type: ignore[misc]
                        if node is not None:
                            log.info("leads", polled_again=polled_again)
                        await scheduler.run(service, told=stop.event, at_once=node is not None)
                return
            except (LeadershipLostError, UnreachableError) as error:
                log.warning("stands_back", error=str(error))
            finally:
                await _end_turn(resources, node)
            held = None


def _lead_at_once(store: Database) -> ExitStack | None:
    """Takes the database; None if another process has it and this one may stand by. Raises HeldError."""
    held = ExitStack()
    try:
        held.enter_context(store.lock())
    except HeldError:
        if store.may_stand_by:
            return None
        raise
    return held


async def _stand_by(
    config: ConfigWatch, resources: Resources, node: WebNode, listener: socket.socket, stop: Stop
) -> ExitStack | None:
    """Serves and waits for the turn of this process, with a reading worker that is ready for the first document."""
    warming = asyncio.create_task(resources.documents.warm_up())
    try:
        await node.start(listener.dup())
        return await stand_by(resources.store, config, stop, node.use_config)
    finally:
        await node.stop_loading()
        await warming


async def _join(resources: Resources, role: Role) -> int:
    """Takes this node's share of the sources. Returns how many are polled at once since the node that asked them is gone."""
    resources.store.check()
    if (attendance := resources.attendance) is None:
        return 0
    await asyncio.to_thread(attendance.become, role, asks=role == "all")
    return await asyncio.to_thread(attendance.poll_again, attendance.now(), ())


async def _end_turn(resources: Resources, node: WebNode | None) -> None:
    """Closes what this turn used, and steps down."""
    if node is not None:
        await node.close()
    with suppress(StoreError):
        await resources.writer.aclose()
    await resources.aclose()
    if resources.attendance is not None:
        with suppress(StoreError):
            await asyncio.to_thread(resources.attendance.become, STANDBY, asks=False)


def _make_service(
    config: ConfigWatch, resources: Resources, wiring: Wiring, listener: socket.socket, node: WebNode | None
) -> Service:
    """Makes the service of one lead, anew: it knows nothing from an earlier one.

    node: what served while this process stood by; it goes on until the service serves.
    """
    resources.gate.configure(config.settings)
    own = listener.dup() if resources.store.may_stand_by else listener  # the server closes it when this lead ends
    runtime = wiring.make_runtime(config.settings, resources)
    service = Service(runtime, config.load, wiring.make_runtime, own, serves=node.close if node else None)
    if config.is_refused:
        service.config.forget()
    wiring.spare_collector()
    return service
