"""The parts of the table `search`: items' ids grow with time, so old words are dropped with their part, not row by row."""

from __future__ import annotations

from contextlib import suppress

from psycopg import errors

from aggregator.store.postgres.connection import PostgresConnection

ITEMS = 250_000
"""Items in one part: a search looks into each, and one is a few hundred MB."""
_LAST = """SELECT coalesce(max(substr(relname, 8)::bigint), -1) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname ~ '^search_[0-9]+$'"""
_PARTS = """SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
    AND relname ~ '^search_[0-9]+$' AND substr(relname, 8)::bigint < $1"""
_NEW_PART = """CREATE TABLE search_{part} (
        item bigint NOT NULL CHECK (item >= {first} AND item < {end}), words tsvector NOT NULL);
    ALTER TABLE search ATTACH PARTITION search_{part} FOR VALUES FROM ({first}) TO ({end})"""
_FIRST_ITEM = "SELECT min(id) FROM items"


class Partitions:
    """Knows which parts there are. New ones are attached, which no reader waits for."""

    def __init__(self) -> None:
        self._last: int | None = None

    def make_room(self, connection: PostgresConnection, item: int) -> None:
        """Makes the parts up to an item's, inside the caller's transaction."""
        if self._last is None:
            self._last = connection.raw.execute(_LAST).fetchone()[0]  # type: ignore[index]
        while self._last < item // ITEMS:
            self._last += 1
            first, end = self._last * ITEMS, (self._last + 1) * ITEMS
            connection.raw.execute(_NEW_PART.format(part=self._last, first=first, end=end).encode())

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._last = None

    def drop_empty(self, connection: PostgresConnection) -> None:
        """Drops the parts whose items are all removed, unless a reader is in the way: then the next call does."""
        first = connection.raw.execute(_FIRST_ITEM).fetchone()[0]  # type: ignore[index]
        if first is None:
            return
        for (part,) in connection.raw.execute(_PARTS, (first // ITEMS,)).fetchall():
            with suppress(errors.LockNotAvailable):
                connection.raw.execute(f"SET lock_timeout = '200ms'; DROP TABLE {part}; RESET lock_timeout".encode())
