"""Single values in the database, by key: for who remembers one thing."""

from __future__ import annotations

from typing import Protocol


class Values(Protocol):
    """Values that are stored."""

    def value(self, key: str) -> str | None: ...

    def values(self, prefix: str) -> dict[str, str]:
        """The stored values whose keys begin so, by key."""
        ...


class ValueWrites(Protocol):
    """Values to be stored; None removes one."""

    def set_value(self, key: str, value: str | None) -> None: ...
