"""Config reload: notices edits, swaps one runtime for the next, and makes the store follow the config."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import structlog
from msgspec import Struct

from aggregator.errors import AggregatorError, ConfigError
from aggregator.model import SourceId
from aggregator.run.config_changes import describe_changes
from aggregator.run.config_in_use import fingerprint, keep_until_restart
from aggregator.run.monitoring import health
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.polls.poller import Poller
from aggregator.run.publishing import FeedPublishing
from aggregator.run.runtime import CurrentRuntime, MakeRuntime, Retiring, Runtime
from aggregator.run.systemd import notify
from aggregator.settings import Settings
from aggregator.stories.identity.edited_sources import concerned_sources
from aggregator.stories.upkeep import adopt_config

log = structlog.get_logger("reload")


class Edit(Struct, frozen=True):
    """A config that is ready for use. concerned: see `concerned_sources`; told: what the log says of it."""

    runtime: Runtime
    restart_keys: tuple[str, ...]
    concerned: frozenset[SourceId] | None
    told: Mapping[str, str]


class ConfigReload:
    """load: reads and checks the config; it raises AggregatorError, and then the old config stays in use.

    error: why the last edit was refused, None if it is in use; restart_keys: edited keys that only a restart can change.
    """

    def __init__(
        self,
        current: CurrentRuntime,
        load: Callable[[], Settings],
        make: MakeRuntime,
        poller: Poller,
        publishing: FeedPublishing,
        metrics: Metrics,
    ) -> None:
        self._current = current
        self._load = load
        self._make = make
        self._poller = poller
        self._publishing = publishing
        self._metrics = metrics
        self._lock = asyncio.Lock()
        self.in_use = self._seen = fingerprint(current.runtime.settings)
        self._refused_includes: tuple[Path, ...] = ()
        self._is_adopted = False
        self.retiring = Retiring()
        self.error: str | None = None
        self.restart_keys: tuple[str, ...] = ()

    def forget(self) -> None:
        """Has the next look read the file again: it holds an edit that was refused before this config was put in use."""
        self._seen = b""

    async def reload_if_changed(self, *, forced: bool) -> None:
        """Reloads the config if the content of its files has changed. An invalid config is reported and changes nothing."""
        async with self._lock:
            seen = await asyncio.to_thread(fingerprint, self._current.runtime.settings, self._refused_includes)
            if seen == self._seen and not forced:
                return
            self._seen = seen
            notify("RELOADING=1")
            try:
                await self._reload()
            finally:
                notify("READY=1")

    async def _reload(self) -> None:
        try:
            edit = await asyncio.to_thread(self._prepare, self._current.runtime)
        except AggregatorError as error:
            self._refuse(error)
            return
        if edit.restart_keys:
            log.warning("restart_needed", keys=edit.restart_keys)
        self.restart_keys, self.error = edit.restart_keys, None
        await self._swap(edit)

    def _prepare(self, running: Runtime) -> Edit:
        """Makes everything of the new config beside the event loop: of very many sources it takes a while."""
        settings, restart_keys = keep_until_restart(running.settings, self._load())
        after = self._make(settings, running.resources)
        concerned = concerned_sources(running.settings, settings, running.owners, after.owners)
        return Edit(after, restart_keys, concerned, describe_changes(running.settings, settings))

    def _refuse(self, error: AggregatorError) -> None:
        self.error = str(error)
        self._refused_includes = error.includes if isinstance(error, ConfigError) else ()
        self._seen = fingerprint(self._current.runtime.settings, self._refused_includes)
        log.error("reload_refused", error=str(error))
        self._metrics.record_reload(False)

    async def _swap(self, edit: Edit) -> None:
        """Puts the new config in use. If the disk refuses to store or publish what follows from it, a later tick does."""
        after = edit.runtime
        before, self._current.runtime = self._current.runtime, after
        after.resources.current.use(after.pipeline)
        self.retiring.add(before)
        after.gate.configure(after.settings)
        self._poller.configure(after.settings.polling.workers, after.shares.polls)
        if after.settings.includes != before.settings.includes or self._refused_includes:
            self._seen = await asyncio.to_thread(fingerprint, after.settings)
        self._refused_includes = ()
        self.in_use = self._seen
        self._metrics.record_reload(True)
        log.info("reloaded", sources=len(after.settings.sources), **edit.told)
        concerned = edit.concerned if self._is_adopted else None  # what an earlier edit concerned may still have to be adopted
        self._is_adopted = False
        try:
            await self.adopt(concerned)
        except AggregatorError as error:
            log.error("adopt_failed", error=str(error))
            return
        await self._publishing.try_publish(everything=True)

    async def adopt(self, concerned: frozenset[SourceId] | None = None) -> None:
        """Makes the store follow the config. Flushes first, so that states of polls under the old config are stored.

        concerned: the sources that differ from what was adopted before; None for all.
        """
        runtime = self._current.runtime
        now = runtime.clock.now()

        def work() -> None:
            runtime.store.sync_sources(runtime.settings.sources, now)
            adopt_config.adopt(runtime.store, runtime.settings, lambda: runtime.rules, now, runtime.owners, concerned)

        await runtime.writer.flush()
        await runtime.writer.call(work)
        if runtime is self._current.runtime:
            self._is_adopted = True

    async def retry_adopt(self) -> None:
        """Adopts and publishes a config that the store refused at its reload. One that a reload is adopting is left to it."""
        if not self._is_adopted and not self._lock.locked():
            await self.adopt()
            await self._publishing.try_publish(everything=True)

    def conditions(self) -> Iterable[health.Condition]:
        """Returns what is wrong with the config, for the health events."""
        return health.config_conditions(self.error, self.restart_keys)
