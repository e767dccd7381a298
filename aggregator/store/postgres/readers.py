"""The connections that read. One that is free is used again; else one is opened, and a server that is away is told at once.

`psycopg_pool` opens them behind the scenes, ever more seldom while the server is away: readers would wait for half a minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from aggregator.errors import StoreError
from aggregator.store.postgres.connection import PostgresConnection, arguments, configure

MOST = 32
"""Connections that read at a time: more than threads of a daemon do. PostgreSQL allows 100 by default."""
WAIT = 30.0
"""Seconds that a reader waits for one of them."""


class Readers:
    """Connections to an address, for one reader at a time each. Safe to use from several threads."""

    def __init__(self, address: str, check: Callable[[], None] = lambda: None) -> None:
        """check: raises StoreError while the server is known to be away, so that nobody waits for it."""
        self._address, self._check = address, check
        self._room = threading.BoundedSemaphore(MOST)
        self._free: list[PostgresConnection] = []
        self._is_closed = False

    @contextmanager
    def one(self) -> Iterator[PostgresConnection]:
        """A connection outside any transaction. Raises psycopg.Error, or StoreError if all are in use for long."""
        self._check()
        if not self._room.acquire(timeout=WAIT):
            raise StoreError(f"{MOST} readers use the database already")
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give_back(connection)
        finally:
            self._room.release()

    def _take(self) -> PostgresConnection:
        try:
            return self._free.pop()
        except IndexError:
            made: psycopg.Connection[Any] = psycopg.connect(self._address, **arguments())
            configure(made)
            return PostgresConnection(made)

    def _give_back(self, connection: PostgresConnection) -> None:
        status = connection.raw.info.transaction_status
        is_idle = status == psycopg.pq.TransactionStatus.IDLE
        if status == psycopg.pq.TransactionStatus.UNKNOWN:  # it was cut, as the others may have been
            self.drop_free()
        if is_idle and not self._is_closed:
            self._free.append(connection)
        else:
            connection.raw.close()

    def drop_free(self) -> None:
        """Closes those that nobody uses: the server may have been restarted since."""
        while self._free:
            self._free.pop().raw.close()

    def close(self) -> None:
        self._is_closed = True
        self.drop_free()
