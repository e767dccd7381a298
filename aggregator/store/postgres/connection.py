"""A connection to PostgreSQL that runs the shared queries, and its errors in words a person can act on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import RawCursor, adapters, errors
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.numeric import Int8BinaryDumper

from aggregator.errors import StoreError, TookTooLongError, UnreachableError
from aggregator.store.postgres.arrays import Column, ColumnDumper
from aggregator.store.postgres.dialect import Statement, translate
from aggregator.store.postgres.in_bulk import COPIED, TOGETHER, Copied
from aggregator.store.postgres.statements import LIGHT

CONNECT_TIMEOUT = 10
"""Seconds that a server may take to answer."""
SILENCE = 5
"""Seconds that what was sent may stay unacknowledged: the server's machine has vanished then, and the event loop waits along."""
PREPARED = 400
"""Statements kept prepared per connection: more than the store has."""

_BY_INDEXES = "SET enable_seqscan = off; SET random_page_cost = 1.1"
"""Indexes lead to all that is asked often, and what is asked often is in memory. Plans are kept: one that reads a small table as
a whole would still do so when the table has grown."""

_CUT = ("08", "57")
"""Classes of SQLSTATE: connection exceptions, and a server that is shut down, has crashed, or starts up."""


class _JsonAsText(Loader):
    """JSON is read as the text that was stored, as SQLite gives it."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


class _Cursor(RawCursor[Any]):
    """Gives the rows of a statement all at once: psycopg's own steps through Python code for each one."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        return iter(self.fetchall())


def _own_adapters() -> AdaptersMap:
    own = AdaptersMap(adapters)
    own.register_loader("json", _JsonAsText)
    own.register_dumper(int, Int8BinaryDumper)  # however small: each mix of types would be a statement to prepare of its own
    own.register_dumper(Column, ColumnDumper)
    return own


def arguments() -> dict[str, Any]:
    """What every connection is opened with. Statements are their own transactions unless one is begun."""
    return {
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT,
        "application_name": f"aggregator {os.getpid()}",
        "cursor_factory": _Cursor,
        "context": _Context(),
        "tcp_user_timeout": SILENCE * 1_000,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }


class _Context:
    """A psycopg.abc.AdaptContext of our own adapters alone."""

    connection = None

    def __init__(self) -> None:
        self.adapters = _own_adapters()


def configure(connection: psycopg.Connection[Any]) -> None:
    """Settings of a new connection."""
    connection.prepared_max = PREPARED
    connection.execute("SET idle_in_transaction_session_timeout = 0")  # a copy holds its source by one for minutes
    connection.execute(_BY_INDEXES)
    connection.execute("SET jit = off; SET timezone = 'UTC'; SET bytea_output = 'hex'; SET client_min_messages = warning")


class PostgresConnection:
    """A store.connection.Connection. Statements are translated once, and prepared by psycopg when they recur."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.raw = connection
        self._known: dict[str, tuple[Statement, ...]] = {}
        self.is_light = True
        """True while a transaction has written nothing that a poll could not bring again: states of sources."""

    def _translated(self, statement: str) -> tuple[Statement, ...]:
        found = self._known.get(statement)
        if found is None:
            found = self._known[statement] = translate(statement)
        return found

    def _notice(self, statement: str) -> None:
        if self.is_light and statement not in LIGHT and not statement.startswith("SELECT"):
            self.is_light = False

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[Any]:
        self._notice(statement)
        given = tuple(parameters)
        for one in self._translated(statement):
            cursor = self.raw.execute(one.sql.encode(), one.order(given))
        return cursor

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> RawCursor[Any]:
        cursor: RawCursor[Any] = self.raw.cursor()  # type: ignore[assignment]
        given = [tuple(row) for row in rows]
        if not given:
            return cursor
        self._notice(statement)
        if (copied := COPIED.get(statement)) is not None:
            _copy(cursor, copied, given)
        elif (together := TOGETHER.get(statement)) is not None:
            cursor.execute(together.sql.encode(), together.columns(given))
        else:
            for one in self._translated(statement):
                cursor.executemany(one.sql.encode(), [one.order(row) for row in given])
        return cursor


def _copy(cursor: RawCursor[Any], copied: Copied, rows: Sequence[Sequence[Any]]) -> None:
    with cursor.copy(copied.into.encode()) as copy:
        copy.set_types(copied.types)
        for row in rows:
            copy.write_row(copied.row(row))


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns PostgreSQL's errors in the context into a StoreError that says what to do. name: the database, without a password."""
    try:
        yield
    except errors.QueryCanceled as error:
        raise TookTooLongError("the search was stopped: its time was over") from error
    except psycopg.Error as error:
        kind = UnreachableError if is_cut(error) else StoreError
        raise kind(explain(error, name)) from error


def is_cut(error: psycopg.Error) -> bool:
    """Whether the connection failed, not the statement: the server has ended, refuses anybody, or can't be reached."""
    refused = (errors.InvalidPassword, errors.InvalidAuthorizationSpecification)
    is_ours = isinstance(error, psycopg.OperationalError) and not isinstance(error, refused)
    return is_ours and (error.sqlstate is None or error.sqlstate[:2] in _CUT)


def explain(error: psycopg.Error, name: str) -> str:
    """What went wrong with the database, and what to do, in one line."""
    said = " ".join(str(error).split())
    match error:
        case errors.InvalidPassword() | errors.InvalidAuthorizationSpecification():
            return f"the server of {name} refuses the user or the password of storage.database"
        case errors.InsufficientPrivilege():
            return f"the user of storage.database lacks a right on {name}: {said}"
        case errors.DiskFull():
            return f"no space left for {name}: nothing of this write was stored. Make room, and it goes on"
        case errors.LockNotAvailable() | errors.DeadlockDetected():
            return f"{name} is held by another program: {said}; stop it, then try again"
        case errors.ReadOnlySqlTransaction():
            return f"{name} can't be written: its server is a replica, or read-only"
        case psycopg.OperationalError() if error.sqlstate is None and "FATAL:" in said:  # libpq gives no code of a connection
            return f"the server of {name} refuses the connection (storage.database names user, password and database): {said}"
        case psycopg.OperationalError():
            return f"the server of {name} does not answer: {said}"
        case _:
            return f"{name} refused a statement: {said}"
