"""A daemon that stands by while another one leads on the same database, and follows when that one is gone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress

import structlog
from msgspec import Struct

from aggregator.errors import AggregatorError, HeldError, StoreError
from aggregator.ports import Database
from aggregator.run.reload import fingerprint
from aggregator.run.systemd import notify
from aggregator.settings import Settings

log = structlog.get_logger("standby")

CHECK = 0.2
"""Seconds between two tries to lead: a killed leader is followed within this and the time of a start."""
UNREACHABLE_CHECK = 1.0
"""The same while the server does not answer."""
CONFIG_CHECK = 10
"""Tries between two looks at the config file: whoever follows starts with the config of today."""


class Stop:
    """Set by SIGTERM and SIGINT, at any time between the first standing by and the end."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def watch(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.event.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # the config is read again anyway

    async def within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.event.wait()
        return self.event.is_set()


class Standing(Struct):
    """What a standby knows of the server. is_reachable: whether it answered last."""

    is_reachable: bool = True


class ConfigWatch:
    """Keeps the last config that could be used, and its fingerprint.

    is_refused: whether the file now holds one that can't be used.
    """

    def __init__(self, settings: Settings, load: Callable[[], Settings]) -> None:
        self.settings, self.load = settings, load
        self.fingerprint = self._seen = fingerprint(settings)
        self.is_refused = False

    def look(self, *, forced: bool = False) -> None:
        """Reads the config if its files have changed, or if forced."""
        if (seen := fingerprint(self.settings)) == self._seen and not forced:
            return
        self._seen = seen
        try:
            self.settings = self.load()
        except AggregatorError as error:
            self.is_refused = True
            log.error("reload_refused", error=str(error))
        else:
            self.is_refused = False
            self.fingerprint = self._seen = fingerprint(self.settings)


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
        if tries % CONFIG_CHECK == 0:
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
