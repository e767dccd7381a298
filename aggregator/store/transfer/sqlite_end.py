"""SQLite as the source or the target of a copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from aggregator.store import items
from aggregator.store.connect import explained, open_reader, open_writer
from aggregator.store.transfer.tables import HAS_ROWS, Row, Table, read_tables


class SqliteEnd:
    """A transfer.tables.Target. With `writes`, it writes in one transaction; otherwise it reads one state of the database."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        self.name = f"the database {path}"
        self._path = path
        with explained(path):
            self._connection = open_writer(path) if writes else open_reader(path)
            if not writes:
                self._connection.execute("BEGIN")
            self.tables = read_tables(self._connection)

    def has_rows(self, table: Table) -> bool:
        with explained(self._path):
            return self._connection.execute(HAS_ROWS.format(table)).fetchone() is not None

    def rows(self, table: Table) -> Iterator[Row]:
        with explained(self._path):
            yield from self._connection.execute(table.query)

    def begin(self) -> None:
        with explained(self._path):
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("BEGIN IMMEDIATE")

    def empty(self, tables: Iterable[Table]) -> None:
        with explained(self._path):
            for table in reversed(tuple(tables)):
                self._connection.execute(f"DELETE FROM {table.name} WHERE {table.where}")
            self._connection.execute("DELETE FROM search")

    def write(self, table: Table, rows: Iterable[Row]) -> None:
        places = ", ".join("?" for _ in table.columns)
        with explained(self._path):
            self._connection.executemany(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})", rows)

    def write_words(self, words: Iterable[tuple[int, str, str, str]]) -> None:
        with explained(self._path):
            self._connection.executemany(items._INSERT_WORDS, words)

    def commit(self) -> None:
        """Commits. Ids grow behind the highest row by themselves."""
        with explained(self._path):
            self._connection.execute("COMMIT")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()
