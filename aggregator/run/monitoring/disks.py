"""The disks that the database, its backups and the published files lie on: how much room, and whether they can be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from aggregator.run.monitoring.health import Condition
from aggregator.settings import Settings, is_on_server

LEAST_FREE = 50_000_000
"""Bytes of free disk below which a person is told: a day of news, or the copy of a small database."""
FULL = 1_000_000
"""Bytes of free disk below which nothing can be stored any more: SQLite writes pages of 4 KiB, a poll some dozens of them."""


class Place(Struct, frozen=True):
    """A folder that is written to. what: its content, in a word; free: bytes left for it; is_read_only: its disk is.

    is_vital: without it nothing can be polled or published.
    """

    what: str
    folder: Path
    free: int
    is_read_only: bool
    is_vital: bool


def find_places(settings: Settings, *, probe: bool = False) -> list[Place]:
    """Looks at each folder that is written to. One that doesn't exist yet is looked for in what it will lie in.

    probe: also try to write. A disk that Linux has stopped writing to after an error may not say so (ext4's `emergency_ro`).
    """
    storage, publish = settings.storage, settings.publish
    is_here = not is_on_server(storage.database)
    places = [
        _place("database" if is_here else "fetched lists", storage.folder, probe, is_vital=is_here),
        _place("published files", publish.directory, probe, is_vital=True),
        _place("private feeds", publish.private, probe),
    ]
    return [*places, _place("backups", storage.backup.directory, probe)] if storage.backup is not None else places


def _place(what: str, folder: Path, probe: bool, *, is_vital: bool = False) -> Place:
    there = next((one for one in (folder, *folder.absolute().parents) if one.exists()), Path("/"))
    try:
        found = os.statvfs(there)
    except OSError:
        return Place(what, folder, 0, is_read_only=False, is_vital=is_vital)
    is_read_only = bool(found.f_flag & os.ST_RDONLY) or (probe and _refuses(there))
    return Place(what, folder, found.f_bavail * found.f_frsize, is_read_only, is_vital)


def _refuses(folder: Path) -> bool:
    """Whether a file without a name, which is gone again at once, can't be made because the disk is read-only."""
    if not hasattr(os, "O_TMPFILE"):  # not Linux
        return False
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return error.errno == errno.EROFS
    return False


def disk_conditions(settings: Settings, *, probe: bool = False) -> Iterator[Condition]:
    """Yields what is wrong with the disks. The process that asks may see another mount than a confined daemon does."""
    places = find_places(settings, probe=probe)
    if read_only := [f"the {place.what} ({place.folder})" for place in places if place.is_read_only]:
        yield Condition("readonly", "daemon", "A disk is read-only", f"nothing can be written where {_listed(read_only)}")
    if full := [place for place in places if place.free < FULL and not place.is_read_only]:
        yield Condition("disk", "daemon", "A disk is full", f"nothing can be stored where {_listed(map(_left, full))}")
    if short := [place for place in places if FULL <= place.free < LEAST_FREE and not place.is_read_only]:
        yield Condition("space", "daemon", "A disk is nearly full", f"little room is left where {_listed(map(_left, short))}")


def why_unwritable(folder: Path, *, probe: bool = True) -> str | None:
    """Says why nothing can be stored in a folder, if its disk is the reason."""
    place = _place("", folder, probe)
    if place.is_read_only:
        return f"the disk of {folder} is read-only"
    return f"no space is left on the disk of {folder}" if place.free < FULL else None


def _left(place: Place) -> str:
    return f"the {place.what} ({place.folder}: {place.free / 1e6:.1f} MB left)"


def _listed(named: Iterable[str]) -> str:
    places = list(named)
    return " and ".join(places) + (" lies" if len(places) == 1 else " lie")
