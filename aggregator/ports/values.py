"""Single values in the database, stored by key."""

from __future__ import annotations

from typing import Protocol


class Values(Protocol):
    """Reads values."""

    def value(self, key: str) -> str | None: ...

    def values(self, prefix: str) -> dict[str, str]:
        """Key → value, for keys with this prefix."""
        ...


class ValueWrites(Protocol):
    """Writes values. None removes one."""

    def set_value(self, key: str, value: str | None) -> None: ...
