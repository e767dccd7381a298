"""The turns of a daemon that may lead: it leads, stands by while another one does, and again once it has lost the lead."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TypeAlias

import structlog
from msgspec import Struct

from aggregator.errors import HeldError, LeadershipLostError, StoreError, UnreachableError
from aggregator.ports import Database
from aggregator.run import scheduler
from aggregator.run.following import poll_again
from aggregator.run.runtime import MakeRuntime, Resources
from aggregator.run.service import Service
from aggregator.run.standby import ConfigWatch, Stop, stand_by
from aggregator.serve.server import listen
from aggregator.settings import Settings

log = structlog.get_logger("app")

MakeResources: TypeAlias = Callable[[Settings, Database], Resources]


class Wiring(Struct, frozen=True):
    """What `app.py` makes the parts of a lead with. prepare: called once all of them are made."""

    make_resources: MakeResources
    make_runtime: MakeRuntime
    prepare: Callable[[], None]


async def take_turns(config: ConfigWatch, store: Database, wiring: Wiring) -> None:
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
        stop, follows = Stop(), held is None
        while not stop.event.is_set():
            resources = wiring.make_resources(config.settings, store)
            try:
                held = held or await _stand_by(config, resources, listener, stop)
                if held is not None:
                    with held:
                        await _lead(config, resources, wiring, listener, stop, follows=follows)
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


async def _lead(
    config: ConfigWatch, resources: Resources, wiring: Wiring, listener: socket.socket, stop: Stop, *, follows: bool
) -> None:
    """Does everything that a daemon does, with parts of its own: nothing is known from an earlier lead."""
    store = resources.store
    store.check()
    resources.gate.configure(config.settings)
    if follows:
        log.info("leads", polled_again=poll_again(store, resources.clock.now()))
    own = listener.dup() if store.may_stand_by else listener  # the server closes it when this lead ends
    service = Service(wiring.make_runtime(config.settings, resources), config.load, wiring.make_runtime, own)
    if config.is_refused:
        service.config.forget()
    wiring.prepare()
    await scheduler.run(service, told=stop.event, at_once=follows)
