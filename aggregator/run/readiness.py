"""The answer of `/readyz`: whether polling and publishing work, and if not, why."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

LATE_TICK = 60.0
"""Seconds without a tick after which the daemon is not ready: it does not poll any more."""
LEAST_DISK = 50_000_000
"""Bytes of free disk below which the daemon is not ready."""


class Readiness(Struct, frozen=True):
    """since_tick: seconds since the last tick; free: bytes free on the disk that feeds are published to.

    config, database, publishing: why the last edit, tick or publishing failed, None if it succeeded. network: what keeps every
    source from being read. A refused edit is reported, but the daemon stays ready with the old config. restart_keys: edited keys
    that need a restart.
    """

    since_tick: float
    free: int
    config: str | None = None
    database: str | None = None
    publishing: str | None = None
    network: str | None = None
    restart_keys: Sequence[str] = ()

    @property
    def is_ready(self) -> bool:
        errors = (self.database, self.publishing, self.network)
        return self.since_tick < LATE_TICK and self.free > LEAST_DISK and all(error is None for error in errors)

    def public(self) -> Mapping[str, object]:
        """Returns which parts work, for anybody. The reasons would name files, sources and keys."""
        errors = {"config": self.config, "database": self.database, "publishing": self.publishing}
        parts = {part: "ok" if error is None else "refused" for part, error in errors.items()}
        parts["network"] = "ok" if self.network is None else "no source can be read"
        return parts | {"tick": f"{self.since_tick:.0f} s ago", "disk": "ok" if self.free > LEAST_DISK else "full"}

    def details(self) -> Mapping[str, object]:
        """Returns all of it with the reasons, for the administrator."""
        parts: dict[str, object] = {
            "config": self.config or "ok",
            "database": self.database or "ok",
            "publishing": self.publishing or "ok",
            "network": self.network or "ok",
            "tick": f"{self.since_tick:.0f} s ago",
            "disk_free_bytes": self.free,
        }
        return parts | ({"restart_needed": list(self.restart_keys)} if self.restart_keys else {})


def free_bytes(directory: Path) -> int:
    """Returns the bytes that can still be written to a directory; 0 if it is gone."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return 0
