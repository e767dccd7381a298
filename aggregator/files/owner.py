"""Whom a file belongs to that root makes: a command run as root must leave nothing that the service can't read or write.

A service with a user of its own (systemd's DynamicUser) does not start if root owns its database, or a folder that it writes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

ROOT = 0


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Makes a folder, and those above it that are missing; made by root, each belongs to the owner of the one above it.

    mode: permission bits of this folder, less the umask. Raises OSError.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    if os.geteuid() == ROOT:
        made = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            hand_over(made, folder)
        finally:
            os.close(made)


def hand_over(descriptor: int, path: Path) -> None:
    """Gives what root has just made at, or for, `path` to the owner of the file that it replaces, or else of its folder.

    Does nothing for anybody else, since only root may give files away, and nothing for a file that isn't root's. By descriptor,
    so that nobody can put another file in its place meanwhile.
    """
    if os.geteuid() != ROOT or os.fstat(descriptor).st_uid != ROOT:
        return
    owner = _owner(path)
    if owner[0] == ROOT:
        owner = _owner(path.parent)
    with suppress(PermissionError):  # a container's root without CAP_CHOWN
        os.fchown(descriptor, *owner)


def _owner(path: Path) -> tuple[int, int]:
    """Returns user and group; root's for what is not there, and for links, which say nothing of what they lead to."""
    try:
        info = path.lstat() if path.is_symlink() else path.stat()
    except OSError:
        return ROOT, ROOT
    return info.st_uid, info.st_gid
