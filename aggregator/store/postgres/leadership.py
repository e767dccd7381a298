"""The leader's signs of life, and how a standby tells a leader that is frozen.

No clock is compared: the leader counts, and a standby looks whether the count goes on while its own time passes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from aggregator.errors import LeadershipLostError, StoreError
from aggregator.store.postgres.connection import arguments, configure, explained

BEAT = 0.5
"""Seconds between two signs of life."""
FROZEN = 2.5
"""Seconds without one after which a leader counts as frozen: five signs, so that a busy machine may be late with some."""
DISTRACTED = 1.0
"""Seconds between two looks after which a standby begins to count anew: it may have been frozen itself."""
_COUNT = "UPDATE leadership SET beat = beat + 1 WHERE term = $1"
_SETTINGS = "SET synchronous_commit = off; SET statement_timeout = '5s'"
LOST = "another process leads now"


class Beat(threading.Thread):
    """Counts in the database while this process leads, on a connection of its own, so that long transactions don't hold it up.

    keep: looks after the connection that writes. trouble: why this process can't lead at the moment, None if it can.
    """

    def __init__(self, address: str, name: str, term: int, keep: Callable[[], None]) -> None:
        super().__init__(name="beat", daemon=True)
        self._address, self._database, self._term, self._keep = address, name, term, keep
        self._over = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
        self.trouble: StoreError | None = None

    def run(self) -> None:
        while not isinstance(self.trouble, LeadershipLostError) and not self._over.wait(BEAT):
            try:
                self._count()
                self._keep()
            except StoreError as error:
                self.trouble = error
            else:
                self.trouble = None
        if self._connection is not None:
            self._connection.close()

    def _count(self) -> None:
        with explained(self._database):
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._address, **arguments())
                configure(self._connection)
                self._connection.execute(_SETTINGS)
            if not self._connection.execute(_COUNT, (self._term,)).rowcount:
                raise LeadershipLostError(LOST)

    def end(self) -> None:
        self._over.set()
        self.join()


class LeaderWatch:
    """What a standby has seen of the leader, and since when it is the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: object = None
        self._since = self._looked = clock()

    def is_frozen(self, seen: object) -> bool:
        """Whether the leader has done nothing for FROZEN seconds. seen: its term and count, None if there is none."""
        now = self._clock()
        if seen != self._seen or now - self._looked > DISTRACTED:
            self._seen, self._since = seen, now
        self._looked = now
        return seen is not None and now - self._since > FROZEN
