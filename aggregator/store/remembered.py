"""What a restored database remembers of entries that came after its backup (`ports.Remembered`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aggregator.model import Instant, Item
from aggregator.ports import Remembered
from aggregator.ports.stories import ItemKey
from aggregator.store.connection import Connection
from aggregator.store.identity import story_ids
from aggregator.store.rows import as_json

KEPT = 90 * 86_400.0
"""Seconds after a restore until what did not come back is forgotten: no document lists a new entry for that long."""

COLUMNS = (
    *("story", "source", "guid", "canonical", "title_hash", "published", "updated", "visible"),
    *("old", "excess", "private", "shown"),
)
"""The fields of Remembered, in their order."""
ANY = "SELECT 1 FROM remembered LIMIT 1"
AT_ADDRESS = "SELECT 1 FROM remembered WHERE story = ? AND canonical IS ?"
_FIELDS = ", ".join(f"remembered.{column}" for column in COLUMNS)
BY_IDENTITY = f"""SELECT {_FIELDS}, key.key FROM json_each(?) AS key CROSS JOIN remembered
    ON remembered.guid = key.value ->> 1 AND remembered.source = key.value ->> 0"""
BY_ADDRESS = f"""SELECT {_FIELDS}, key.key FROM json_each(?) AS key CROSS JOIN remembered
    ON remembered.canonical = key.value WHERE key.value IS NOT NULL"""
BY_STORY = f"""SELECT {_FIELDS}, key.key FROM json_each(?) AS key CROSS JOIN remembered ON remembered.story = key.value"""
_ADD = f"INSERT INTO remembered ({', '.join(COLUMNS)}, at) VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"
FORGET = "DELETE FROM remembered WHERE at < ?"


def is_any(connection: Connection) -> bool:
    """False in nearly every database."""
    return connection.execute(ANY).fetchone() is not None


def recall(connection: Connection, items: Sequence[Item]) -> Mapping[ItemKey, Sequence[Remembered]]:
    """See `StoryWrites.recall`."""
    found: dict[ItemKey, dict[Remembered, None]] = {}
    for query, keys in (
        (BY_IDENTITY, [(item.source, item.guid) for item in items]),
        (BY_STORY, [next(story_ids(item)) for item in items]),
        (BY_ADDRESS, [item.canonical for item in items]),
    ):
        for *row, place in connection.execute(query, (as_json(keys),)):
            item = items[int(place)]
            found.setdefault((item.source, item.guid), {})[remembered_of(row)] = None  # found by several keys, it counts once
    return {key: tuple(rows) for key, rows in found.items()}


def remembered_of(row: Sequence[Any]) -> Remembered:
    """From a row of COLUMNS."""
    return Remembered(*row[:8], *map(bool, row[8:]))


def add(connection: Connection, rows: Iterable[Remembered], now: Instant) -> int:
    """Stores what is to be remembered, and returns how many entries that are."""
    values = [(*(getattr(one, column) for column in COLUMNS), now) for one in rows]
    connection.executemany(_ADD, values)
    return len(values)


def forget(connection: Connection, now: Instant) -> None:
    """Removes what was remembered at a restore long ago."""
    connection.execute(FORGET, (now - KEPT,))
