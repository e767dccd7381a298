"""Notices each tick whether the database was deleted or replaced under the daemon, and has its content saved."""

from __future__ import annotations

from collections.abc import Callable

from aggregator.run.runtime import Runtime
from aggregator.store.sqlite import SqliteStore

PAUSE = 30.0
"""Seconds before saving is tried again."""


class Rescue:
    """why: what is wrong, None while all is well."""

    def __init__(self, runtime: Callable[[], Runtime], store: SqliteStore) -> None:
        self._runtime = runtime
        self._store = store
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
        clock = self._runtime().clock
        self.why = self._store.displaced()
        if self.why is None or clock.monotonic() < self._again:
            return
        self._again, self._is_saving = clock.monotonic() + PAUSE, True
        try:
            await self._runtime().writer.call(lambda: self._store.rescue(clock.now()))
        finally:
            self._is_saving = False
