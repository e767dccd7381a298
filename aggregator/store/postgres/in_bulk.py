"""The statements that shared queries run for many rows, each as one: COPY for new rows, arrays for those that are changed.

One row after the other costs three times as much, most of it in the client's and the server's protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from aggregator.store import index, index_terms, items, listings, outputs, small_tables, states
from aggregator.store.postgres.arrays import Column
from aggregator.store.postgres.tables import COLUMNS
from aggregator.store.postgres.words import search_words
from aggregator.store.story_rows import STORY_COLUMNS

Row = Sequence[Any]


class Copied(Struct, frozen=True):
    """New rows that are copied (binary COPY). types: of its columns; row: the row as the table has it."""

    into: str
    types: Sequence[str]
    row: Callable[[Row], Row] = lambda row: row


def _copied(table: str, columns: Sequence[str]) -> Copied:
    types = ["text" if type == "json" else type for type in _types(table, columns)]  # JSON is sent as its text
    return Copied(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)", types)


_ADDED = {"turn": "bigint"}
"""Columns that later migrations have added."""


def _types(table: str, columns: Sequence[str]) -> list[str]:
    return [(COLUMNS[table] | _ADDED)[column] for column in columns]


COPIED = {
    items._INSERT_ITEM: _copied("items", items._INSERTED),
    items._INSERT_STORY: _copied("stories", items._BEGUN),
    outputs._ENTER: _copied("members", ("slug", "story", "seq", "entered")),
    items._INSERT_WORDS: Copied("COPY search (item, words) FROM STDIN (FORMAT BINARY)", ("bigint", "bytea"), search_words),
}


class Together(Struct, frozen=True):
    """A statement over arrays, one of each column, whose types these are. key: the column that tells rows apart."""

    sql: str
    types: Sequence[str]
    key: int = 0

    def columns(self, rows: Iterable[Row]) -> list[Column]:
        """The parameters of the statement. Of rows with the same key the last one counts, as if they came one after the other."""
        last = {row[self.key]: row for row in rows}
        return [Column(type, values) for type, values in zip(self.types, zip(*last.values(), strict=True), strict=True)]


def _given(table: str, columns: Sequence[str]) -> tuple[str, list[str]]:
    """The rows of arrays as a table `given`, and the types of the arrays."""
    types = ["bigint" if type == "integer" else type for type in _types(table, columns)]
    arrays = ", ".join(f"${place}::{type}[]" for place, type in enumerate(types, 1))
    return f"unnest({arrays}) AS given ({', '.join(columns)})", types


def _update(table: str, columns: Sequence[str], more: Sequence[str] = (), where: str = "") -> Together:
    """Sets columns of rows, by their id, which comes last. more: assignments that are the same for all."""
    given, types = _given(table, (*columns, "id"))
    assigned = ", ".join([*(f"{column} = given.{column}" for column in columns), *more])
    sql = f"UPDATE {table} SET {assigned} FROM {given} WHERE {table}.id = given.id{where}"
    return Together(sql, types, len(columns))


def _upsert(table: str, columns: Sequence[str]) -> Together:
    """Inserts rows, or replaces those of the same key, which is the first column."""
    given, types = _given(table, columns)
    changed = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    names = ", ".join(columns)
    sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM {given} ON CONFLICT ({columns[0]}) DO UPDATE SET {changed}"
    return Together(sql, types)


def _save_in_turn() -> Together:
    given, types = _given("sources", (*states.STATE_COLUMNS, "id", "turn"))
    assigned = ", ".join(f"{column} = given.{column}" for column in states.STATE_COLUMNS)
    sql = f"UPDATE sources SET {assigned} FROM {given} WHERE sources.id = given.id AND sources.turn = given.turn"
    return Together(sql, types, len(states.STATE_COLUMNS))


SAVE_IN_TURN = f"{states._SAVE} AND turn = ?"
"""Saves a state unless its source has been claimed anew since."""
_VERSION = "version = version + 1"
TOGETHER = {
    states._SAVE: _update("sources", states.STATE_COLUMNS),
    SAVE_IN_TURN: _save_in_turn(),
    states.CLAIM: _update("sources", ("due", "reason"), ("turn = turn + 1",)),  # ends the turn of a node that is asking
    items.UPDATE_STORY: _update("stories", STORY_COLUMNS[1:], (_VERSION,)),
    items.GROW_STORY: _update("stories", (), (_VERSION,)),
    outputs.MARK_PUBLISHED: _update("stories", (), ("published_once = TRUE",), " AND NOT published_once"),
    listings.SAVE: _upsert("documents", ("source", "items")),
    small_tables.SET_VALUE: _upsert("key_values", ("key", "value")),
    listings.UNLIST: _update("items", ("unlisted",)),
    listings.LIST_AGAIN: _update("items", (), ("unlisted = NULL",), " AND unlisted IS NOT NULL"),
    index._ADD_ROW: _upsert("group_items", ("id", "story", "source", "outlet", "at", "added", "signature", "form")),
    index._ADD_LOG: _upsert("group_log", ("id", "at", "added", "counted", "posted")),
    index_terms._WRITE: _upsert("group_terms", ("term", "frequency", "seen", "postings")),
}
