"""Care of the store while the daemon runs: retention, tidying, backups. Each runs in the writer's thread."""

from __future__ import annotations

import structlog

from aggregator.ports import Job, Keep
from aggregator.run.runtime import InUse
from aggregator.settings import Settings

log = structlog.get_logger("maintenance")

SWEEP = 6 * 3_600.0
TIDY = 3_600.0
BACKUP_LOOK = 300.0
SWEPT_KEY = "swept"
"""Of the stored value that says when retention was last done."""


class Maintenance:
    """in_use: what holds the runtime of each turn."""

    def __init__(self, in_use: InUse) -> None:
        self._in_use = in_use

    def jobs(self) -> list[Job]:
        return [Job("sweep", SWEEP, self.sweep), Job("tidy", TIDY, self.tidy), Job("backup", BACKUP_LOOK, self.backup)]

    async def sweep(self) -> None:
        """Retention (`storage.keep`, `retain`)."""
        runtime = self._in_use.runtime
        keep = keep_of(runtime.settings)
        now = runtime.clock.now()
        swept = await runtime.writer.call(lambda: runtime.store.sweep(keep, now))
        await runtime.writer.commit(lambda transaction: transaction.set_value(SWEPT_KEY, repr(now)))
        log.info("swept", result=str(swept))

    async def sweep_if_due(self) -> None:
        """For polls without a daemon: retention once in a while, and the upkeep of the file with it."""
        now, last = self._in_use.runtime.clock.now(), float(self._in_use.runtime.store.value(SWEPT_KEY) or 0.0)
        if not 0.0 <= now - last < SWEEP:  # a clock that was set back delays nothing
            await self.sweep()
            await self.tidy()

    async def tidy(self) -> None:
        runtime = self._in_use.runtime
        await runtime.writer.call(runtime.store.tidy)

    async def backup(self) -> None:
        """Makes a backup when the last one is old enough; restarts and reloads don't put it off."""
        runtime, now = self._in_use.runtime, self._in_use.runtime.clock.now()
        wish = runtime.settings.storage.backup
        if wish is None:
            return
        made = [file.stat().st_mtime for file in runtime.store.backups(wish.directory)]
        last = max((at for at in made if at <= now), default=0.0)  # a clock that was set back delays nothing
        if now - last >= wish.every:
            file = await runtime.writer.call(lambda: runtime.store.back_up(wish.directory, wish.keep, now))
            log.info("backed_up", file=file.name, bytes=file.stat().st_size)


def keep_of(settings: Settings) -> Keep:
    """How long entries are kept, in general and for sources that say otherwise."""
    return Keep(settings.storage.keep, {source.id: source.retain for source in settings.sources if source.retain is not None})
