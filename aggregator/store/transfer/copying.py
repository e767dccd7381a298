"""Copies all tables, and compares what arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from aggregator.errors import StoreError
from aggregator.ports import Store
from aggregator.store.marks import Mark, mark_unfinished, unfinished
from aggregator.store.rows import ITEM_COLUMNS, item_of, search_row
from aggregator.store.transfer.tables import EVERY, Row, Source, Sum, Table, Target

Tell: TypeAlias = Callable[[str], None]
"""Is told of the progress, a line at a time."""
STEP = 100_000
"""Rows of one table after which progress is told."""
SHOWN = 3
"""Tables with data that are named."""
_ITEMS = "items"


def claim(store: Store, target: Target, tables: Sequence[Table], mark: Mark) -> None:
    """Marks the target as unfinished. Raises StoreError if it holds data, or an unfinished copy of another database."""
    before = unfinished(store)
    if before is not None and before.origin != mark.origin:
        raise StoreError(
            f"{target.name} is an unfinished copy of {before.origin}: finish that, or name an empty database; it was not touched"
        )
    if before is None and (filled := [table.name for table in tables if target.has_rows(table)]):
        raise StoreError(f"{target.name} holds data ({', '.join(filled[:SHOWN])}): name an empty database; it was not touched")
    mark_unfinished(store, mark)


def copy_all(source: Source, target: Target, tables: Sequence[Table], tell: Tell) -> dict[str, Sum]:
    """Copies every table in one transaction, and makes the words for searches. Returns what was read, by table."""
    sums = {table.name: Sum() for table in tables}
    target.begin()
    target.empty(tables)
    for table in tables:
        target.write(table, sums[table.name].counting(_telling(source.rows(table), table.name, tell)))
        if sums[table.name].rows:
            tell(f"{table.name}: {sums[table.name].rows:,} rows copied")
    target.write_words(_words(source, tables))
    tell("words for searches: made")
    target.commit()
    return sums


def compare_all(target: Source, tables: Sequence[Table], sums: Mapping[str, Sum], tell: Tell) -> None:
    """Compares every table of the target with what was read. Raises StoreError, which names all that differ."""
    differing = []
    for table in tables:
        found = Sum()
        for _ in found.counting(target.rows(table)):
            pass
        if found != (told := sums[table.name]):
            rows = f"{told.rows:,} rows, there {found.rows:,}" if found.rows != told.rows else "a value of some row"
            differing.append(f"{table.name} ({rows})")
    if differing:
        raise StoreError(f"the copy in {target.name} differs: {', '.join(differing)}")
    tell(f"{len(tables)} tables compared: equal")


def _words(source: Source, tables: Sequence[Table]) -> Iterator[tuple[int, str, str, str]]:
    [items] = [table for table in tables if table.name == _ITEMS]
    for row in source.rows(Table(_ITEMS, ITEM_COLUMNS, items.key, EVERY)):
        yield search_row(item_of(row))


def _telling(rows: Iterator[Row], name: str, tell: Tell) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        yield row
        if number % STEP == 0:
            tell(f"{name}: {number:,} rows …")
