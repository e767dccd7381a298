"""Reads PostgreSQL, on connections of a pool. All see committed state."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from aggregator.errors import StoreError
from aggregator.model import Story
from aggregator.ports import GroupedItems, StoryFilter, WordQuery
from aggregator.store.connection import Connection
from aggregator.store.postgres import search
from aggregator.store.postgres.connection import PostgresConnection, arguments, configure, explained
from aggregator.store.postgres.index import PostgresStoryIndex
from aggregator.store.view import SqlView
from aggregator.text.masks import mask_url

P = ParamSpec("P")
R = TypeVar("R")

READERS = 32
"""Connections that read at a time: more than threads of a daemon do. PostgreSQL allows 100 by default."""
WAIT = 30.0
"""Seconds that a reader waits for one of them."""
_ONE_STATE = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresView(SqlView):
    """A ports.StoreView of the database at an address. Safe to use from several threads."""

    def __init__(self, address: str) -> None:
        self.name = f"the database {mask_url(address)}"
        self._address = address
        self._pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
            address,
            kwargs=arguments(),
            configure=configure,
            min_size=0,
            max_size=READERS,
            open=False,
            timeout=WAIT,
            name="readers",
        )

    @contextmanager
    def _reader(self) -> Iterator[PostgresConnection]:
        self._pool.open()
        try:
            with self._pool.connection() as connection:
                yield PostgresConnection(connection)
        except PoolTimeout as error:
            raise StoreError(f"{self.name} could not be reached within {WAIT:.0f} s") from error

    def _read(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        with explained(self.name):
            try:
                with self._reader() as connection:
                    return query(connection, *arguments, **named)
            except psycopg.OperationalError:
                self._pool.check()
            with self._reader() as connection:  # once more: the server was restarted since
                return query(connection, *arguments, **named)

    def _read_whole(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        def whole(connection: Connection) -> R:
            with _one_state(connection):
                return query(connection, *arguments, **named)

        return self._read(whole)

    def grouped(self) -> GroupedItems:
        """See `Stories.grouped`. Reads on a connection of its own: for a command, not for the daemon."""
        with explained(self.name):
            connection = psycopg.connect(self._address, **arguments())
            configure(connection)
            index = PostgresStoryIndex(PostgresConnection(connection), writes=False)
            index.begin()
        return index

    def find(
        self, where: StoryFilter, limit: int | None = None, *, relevant: WordQuery | None = None, seconds: float | None = None
    ) -> Generator[Story]:
        """See `Store.find`. Streams from its own connection, so that it sees one state of the database."""
        with explained(self.name), self._reader() as connection, _one_state(connection):
            yield from search.find(connection.raw, where, limit, relevant, seconds)

    def close(self) -> None:
        self._pool.close()


@contextmanager
def _one_state(connection: Connection) -> Iterator[None]:
    connection.execute(_ONE_STATE)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
