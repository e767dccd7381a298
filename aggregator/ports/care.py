"""Care of the database: who holds it, whether it is sound, what goes with age, and copies of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from aggregator.model import Instant, SourceId


class Keep(Struct, frozen=True):
    """How long, in seconds, an entry is kept after it left its source's document. sources: those that differ."""

    seconds: float
    sources: Mapping[SourceId, float] = field(default_factory=dict)

    def of(self, source: SourceId) -> float:
        """Seconds that a source's entries are kept."""
        return self.sources.get(source, self.seconds)

    @property
    def shortest(self) -> float:
        """The least of all, in seconds."""
        return min(self.seconds, *self.sources.values()) if self.sources else self.seconds


class Swept(Struct, frozen=True):
    """What retention has taken. tombstones: stories of which the id stays."""

    items: int = 0
    stories: int = 0
    tombstones: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.items + other.items, self.stories + other.stories, self.tombstones + other.tombstones)


class Care(Protocol):
    """For the daemon, a poll, and their maintenance. Everything raises StoreError where it fails."""

    def lock(self) -> AbstractContextManager[None]:
        """Holds the database for a daemon or a poll, until the end of the context. Raises HeldError."""
        ...

    def displaced(self) -> str | None:
        """Why the open database is not the one that a new process would open; None if all is well."""
        ...

    def rescue(self, now: Instant) -> None:
        """Saves what a displaced database holds, and raises DatabaseLostError, which tells where; else does nothing."""
        ...

    def check(self, *, full: bool = False) -> None:
        """Raises StoreError if the database is damaged. full: everything against everything."""
        ...

    def sweep(self, keep: Keep, now: Instant) -> Swept:
        """Retention: removes what is old, in pieces, so that polls get their turns between."""
        ...

    def tidy(self) -> None:
        """Keeps it small and quick. For a quiet hour, or each hour."""
        ...

    def back_up(self, directory: Path, keep: int, now: Instant) -> Path:
        """Makes a checked copy named by its time, and removes the oldest ones beyond `keep`. Others' files are left alone."""
        ...

    def backups(self, directory: Path) -> list[Path]:
        """The copies that `back_up` has made there, the oldest first."""
        ...
