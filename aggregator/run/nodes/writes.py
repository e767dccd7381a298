"""What a node that does not lead writes beside documents: holds on hosts, and the single values that polls keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from aggregator.ports import Claims, Hold, Transaction


class _Written:
    """The part of a transaction that polls without a document use."""

    def __init__(self) -> None:
        self.holds: list[Hold] = []
        self.values: dict[str, str | None] = {}

    def save_hold(self, hold: Hold) -> None:
        self.holds.append(hold)

    def set_value(self, key: str, value: str | None) -> None:
        self.values[key] = value


class NodeWrites:
    """Begins transactions for the `Writer` of such a node. States of sources are saved in their turns instead (claiming.py)."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Stores what was written at the end of the context. Anything but holds and values is an AttributeError."""
        written = _Written()
        yield cast(Transaction, written)
        self._claims.save_states((), written.holds, written.values)
