"""A person's decisions on stories in the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from aggregator.model import Instant
from aggregator.ports.rows import Decision, Override, Traces

CORRECTIONS = ("pin", "title")
"""Kinds of overrides that bind what a story shows, not what belongs to it."""
OF_THREADS = ("thread-merge", "thread-split", "thread-drop")
"""Kinds of overrides that say in which thread a story is."""


class Decisions(Protocol):
    """Reads decisions."""

    def overrides(self) -> list[Override]:
        """What decisions bind, in the order in which it was stored, without those that were undone."""
        ...

    def decisions(self) -> list[Decision]:
        """All decisions in the order in which they were made, with those that were undone."""
        ...

    def count_decisions(self) -> int:
        """How many decisions were made, and how many were undone, added up: another one with each of either."""
        ...


class DecisionWrites(Decisions, Protocol):
    """Writes decisions, and reads what is not committed yet."""

    def corrections(self, keys: Iterable[str]) -> list[Override]:
        """The overrides that pin or title items with these keys, in the order in which they were stored."""
        ...

    def thread_overrides(self) -> list[Override]:
        """The overrides of threads, in the order in which they were stored."""
        ...

    def add_decision(self, kind: str, at: Instant, traces: Traces) -> int:
        """Stores a decision, and returns its id, which its overrides then name."""
        ...

    def end_decision(self, decision: int, now: Instant) -> None:
        """Marks a decision as undone, and removes its overrides."""
        ...

    def add_override(self, override: Override) -> None:
        """Stores an override, unless its decision was undone."""
        ...
