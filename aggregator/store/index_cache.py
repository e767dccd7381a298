"""A bounded cache that costs a look-up next to nothing."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


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
