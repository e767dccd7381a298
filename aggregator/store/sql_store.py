"""What both databases do with the one connection that writes: taking turns, retention, the end of a daemon."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from aggregator.errors import StoreError
from aggregator.model import Instant
from aggregator.ports import Keep, Swept
from aggregator.store import maintenance, retention
from aggregator.store.connection import Connection
from aggregator.store.index import LEFT, SqlStoryIndex
from aggregator.store.view import SqlView
from aggregator.store.writes import SqlTransaction

SWEPT_AT_ONCE = 100
"""Stories per transaction of retention: a few milliseconds, no longer than a poll's."""


class SqlStore(SqlView):
    """The part of a ports.Database that both share. A transaction belongs to the thread that began it."""

    _turn: threading.Lock
    _owner: int | None = None
    _index: SqlStoryIndex

    @property
    @abstractmethod
    def _writing(self) -> Connection:
        """The connection that writes, as it is now."""

    @abstractmethod
    def begin(self) -> AbstractContextManager[SqlTransaction]:
        """See `Store.begin`."""

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Waits for the connection that writes. Raises StoreError in a thread that has it already."""
        if self._owner == threading.get_ident():
            raise StoreError("a transaction was begun inside another one")
        with self._turn:
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = None

    def _write_terms(self) -> None:
        """Writes the index's terms, so that the next start has little to replay."""
        if self._index.logged > LEFT:
            with self.begin() as transaction:
                transaction.index.write_terms()

    def sweep(self, keep: Keep, now: Instant) -> Swept:
        """Retention: removes old stories, a few per transaction, so that polls get their turn in between."""
        with self.begin():
            retention.release(self._writing)
            maintenance.forget(self._writing, now)
        swept = Swept()
        stories = self._read(retention.candidates, keep, now)
        for at in range(0, len(stories), SWEPT_AT_ONCE):
            with self.begin() as transaction:
                chunk = stories[at : at + SWEPT_AT_ONCE]
                swept += retention.sweep(self._writing, transaction.index, chunk, keep, now)
        return swept
