"""A bounded cache with cheap look-ups, and a reader of many rows by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from aggregator.store.connection import Connection

K = TypeVar("K")
V = TypeVar("V")

VARIABLES = 500
"""Values in one IN (…). SQLite allows 32,766; few different lengths keep the statements prepared."""


class Recent(Generic[K, V]):
    """A cache of two generations: entries not used between two turns are dropped."""

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self.young: dict[K, V] = {}
        self.old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        value = self.young.get(key)
        if value is None:
            value = self.old.pop(key, None)
            if value is not None:
                self.young[key] = value
        return value

    def drop(self, key: K) -> None:
        self.young.pop(key, None)
        self.old.pop(key, None)

    def turn(self) -> None:
        """Drops the old generation if the young one is full."""
        if len(self.young) > self._half:
            self.old, self.young = self.young, {}

    def clear(self) -> None:
        self.young.clear()
        self.old.clear()


def rows(connection: Connection, select: str, keys: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of `SELECT {select} IN (keys)`, unordered."""
    for start in range(0, len(keys), VARIABLES):
        part = keys[start : start + VARIABLES]
        padded = [*part, *([-1] * (-len(part) % 16))]
        marks = ",".join("?" * len(padded))
        yield from connection.execute(f"SELECT {select} IN ({marks})", padded)
