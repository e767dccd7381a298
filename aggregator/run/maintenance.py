"""Maintains the store while the daemon runs: retention, tidying, backups. Each job runs in the writer's thread."""

from __future__ import annotations

import structlog

from aggregator.ports import Job, Keep
from aggregator.run.runtime import CurrentRuntime
from aggregator.settings import Settings

log = structlog.get_logger("maintenance")

SWEEP = 6 * 3_600.0
TIDY = 3_600.0
BACKUP_CHECK = 300.0
"""Seconds between two runs of each job; a backup itself is made every `storage.backup.every`."""
SWEPT_KEY = "swept"
"""Key of the stored time when retention last ran."""


class Maintenance:
    """The daemon's maintenance jobs."""

    def __init__(self, current: CurrentRuntime) -> None:
        self._current = current

    def jobs(self) -> list[Job]:
        return [Job("sweep", SWEEP, self.sweep), Job("tidy", TIDY, self.tidy), Job("backup", BACKUP_CHECK, self.backup)]

    async def sweep(self) -> None:
        """Applies retention (`storage.keep`, `retain`)."""
        runtime = self._current.runtime
        keep = retention_rules(runtime.settings)
        now = runtime.clock.now()
        swept = await runtime.writer.call(lambda: runtime.store.sweep(keep, now))
        await runtime.writer.commit(lambda transaction: transaction.set_value(SWEPT_KEY, repr(now)))
        log.info("swept", result=str(swept))

    async def sweep_if_due(self) -> None:
        """Sweeps and tidies if the last sweep is long ago: for polls without a daemon."""
        now, last = self._current.runtime.clock.now(), float(self._current.runtime.store.value(SWEPT_KEY) or 0.0)
        if not 0.0 <= now - last < SWEEP:  # a clock that was set back delays nothing
            await self.sweep()
            await self.tidy()

    async def tidy(self) -> None:
        runtime = self._current.runtime
        await runtime.writer.call(runtime.store.tidy)

    async def backup(self) -> None:
        """Makes a backup if the last one is old enough; restarts and reloads don't delay it."""
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        backup = runtime.settings.storage.backup
        if backup is None:
            return
        times = [file.stat().st_mtime for file in runtime.store.backups(backup.directory)]
        last = max((at for at in times if at <= now), default=0.0)  # a clock that was set back delays nothing
        if now - last >= backup.every:
            file = await runtime.writer.call(lambda: runtime.store.back_up(backup.directory, backup.keep, now))
            log.info("backed_up", file=file.name, bytes=file.stat().st_size)


def retention_rules(settings: Settings) -> Keep:
    """Returns how long entries are kept: `storage.keep`, and `retain` of sources that set it."""
    return Keep(settings.storage.keep, {source.id: source.retain for source in settings.sources if source.retain is not None})
