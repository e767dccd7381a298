"""PostgreSQL as the source or the target of a copy: by binary COPY, with values as SQLite has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from aggregator.errors import StoreError
from aggregator.store.postgres.connection import PostgresConnection, arguments, configure, explained
from aggregator.store.postgres.partitions import Partitions
from aggregator.store.postgres.words import search_words
from aggregator.store.transfer.tables import EVERY, HAS_ROWS, Row, Table
from aggregator.text.masks import mask_url

_TYPES = """SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped"""
_COUNTERS = """SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attidentity <> '' AND NOT attisdropped"""
_SENT_AS = {"json": "text"}
"""A JSON value is sent as its text, and is to stay the same to the byte."""
_SET_COUNTER = "SELECT setval(pg_get_serial_sequence('{0}', '{1}'), coalesce(max({1}), 0) + 1, false) FROM {0}"
_WORDS_INDEX = "SELECT pg_get_indexdef('search_words'::regclass)"
SHOWN = 200
"""Characters of what the server says of a refused row, which may hold a whole text."""
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresEnd:
    """A transfer.tables.Target. With `writes`, it writes in one transaction; otherwise it reads one state of the database."""

    def __init__(self, address: str, *, writes: bool) -> None:
        self.name = f"the database {mask_url(address)}"
        self.tables: tuple[Table, ...] = ()
        with explained(self.name):
            self._raw: psycopg.Connection[Any] = psycopg.connect(address, **arguments())
            configure(self._raw)
            self._raw.execute(b"SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
            if not writes:
                self._raw.execute(_READ.encode())

    def has_rows(self, table: Table) -> bool:
        with explained(self.name):
            return self._raw.execute(HAS_ROWS.format(table).encode()).fetchone() is not None

    def rows(self, table: Table) -> Iterator[Row]:
        types = self._types(table)
        as_sqlite = _converter(types, {"boolean": int, "double precision": _without_sign_of_zero})
        out = f"COPY ({table.query}) TO STDOUT (FORMAT BINARY)"
        with explained(self.name), self._raw.cursor() as cursor, cursor.copy(out.encode()) as copy:
            copy.set_types([_SENT_AS.get(type, type) for type in types])
            yield from map(as_sqlite, copy.rows())

    def begin(self) -> None:
        with explained(self.name):
            self._raw.execute(b"BEGIN")

    def empty(self, tables: Iterable[Table]) -> None:
        with explained(self.name):
            whole = [table.name for table in tables if table.where == EVERY]
            self._raw.execute(f"TRUNCATE search, {', '.join(whole)}".encode())
            for table in tables:
                self._raw.execute(f"DELETE FROM {table.name} WHERE {table.where}".encode())

    def write(self, table: Table, rows: Iterable[Row]) -> None:
        types = self._types(table)
        as_ours = _converter(types, {"boolean": bool})
        into = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN (FORMAT BINARY)"
        with explained(self.name), _telling(self.name, table), self._raw.cursor() as cursor, cursor.copy(into.encode()) as copy:
            copy.set_types([_SENT_AS.get(type, type) for type in types])
            for row in map(as_ours, rows):
                copy.write_row(row)

    def write_words(self, words: Iterable[tuple[int, str, str, str]]) -> None:
        """The index is made after the rows, which takes a third of the time."""
        partitions, connection = Partitions(), PostgresConnection(self._raw)
        with explained(self.name):
            highest = self._raw.execute(b"SELECT max(id) FROM items").fetchone()
            if highest and highest[0] is not None:
                partitions.make_room(connection, highest[0])
            [definition] = self._raw.execute(_WORDS_INDEX.encode()).fetchone() or ("",)
            self._raw.execute(b"DROP INDEX search_words")
            with self._raw.cursor() as cursor, cursor.copy(b"COPY search (item, words) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(("bigint", "bytea"))
                for one in words:
                    copy.write_row(search_words(one))
            self._raw.execute(definition.replace("ON ONLY", "ON").encode())

    def commit(self) -> None:
        """Sets the counters of ids, commits, and looks at the tables, so that the first queries are planned well."""
        with explained(self.name):
            for table, column in self._raw.execute(_COUNTERS.encode()).fetchall():
                self._raw.execute(_SET_COUNTER.format(table, column).encode())
            self._raw.execute(b"COMMIT")
            self._raw.execute(b"ANALYZE")

    def close(self) -> None:
        self._raw.close()

    def _types(self, table: Table) -> list[str]:
        """The types of these columns of a table. Raises StoreError if it lacks one."""
        with explained(self.name):
            found = self._raw.execute(_TYPES.encode(), (table.name,)).fetchall()
        types = dict(found)
        if missing := sorted(set(table.columns) - types.keys()):
            raise StoreError(f"{self.name} has no column {table.name}.{missing[0]}, which SQLite has: both need the same release")
        return [types[column] for column in table.columns]


def _converter(types: Sequence[str], by_type: Mapping[str, Callable[[Any], Any]]) -> Callable[[Row], Row]:
    """Converts rows of columns of these types: those named in `by_type`."""
    places = [(place, by_type[type]) for place, type in enumerate(types) if type in by_type]

    def convert(row: Row) -> Row:
        values = list(row)
        for place, made in places:
            if (value := values[place]) is not None:
                values[place] = made(value)
        return tuple(values)

    return convert if places else lambda row: row


def _without_sign_of_zero(value: float) -> float:
    """SQLite keeps no -0.0."""
    return value + 0.0


@contextmanager
def _telling(name: str, table: Table) -> Iterator[None]:
    """Raises StoreError that tells which row is refused: SQLite takes some texts and numbers that PostgreSQL doesn't."""
    try:
        yield
    except psycopg.DataError as error:
        where = " ".join((error.diag.context or f"table {table.name}").split())[:SHOWN]
        raise StoreError(f"{name} can't hold a row: {error.diag.message_primary or error} ({where})") from error
