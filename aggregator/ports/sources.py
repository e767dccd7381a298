"""Sources in the database: for who polls them, and who reads what they sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from aggregator.model import Instant, ItemId, SourceId, SourceState
from aggregator.ports.rows import Hold, KnownItem, Reject


class Sources(Protocol):
    """States of sources: for scheduling, `status` and health."""

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        """Configured sources alone, in the order of the config."""
        ...

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        """Configured, not gone sources whose `due` has come, the longest due first. To poll them, `Transaction.claim` them."""
        ...

    def holds(self, now: Instant) -> dict[str, Hold]: ...


class Entries(Protocol):
    """What is stored of a source's entries: for telling new, changed and known ones apart."""

    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        """Of the items that were in the source's last document."""
        ...

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        """Items of this source that have one of these guids or canonical URLs."""
        ...

    def rejects(self, limit: int, source: SourceId | None = None, without: Collection[SourceId] = ()) -> list[Reject]:
        """Newest first: of one source, or of all but some."""
        ...


class SourceWrites(Protocol):
    """What polling writes beside stories."""

    def claim(self, now: Instant, limit: int, until: Instant, besides: Collection[SourceId] = ()) -> list[SourceState]:
        """Takes up sources that are due, the longest due first, but for those `besides`; returns their states as they were.

        Until their polls are stored they are due at `until`: what was killed with its poll is asked then, not at each start.
        """
        ...

    def save_state(self, state: SourceState) -> None: ...
    def save_hold(self, hold: Hold) -> None: ...

    def touch_items(self, source: SourceId, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        """These items are still in their source's document (retention counts from here).

        With what this transaction adds and updates they are the whole of it: other items of the source have left it.
        """
        ...

    def set_private(self, source: SourceId, private: bool) -> None:
        """Marks every item of a source. To be the first thing that a transaction does."""
        ...

    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        """Keeps what was thrown away. Returns how many were new, by the first word of their rule ("keep", "drop")."""
        ...
