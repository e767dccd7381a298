"""The one connection that writes, with the locks that it holds: they end with it, however the process ends."""

from __future__ import annotations

from typing import Any

import psycopg

from aggregator.errors import HeldError, StoreError
from aggregator.store.postgres.connection import PostgresConnection, arguments, configure

_OURS = "hashtext('aggregator ' || current_schema())"
"""Advisory locks belong to the whole database: ours are told apart by the schema."""
_LEADS, _WRITES = 1, 2
_TAKE = f"SELECT pg_try_advisory_lock({_OURS}, {_LEADS})"
_RELEASE = f"SELECT pg_advisory_unlock({_OURS}, {_LEADS})"
_HOLDER = f"""SELECT application_name, client_addr::text FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = {_OURS}::oid AND objid = {_LEADS} AND objsubid = 2
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_BEGIN = f"BEGIN; SELECT pg_advisory_xact_lock({_OURS}, {_WRITES})"
"""One transaction writes at a time, of all processes, as in SQLite: a command may write beside the daemon."""
_COMMIT_LIGHT = "SET LOCAL synchronous_commit = off; COMMIT"


class WriterConnection:
    """Opens the connection anew after it was lost. The lock is then taken again, or nothing is written any more."""

    def __init__(self, address: str, name: str) -> None:
        self._address, self._name = address, name
        self._leads = False
        self.current = self._open()

    def _open(self) -> PostgresConnection:
        connection: psycopg.Connection[Any] = psycopg.connect(self._address, **arguments())
        configure(connection)
        return PostgresConnection(connection)

    def renew(self) -> bool:
        """Opens the connection if it was lost, and says whether. Raises HeldError if another process leads meanwhile."""
        if not self.current.raw.closed and not self.current.raw.broken:
            return False
        self.current = self._open()
        if self._leads:
            self._take()
        return True

    def lead(self) -> None:
        """Holds the database. Raises HeldError, which names who does."""
        self._take()
        self._leads = True

    def _take(self) -> None:
        row = self.current.raw.execute(_TAKE.encode()).fetchone()
        if not row or not row[0]:
            holder = find_holder(self.current.raw) or "another process"
            raise HeldError(f"{self._name} is in use by {holder}: one daemon or poll at a time")

    def stop_leading(self) -> None:
        self._leads = False
        if not self.current.raw.closed:
            self.current.raw.execute(_RELEASE.encode())

    def begin(self) -> None:
        self.current.is_light = True
        self.current.raw.execute(_BEGIN.encode())

    def commit(self) -> None:
        """Commits, and waits for the disk unless a crash may lose it."""
        self.current.raw.execute(_COMMIT_LIGHT.encode() if self.current.is_light else b"COMMIT")

    def roll_back(self) -> None:
        if not self.current.raw.closed:
            try:
                self.current.raw.execute(b"ROLLBACK")
            except psycopg.Error:
                self.current.raw.close()

    def close(self) -> None:
        self.current.raw.close()


def find_holder(connection: psycopg.Connection[Any]) -> str | None:
    """The process that holds the database ("process 4711 at 192.0.2.7"); None if none does."""
    row = connection.execute(_HOLDER.encode()).fetchone()
    if row is None:
        return None
    name, address = row
    return f"process {name.removeprefix('aggregator ')}" + (f" at {address.partition('/')[0]}" if address else "")


def refuse_if_led(error: HeldError, found: int) -> StoreError:
    """The error for a database that has to be migrated while a daemon of an older release writes it."""
    return StoreError(f"{error}; it is of an older release (schema {found}): stop that, then start this release")
