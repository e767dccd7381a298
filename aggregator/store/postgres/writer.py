"""The one connection that writes, with the locks that it holds: they end with it, however the process ends."""

from __future__ import annotations

from typing import Any

import psycopg

from aggregator.errors import HeldError, LeadershipLostError, StoreError
from aggregator.store.postgres.connection import PostgresConnection, arguments, configure
from aggregator.store.postgres.leadership import LOST

_OURS = "hashtext('aggregator ' || current_schema())"
"""Advisory locks belong to the whole database: ours are told apart by the schema."""
_LEADS, _WRITES = 1, 2
_TAKE = f"SELECT pg_try_advisory_lock({_OURS}, {_LEADS})"
_RELEASE = f"SELECT pg_advisory_unlock({_OURS}, {_LEADS})"
_IS_HELD = f"""locktype = 'advisory' AND granted AND classid = {_OURS}::oid AND objid = {_LEADS} AND objsubid = 2
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_HOLDER = f"SELECT application_name, client_addr::text FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE {_IS_HELD}"
_BEGIN_TERM = "UPDATE leadership SET term = term + 1, beat = 0, pid = pg_backend_pid() RETURNING term"
_RESUME_TERM = "UPDATE leadership SET beat = beat + 1, pid = pg_backend_pid() WHERE term = $1"
_LEADER = f"SELECT term, beat FROM leadership JOIN pg_locks USING (pid) WHERE {_IS_HELD}"
"""Who migrates the tables holds the lock without a term: nobody takes that for a frozen leader."""
_DEPOSE = (
    f"SELECT pg_terminate_backend(pid) FROM leadership JOIN pg_locks USING (pid) WHERE {_IS_HELD} AND term = $1 AND beat = $2"
)
_BEGIN = f"BEGIN; SELECT pg_advisory_xact_lock({_OURS}, {_WRITES})"
"""One transaction writes at a time, of all processes, as in SQLite: a command may write beside the daemon."""
_COMMIT_LIGHT = "SET LOCAL synchronous_commit = off; COMMIT"


class WriterConnection:
    """Opens the connection anew after it was lost. The lock is then taken again, or nothing is written any more."""

    def __init__(self, address: str, name: str) -> None:
        self._address, self._name = address, name
        self._term: int | None = None
        self.current = self._open()

    def _open(self) -> PostgresConnection:
        connection: psycopg.Connection[Any] = psycopg.connect(self._address, **arguments())
        configure(connection)
        return PostgresConnection(connection)

    def renew(self) -> bool:
        """Opens the connection if it was lost, and says whether. Raises LeadershipLostError if another process has led since."""
        if not self.current.raw.closed and not self.current.raw.broken:
            return False
        self.current = self._open()
        if self._term is not None:
            self._resume(self._term)
        return True

    def _resume(self, term: int) -> None:
        """Goes on as if nothing had happened if nobody has led meanwhile; else nothing can be written on this connection."""
        try:
            self.take()
            if not self.current.raw.execute(_RESUME_TERM, (term,)).rowcount:
                raise LeadershipLostError(LOST)
        except HeldError as error:
            self.current.raw.close()
            raise LeadershipLostError(f"{LOST}: {error}") from error
        except BaseException:
            self.current.raw.close()
            raise

    def is_cut(self) -> bool:
        """Asks the server whether the connection stands."""
        try:
            self.current.raw.execute(b"SELECT 1")
        except psycopg.OperationalError:
            self.current.raw.close()
        return self.current.raw.closed

    def lead(self) -> int:
        """Holds the database, and returns the number of the term. Raises HeldError, which names who does."""
        self.take()
        try:
            row = self.current.raw.execute(_BEGIN_TERM).fetchone()
            self._term = int(row[0]) if row else 0
        except BaseException:
            self.stop_leading()
            raise
        return self._term

    def take(self) -> None:
        """Takes the lock alone, for migrations. Raises HeldError."""
        row = self.current.raw.execute(_TAKE.encode()).fetchone()
        if not row or not row[0]:
            holder = find_holder(self.current.raw) or "another process"
            raise HeldError(f"{self._name} is in use by {holder}: one daemon or poll at a time")

    def leader(self) -> tuple[int, int] | None:
        """The leader's term and its count of signs of life."""
        row = self.current.raw.execute(_LEADER.encode()).fetchone()
        return (int(row[0]), int(row[1])) if row else None

    def depose(self, seen: tuple[int, int]) -> bool:
        """Ends the leader's connection, unless it has given a sign of life since it was seen."""
        row = self.current.raw.execute(_DEPOSE.encode(), seen).fetchone()
        return bool(row and row[0])

    def stop_leading(self) -> None:
        self._term = None
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
