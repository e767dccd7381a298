"""Files that nobody else may read: the database, its copies, feeds with a token, lists of feeds whose addresses hold secrets."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from aggregator.files.atomic import TEMPORARY

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
LEFT = 86_400.0
"""Seconds after which an unfinished file is left over: nothing is written for a day."""


def make_private_folder(folder: Path, *, below: Path | None = None) -> None:
    """Makes a folder that its owner alone can enter, and those between it and `below`. One that is there stays as it is."""
    top = below or folder
    top.parent.mkdir(parents=True, exist_ok=True)
    top.mkdir(PRIVATE_FOLDER, exist_ok=True)
    for part in reversed([one for one in (folder, *folder.parents) if top in one.parents]):
        part.mkdir(PRIVATE_FOLDER, exist_ok=True)


def tighten(paths: Iterable[Path]) -> None:
    """Takes the rights of group and others from files and folders of ours. What is a link, or another user's, stays as it is."""
    for path in paths:
        with suppress(OSError):  # gone meanwhile, or on a file system that knows no rights
            info = path.lstat()
            if info.st_mode & 0o077 and info.st_uid == os.geteuid() and not stat.S_ISLNK(info.st_mode):
                path.chmod(info.st_mode & 0o700)


def remove_leftovers(folder: Path) -> None:
    """Removes what a crash left unfinished in a folder."""
    for path in folder.glob(f".*{TEMPORARY}*"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > LEFT:
                path.unlink()
