"""Files that only their owner may read: the database, its copies, private feeds, lists whose addresses hold secrets."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from aggregator.files.atomic import TEMPORARY
from aggregator.files.owner import make_folder

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
LEFTOVER_AFTER = 86_400.0
"""Seconds after which an unfinished file counts as left over: no write takes a day."""


def make_private_folder(folder: Path, *, below: Path | None = None) -> None:
    """Makes a folder that only its owner can enter, and those between `below` and it. Existing folders stay as they are."""
    top = below or folder
    make_folder(top, PRIVATE_FOLDER)
    for part in reversed([one for one in (folder, *folder.parents) if top in one.parents]):
        make_folder(part, PRIVATE_FOLDER)


def make_private(paths: Iterable[Path]) -> None:
    """Removes the rights of group and others. Links and other users' files stay as they are."""
    for path in paths:
        with suppress(OSError):  # gone meanwhile, or a file system without permissions
            info = path.lstat()
            if info.st_mode & 0o077 and info.st_uid == os.geteuid() and not stat.S_ISLNK(info.st_mode):
                path.chmod(info.st_mode & 0o700)


def remove_leftovers(folder: Path) -> None:
    """Removes unfinished files that a crash left in a folder."""
    for path in folder.glob(f".*{TEMPORARY}*"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > LEFTOVER_AFTER:
                path.unlink()
