"""Maintains the store while the daemon runs: retention, tidying, backups. Each job runs in the writer's thread."""

from __future__ import annotations

import structlog

from aggregator.errors import AggregatorError
from aggregator.model import Instant
from aggregator.ports import Job, Keep
from aggregator.run.clock_jumps import Doubt
from aggregator.run.runtime import CurrentRuntime
from aggregator.settings import Settings

log = structlog.get_logger("maintenance")

CHECK = 300.0
"""Seconds between two looks at whether a job is due. The store remembers when each ran last, so that restarts delay nothing."""
BACKUP_CHECK = 60.0
"""The same for backups: a person who asks for them, or whose disk is full, is told within a minute."""
BACKUP_RETRY = 300.0
"""Seconds until a backup that failed is tried again: it may copy gigabytes until the disk is full."""
SWEEP = 6 * 3_600.0
TIDY = 3_600.0
"""Seconds between two runs; a backup is made every `storage.backup.every`."""
SWEPT_KEY = "swept"
TIDIED_KEY = "tidied"
BACKED_UP_KEY = "backed_up"
"""Keys of the stored times when retention, tidying and the backup last ran."""


class Maintenance:
    """The daemon's maintenance jobs. backup_error: why the last backup failed, None if it didn't."""

    def __init__(self, current: CurrentRuntime) -> None:
        self._current = current
        clock = current.runtime.clock
        self._doubt = Doubt(clock.now(), clock.monotonic())
        self._next_backup = 0.0
        self.backup_error: str | None = None

    def jobs(self) -> list[Job]:
        return [
            Job("sweep", CHECK, self.sweep_if_due, queued=True),
            Job("tidy", CHECK, self.tidy_if_due, queued=True),
            Job("backup", BACKUP_CHECK, self.backup),
        ]

    async def sweep_if_due(self) -> None:
        """Applies retention (`storage.keep`, `retain`) if it last ran long ago and the clock can be trusted."""
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        if self._doubt.lasts(now, runtime.clock.monotonic()) or not self._is_due(SWEPT_KEY, SWEEP, now):
            return
        keep = retention_rules(runtime.settings)
        swept = await runtime.writer.call(lambda: runtime.store.sweep(keep, now))
        await self._remember(SWEPT_KEY, now)
        log.info("swept", result=str(swept))

    async def tidy_if_due(self) -> None:
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        if self._is_due(TIDIED_KEY, TIDY, now):
            await runtime.writer.call(runtime.store.tidy)
            await self._remember(TIDIED_KEY, now)

    async def backup(self) -> None:
        """Makes a backup if the last one is old enough, wherever its file has been moved to since. A failure is kept and told."""
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        backup = runtime.settings.storage.backup
        if backup is None:
            self.backup_error = None
            return
        if runtime.clock.monotonic() < self._next_backup or not self._is_due(BACKED_UP_KEY, backup.every, now):
            return
        try:
            file = await runtime.writer.call(lambda: runtime.store.back_up(backup.directory, backup.keep, now))
            await self._remember(BACKED_UP_KEY, now)
        except (AggregatorError, OSError) as error:
            self.backup_error, self._next_backup = str(error), runtime.clock.monotonic() + BACKUP_RETRY
            log.error("backup_failed", error=self.backup_error, pause=BACKUP_RETRY)
        else:
            self.backup_error = None
            log.info("backed_up", file=file.name, bytes=file.stat().st_size)

    def _is_due(self, key: str, every: float, now: Instant) -> bool:
        """True if a job last ran long ago, never, or in the future: a clock that was set back delays nothing."""
        last = self._current.runtime.store.value(key)
        return last is None or not 0.0 <= now - float(last) < every

    async def _remember(self, key: str, now: Instant) -> None:
        await self._current.runtime.writer.commit(lambda transaction: transaction.set_value(key, repr(now)))


def retention_rules(settings: Settings) -> Keep:
    """Returns how long entries are kept: `storage.keep`, and `retain` of sources that set it."""
    return Keep(settings.storage.keep, {source.id: source.retain for source in settings.sources if source.retain is not None})
