"""Reads the database, with a connection per thread. All see committed state."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from aggregator.model import Story
from aggregator.ports import GroupedItems, StoryFilter, WordQuery
from aggregator.store import search
from aggregator.store.connect import explained, open_reader
from aggregator.store.connection import Connection
from aggregator.store.index import SqlStoryIndex
from aggregator.store.view import SqlView

P = ParamSpec("P")
R = TypeVar("R")


class SqliteView(SqlView):
    """A ports.StoreView of the database at a path. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def _close_readers(self) -> None:
        for connection in self._readers:
            connection.close()
        self._readers.clear()

    def _read(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        with explained(self.path):
            return query(self._reader(), *arguments, **named)

    def _read_whole(self, query: Callable[Concatenate[Connection, P], R], *arguments: P.args, **named: P.kwargs) -> R:
        """Like `_read`, for queries of several statements that must see one state of the database."""
        with explained(self.path):
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return query(connection, *arguments, **named)
            finally:
                connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        return open_reader(self.path)

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
            self._readers.append(connection)
        return connection

    def grouped(self) -> GroupedItems:
        """See `Stories.grouped`. Reads on this thread's connection: for a command, not for the daemon."""
        with explained(self.path):
            index = SqlStoryIndex(self._reader())
            index.begin()
        return index

    def find(
        self, where: StoryFilter, limit: int | None = None, *, relevant: WordQuery | None = None, seconds: float | None = None
    ) -> Generator[Story]:
        """See `Store.find`. Streams from its own connection, so that it sees one state of the database."""
        with explained(self.path):
            connection = self._open()
            try:
                if seconds is not None:
                    search.stop_after(connection, seconds)
                yield from search.find(connection, where, limit, relevant)
            finally:
                connection.close()
