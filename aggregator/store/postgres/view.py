"""Reads PostgreSQL, on connections that are used again. All see committed state."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import psycopg

from aggregator.model import Story
from aggregator.ports import GroupedItems, StoryFilter, WordQuery
from aggregator.store.connection import Connection
from aggregator.store.postgres import search
from aggregator.store.postgres.connection import PostgresConnection, arguments, configure, explained
from aggregator.store.postgres.index import PostgresStoryIndex
from aggregator.store.postgres.readers import Readers
from aggregator.store.view import SqlView
from aggregator.text.masks import mask_url

P = ParamSpec("P")
R = TypeVar("R")

_ONE_STATE = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresView(SqlView):
    """A ports.StoreView of the database at an address. Safe to use from several threads."""

    def __init__(self, address: str) -> None:
        self.name = f"the database {mask_url(address)}"
        self._address = address
        self._readers = Readers(address)

    def _read(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        with explained(self.name):
            try:
                with self._readers.one() as connection:
                    return query(connection, *arguments, **named)
            except psycopg.OperationalError:
                self._readers.drop_free()
            with self._readers.one() as connection:  # once more: the server was restarted since
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
        with explained(self.name), self._readers.one() as connection, _one_state(connection):
            yield from search.find(connection.raw, where, limit, relevant, seconds)

    def close(self) -> None:
        self._readers.close()


@contextmanager
def _one_state(connection: Connection) -> Iterator[None]:
    connection.execute(_ONE_STATE)
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
