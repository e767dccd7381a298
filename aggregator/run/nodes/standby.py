"""A daemon that stands by while another one leads on the same database, and follows when that one is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

import structlog
from msgspec import Struct

from aggregator.errors import HeldError, StoreError
from aggregator.ports import Database
from aggregator.run.nodes.config_watch import ConfigWatch
from aggregator.run.nodes.stop import Stop
from aggregator.run.systemd import notify

log = structlog.get_logger("standby")

CHECK = 0.2
"""Seconds between two tries to lead: a killed leader is followed within this and the time of a start."""
UNREACHABLE_CHECK = 1.0
"""The same while the server does not answer."""
TRIES_PER_LOOK = 10
"""Tries between two looks at the config file: whoever follows starts with the config of today."""


class Standing(Struct):
    """What a standby knows of the server. is_reachable: whether it answered last."""

    is_reachable: bool = True


async def stand_by(store: Database, config: ConfigWatch, stop: Stop, use_config: Callable[[], None]) -> ExitStack | None:
    """Waits for the turn of this process. Returns what holds the database then, or None if it is to stop.

    use_config: called after each look at the config file.
    """
    stop.watch()
    standing = Standing()
    log.info("standing_by", leader=await asyncio.to_thread(_holder, store))
    notify("READY=1")
    tries = 0
    while not await stop.within(CHECK if standing.is_reachable else UNREACHABLE_CHECK):
        notify("WATCHDOG=1")
        if tries % TRIES_PER_LOOK == 0:
            await asyncio.to_thread(config.look)
            use_config()
        tries += 1
        held = ExitStack()
        if await asyncio.to_thread(_try_to_lead, store, held, standing):
            await asyncio.to_thread(config.look)
            return held
    notify("STOPPING=1")
    return None


def _try_to_lead(store: Database, held: ExitStack, standing: Standing) -> bool:
    """Takes the database if nobody holds it, and ends the leader's connection if that is frozen. Returns whether it was taken."""
    try:
        held.enter_context(store.lock())
        return True
    except HeldError:
        standing.is_reachable = True
    except StoreError as error:
        _tell_unreachable(standing, error)
        return False
    try:
        if (who := store.depose_frozen()) is not None:
            log.warning("leader_frozen", leader=who)
    except StoreError as error:
        _tell_unreachable(standing, error)
    return False


def _tell_unreachable(standing: Standing, error: StoreError) -> None:
    if standing.is_reachable:
        log.error("database_unreachable", error=str(error))
    standing.is_reachable = False


def _holder(store: Database) -> str | None:
    try:
        return store.holder()
    except StoreError:
        return None
