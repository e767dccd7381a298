"""Sources in the database, their entries, and what polls write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from aggregator.model import Instant, ItemId, SourceId, SourceState
from aggregator.ports.rows import Attributes, Hold, KnownItem, Reject


class Sources(Protocol):
    """Reads states of sources, for scheduling, `status`, and health."""

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        """Only configured sources, in the order of the config."""
        ...

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        """Configured sources that are due and not gone, longest due first. Use `Transaction.claim` to poll them."""
        ...

    def unread(self) -> list[SourceState]:
        """Configured sources that were never read, in the order of the config."""
        ...

    def last_success(self) -> Instant | None:
        """When any of the configured sources was last read."""
        ...

    def holds(self, now: Instant) -> dict[str, Hold]: ...


class Entries(Protocol):
    """Reads stored entries, to tell new, changed, and known ones apart."""

    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        """Fingerprints of the items that were in the source's last document."""
        ...

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        """Items of this source with one of these guids or canonical URLs."""
        ...

    def attributes(self) -> list[Attributes]:
        """All combinations of attributes that stored items have. Reads every item."""
        ...

    def rejects(self, limit: int, source: SourceId | None = None, without: Collection[SourceId] = ()) -> list[Reject]:
        """Rejected entries, newest first: of one source, or of all except those `without`."""
        ...


class SourceWrites(Protocol):
    """Writes what polls change, apart from stories."""

    def claim(self, now: Instant, limit: int, until: Instant, besides: Collection[SourceId] = ()) -> list[SourceState]:
        """Takes due sources, longest due first, except `besides`, and returns their previous states.

        They become due again at `until`, unless their poll is stored first. So a source whose poll crashes the process is polled
        then, and not at each start.
        """
        ...

    def ask_refused(self, now: Instant) -> None:
        """Makes sources due now whose address we refused ourselves, at the first request or where a redirect led to."""
        ...

    def save_state(self, state: SourceState) -> None: ...
    def save_hold(self, hold: Hold) -> None: ...

    def touch_items(self, source: SourceId, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        """Notes that these items are still in their source's document. Retention counts from here.

        Other items of the source have left the document, except those that this transaction adds or updates.
        """
        ...

    def set_private(self, source: SourceId, private: bool) -> None:
        """Marks all items of a source as private or public. Must be a transaction's first write."""
        ...

    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        """Stores rejected entries. Returns how many were new, by the first word of their rule ("keep", "drop")."""
        ...

    def remove_rejects(self, source: SourceId, guids: Collection[str]) -> None:
        """Forgets the rejection of entries that were stored since."""
        ...
