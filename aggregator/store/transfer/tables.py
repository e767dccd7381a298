"""What is copied from one database to another: every table but the words for searches, which the target makes its own way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from typing import Any, Protocol, TypeAlias

import xxhash
from msgspec import Struct, msgpack

from aggregator.store.marks import MARKS

Row: TypeAlias = tuple[Any, ...]

_NAMES = """SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name <> 'search'
    AND name NOT GLOB 'search_*' AND name NOT GLOB '_litestream_*' ORDER BY name"""
"""Litestream keeps two tables of its own in each database that it copies."""
EVERY = "true"
"""All rows of a table (see `Table.where`)."""
HAS_ROWS = "SELECT 1 FROM {0.name} WHERE {0.where} LIMIT 1"
_WITHOUT = {
    "key_values": f"key NOT IN ({', '.join(repr(mark) for mark in MARKS)})",
    "group_state": "name <> 'writer'",
}
"""Table → which of its rows are copied: not what belongs to the one database alone."""
_ENCODE = msgpack.Encoder().encode
_MODULUS = 1 << 128


class Table(Struct, frozen=True):
    """key: the columns by which its rows are ordered, texts by their bytes. where: which rows are copied."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    where: str

    @property
    def query(self) -> str:
        """Selects the rows, in the SQL of both databases."""
        order = f" ORDER BY {', '.join(self.key)}" if self.key else ""
        return f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE {self.where}{order}"


class Sum(Struct):
    """The number of a table's rows and a hash of them all, whatever their order. Values are those that SQLite has."""

    rows: int = 0
    digest: int = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        self.digest = (self.digest + xxhash.xxh3_128_intdigest(_ENCODE(row))) % _MODULUS

    def counting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, which are added as they pass."""
        for row in rows:
            self.add(row)
            yield row


class Source(Protocol):
    """A database that is copied from, or compared."""

    name: str
    tables: tuple[Table, ...]
    """As SQLite tells them; empty for another database, which has the same ones."""

    def has_rows(self, table: Table) -> bool:
        """Whether the table has a row that would be copied."""
        ...

    def rows(self, table: Table) -> Iterator[Row]: ...

    def close(self) -> None: ...


class Target(Source, Protocol):
    """A database that is copied to, in one transaction."""

    def begin(self) -> None: ...

    def empty(self, tables: Iterable[Table]) -> None:
        """Removes what an unfinished copy left, but for the marks."""
        ...

    def write(self, table: Table, rows: Iterable[Row]) -> None: ...

    def write_words(self, words: Iterable[tuple[int, str, str, str]]) -> None:
        """Makes the index for searches. words: see `rows.search_row`, by growing item."""
        ...

    def commit(self) -> None:
        """Sets what counts ids behind the rows, and commits."""
        ...


def known_tables(source: Source, target: Source) -> tuple[Table, ...]:
    """The tables of both: one of them is SQLite."""
    return source.tables or target.tables


def read_tables(connection: sqlite3.Connection) -> tuple[Table, ...]:
    """The tables of a database of SQLite, in an order in which no row names one that comes later."""
    names = [name for (name,) in connection.execute(_NAMES)]
    parents = {name: {row[2] for row in connection.execute(f"PRAGMA foreign_key_list({name})")} - {name} for name in names}
    return tuple(_table(connection, name) for name in TopologicalSorter(parents).static_order())


def _table(connection: sqlite3.Connection, name: str) -> Table:
    columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
    key = sorted((row[5], row[1]) for row in columns if row[5])
    return Table(name, tuple(row[1] for row in columns), tuple(column for _, column in key), _WITHOUT.get(name, EVERY))
