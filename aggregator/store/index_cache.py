"""A bounded cache that costs a look-up next to nothing, and the reading of many rows by their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

VARIABLES = 500
"""Values in one IN (…): SQLite takes 32,766, and statements of few lengths stay prepared."""


class Recent(Generic[K, V]):
    """A cache of two generations: what wasn't asked for since the last turn goes at the next one."""

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
        """Lets the old half go if the young one is full."""
        if len(self.young) > self._half:
            self.old, self.young = self.young, {}

    def clear(self) -> None:
        self.young.clear()
        self.old.clear()


def rows(connection: sqlite3.Connection, select: str, keys: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """The rows of `SELECT {select} IN (keys)`, in no order."""
    for start in range(0, len(keys), VARIABLES):
        part = keys[start : start + VARIABLES]
        padded = [*part, *([-1] * (-len(part) % 16))]
        marks = ",".join("?" * len(padded))
        yield from connection.execute(f"SELECT {select} IN ({marks})", padded)
