"""Checks each tick whether the database was deleted or replaced under the daemon, and then saves its content."""

from __future__ import annotations

from aggregator.run.runtime import CurrentRuntime

PAUSE = 30.0
"""Seconds until a failed save is tried again."""


class Rescue:
    """problem: what happened to the database, None while it is in place."""

    def __init__(self, current: CurrentRuntime) -> None:
        self._current = current
        self._not_before = 0.0
        self._is_saving = False
        self.problem: str | None = None

    def may_be_killed(self) -> bool:
        """False while the process saves content that exists nowhere else."""
        return not self._is_saving

    async def check_database(self) -> None:
        """Raises DatabaseLostError once the content is saved: a new process must open the file that is there now.

        Raises StoreError if the content can't be saved (full disk). The daemon alone has it, so it stays and tries again.
        """
        runtime = self._current.runtime
        clock = runtime.clock
        self.problem = runtime.store.displaced()
        if self.problem is None or clock.monotonic() < self._not_before:
            return
        self._not_before, self._is_saving = clock.monotonic() + PAUSE, True
        try:
            await runtime.writer.call(lambda: runtime.store.rescue(clock.now()))
        finally:
            self._is_saving = False
