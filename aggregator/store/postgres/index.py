"""The story index on PostgreSQL."""

from __future__ import annotations

import secrets

from aggregator.store.connection import Connection
from aggregator.store.index import SAVE_STATE, SqlStoryIndex

WRITER = "SELECT value FROM group_state WHERE name = 'writer'"
FORGET_WRITER = "DELETE FROM group_state WHERE name = 'writer'"
_MARK_BITS = 52
"""Whole numbers that a double can hold."""


class PostgresStoryIndex(SqlStoryIndex):
    """Notices by a mark in the database that another process has written: each writes its own mark when it begins to."""

    def __init__(self, connection: Connection, *, writes: bool = True) -> None:
        super().__init__(connection)
        self._mark = float(secrets.randbits(_MARK_BITS))
        self._writes = writes

    def begin(self) -> None:
        row = self._connection.execute(WRITER).fetchone()
        is_ours = row is not None and row[0] == self._mark
        if self._version is None or not is_ours:
            self._load()
            self._version = 1
        if self._writes and not is_ours:
            self._connection.execute(SAVE_STATE, ("writer", self._mark))
