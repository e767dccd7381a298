"""News from the other nodes, by NOTIFY: heard on a connection of its own, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from aggregator.ports import INBOX, PUBLISHED
from aggregator.store.postgres.connection import arguments, configure

_CHANNEL = "'aggregator ' || md5(current_schema())"
"""Channels belong to the whole database: ours are told apart by the schema."""
NOTIFY = f"pg_notify({_CHANNEL}, '{{}}')"
AGAIN = 1.0
"""Seconds until a lost connection is opened anew."""
PATIENCE = 0.5
"""Seconds between two looks whether it is over."""


class Listener(threading.Thread):
    """Calls `wake` with each kind of news, and with all kinds whenever it begins to listen."""

    def __init__(self, address: str, wake: Callable[[str], None]) -> None:
        super().__init__(name="listener", daemon=True)
        self._address, self._wake = address, wake
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            with suppress(psycopg.Error):
                self._listen()
            self._over.wait(AGAIN)

    def _listen(self) -> None:
        connection: psycopg.Connection[Any]
        with psycopg.connect(self._address, **arguments()) as connection:
            configure(connection)
            row = connection.execute(f"SELECT {_CHANNEL}".encode()).fetchone()
            connection.execute(f'LISTEN "{row[0] if row else ""}"'.encode())
            for kind in (INBOX, PUBLISHED):
                self._wake(kind)
            while not self._over.is_set():
                for news in connection.notifies(timeout=PATIENCE):
                    self._wake(news.payload)

    def end(self) -> None:
        self._over.set()
        self.join()
