"""The answer of `/readyz`: whether polling and publishing work, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from aggregator.run.monitoring.disks import FULL, LEAST_FREE, find_places
from aggregator.settings import Settings

LATE_TICK = 60.0
"""Seconds without a tick after which the daemon is not ready: it does not poll any more."""


class Readiness(Struct, frozen=True):
    """since_tick: seconds since the last tick; free: bytes that can still be written, on the fullest disk.

    config, database, publishing, network: why the last edit, tick or publishing failed, and why no source can be read; None if
    all is well. A refused edit is reported, but the daemon stays ready with the old config. restart_keys: edited keys that need
    a restart. uploading: why the copy in the object store is behind; it is reported, but the daemon serves and polls.
    """

    since_tick: float
    free: int
    config: str | None = None
    database: str | None = None
    publishing: str | None = None
    network: str | None = None
    restart_keys: Sequence[str] = ()
    uploading: str | None = None

    @property
    def is_ready(self) -> bool:
        errors = (self.database, self.publishing, self.network)
        return self.since_tick < LATE_TICK and self.free >= FULL and all(error is None for error in errors)

    @property
    def disk(self) -> str:
        """How full the fullest disk is. One that is nearly full takes all that is written, so the daemon is ready."""
        if self.free < FULL:
            return "full"
        return "ok" if self.free > LEAST_FREE else "nearly full"

    def public(self) -> Mapping[str, object]:
        """Returns which parts work, for anybody. The reasons would name files, sources and keys."""
        errors = {"config": self.config, "database": self.database, "publishing": self.publishing or self.uploading}
        parts = {part: "ok" if error is None else "refused" for part, error in errors.items()}
        parts["network"] = "ok" if self.network is None else "no source can be read"
        return parts | {"tick": f"{self.since_tick:.0f} s ago", "disk": self.disk}

    def details(self) -> Mapping[str, object]:
        """Returns all of it with the reasons, for the administrator."""
        parts: dict[str, object] = {
            "config": self.config or "ok",
            "database": self.database or "ok",
            "publishing": self.publishing or self.uploading or "ok",
            "network": self.network or "ok",
            "tick": f"{self.since_tick:.0f} s ago",
            "disk": self.disk if self.disk == "ok" else f"{self.disk} ({self.free / 1e6:.1f} MB left)",
            "disk_free_bytes": self.free,
        }
        return parts | ({"restart_needed": list(self.restart_keys)} if self.restart_keys else {})


def free_bytes(settings: Settings) -> int:
    """Returns the bytes left on the fullest disk of the vital places; 0 if a folder is gone or read-only."""
    places = [place for place in find_places(settings) if place.is_vital]
    return min(0 if place.is_read_only or not place.folder.is_dir() else place.free for place in places)
