"""Notices each tick whether the database was deleted or replaced under the daemon, and has its content saved."""

from __future__ import annotations

from aggregator.run.runtime import InUse

PAUSE = 30.0
"""Seconds before saving is tried again."""


class Rescue:
    """why: what is wrong, None while all is well."""

    def __init__(self, in_use: InUse) -> None:
        self._in_use = in_use
        self._again = 0.0
        self.why: str | None = None
        self._is_saving = False

    def may_end(self) -> bool:
        """Whether the process may be ended as it stands: not while it saves what only it has."""
        return not self._is_saving

    async def look(self) -> None:
        """Raises DatabaseLostError once the content is saved: a new process has to open what lies there now.

        Raises StoreError where it can't be saved (a full disk): the daemon, which alone has it, stays and tries again later.
        """
        runtime = self._in_use.runtime
        clock = runtime.clock
        self.why = runtime.store.displaced()
        if self.why is None or clock.monotonic() < self._again:
            return
        self._again, self._is_saving = clock.monotonic() + PAUSE, True
        try:
            await runtime.writer.call(lambda: runtime.store.rescue(clock.now()))
        finally:
            self._is_saving = False
