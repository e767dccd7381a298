"""Maintenance of the database: checks, retention, and backups."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from aggregator.model import Instant, SourceId


class Keep(Struct, frozen=True):
    """Seconds that an entry is kept after it left its source's document. sources: exceptions to `seconds`."""

    seconds: float
    sources: Mapping[SourceId, float] = field(default_factory=dict)

    def of(self, source: SourceId) -> float:
        """Seconds that a source's entries are kept."""
        return self.sources.get(source, self.seconds)

    @property
    def shortest(self) -> float:
        """The shortest time of all, in seconds."""
        return min(self.seconds, *self.sources.values()) if self.sources else self.seconds


class Swept(Struct, frozen=True):
    """Counts of what retention removed. tombstones: stories of which only the id remains."""

    items: int = 0
    stories: int = 0
    tombstones: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.items + other.items, self.stories + other.stories, self.tombstones + other.tombstones)


class DatabaseMaintenance(Protocol):
    """Maintenance by the daemon or a poll. Every method raises StoreError if it fails."""

    def displaced(self) -> str | None:
        """Why the open database is no longer the one that a new process would open; None if it is."""
        ...

    def rescue(self, now: Instant) -> None:
        """If the database is displaced, saves its content and raises DatabaseLostError, which names the copy."""
        ...

    def check(self, *, full: bool = False) -> None:
        """Raises StoreError if the database is damaged. full: compares indexes with tables, too; takes minutes per GB."""
        ...

    def sweep(self, keep: Keep, now: Instant) -> Swept:
        """Removes old items and stories, in small transactions so that polls can write in between."""
        ...

    def tidy(self) -> None:
        """Keeps the database small and quick. Called hourly or when idle."""
        ...

    def back_up(self, directory: Path, keep: int, now: Instant) -> Path:
        """Makes a checked copy, named by its time, and removes all but the newest `keep` ones. Leaves other files alone."""
        ...
