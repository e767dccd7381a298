"""Whether polling and publishing go on, with what stands in the way: what `/readyz` answers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

LATE_TICK = 60.0
"""Seconds without a tick after which the daemon is not ready: it does not poll any more."""
LEAST_DISK = 50_000_000
"""Bytes of free disk below which it is not ready."""


class Readiness(Struct, frozen=True):
    """late: seconds since the last tick; free: bytes that can be written where feeds are published.

    config, database, publishing: why the last edit, tick or publishing was refused, None if it was not. A refused edit is told,
    but the old config works.
    """

    late: float
    free: int
    config: str | None = None
    database: str | None = None
    publishing: str | None = None
    held: Sequence[str] = ()

    @property
    def is_ready(self) -> bool:
        return self.late < LATE_TICK and self.free > LEAST_DISK and self.database is None and self.publishing is None

    def public(self) -> Mapping[str, object]:
        """What anybody may know: which part is in order. Why one is not names files, sources and keys."""
        refusals = {"config": self.config, "database": self.database, "publishing": self.publishing}
        told = {part: "ok" if why is None else "refused" for part, why in refusals.items()}
        return told | {"tick": f"{self.late:.0f} s ago", "disk": "ok" if self.free > LEAST_DISK else "full"}

    def details(self) -> Mapping[str, object]:
        """All of it, for whoever runs the service."""
        told: dict[str, object] = {
            "config": self.config or "ok",
            "database": self.database or "ok",
            "publishing": self.publishing or "ok",
            "tick": f"{self.late:.0f} s ago",
            "disk_free_bytes": self.free,
        }
        return told | ({"restart_needed": list(self.held)} if self.held else {})


def free_bytes(directory: Path) -> int:
    """Bytes that can be written; 0 if the directory is gone."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return 0
