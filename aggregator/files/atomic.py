"""The one way in which a file is replaced: written beside under a name that nobody can guess, synced, renamed, the folder synced.

Whoever can write to the folder could lay a symbolic link where a known name is written to, and have another file overwritten
(CWE-59, CWE-377). A rename replaces a link, and does not follow it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".aggregator-tmp"
"""How names of unfinished files end. What a crash leaves of them is removed at a later start."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace_file(
    target: Path, body: bytes, mode: int, *, keeps_mode: bool = False, lasting: bool = True, later: bool = False
) -> None:
    """Puts `body` at `target`. Raises OSError; then what was there is still there.

    mode: permission bits of the new file, less the umask; keeps_mode: those of the old one, if there is one.
    lasting: it survives a power cut; later: but for `sync_folder`, which the caller does for many files at once.
    """
    descriptor, beside = _fresh(target, mode)
    with _renamed(beside, target), os.fdopen(descriptor, "wb") as stream:
        stream.write(body)
        stream.flush()
        if keeps_mode and target.exists():
            os.fchmod(stream.fileno(), target.stat().st_mode & 0o7777)
        if lasting:
            os.fsync(stream.fileno())
    if lasting and not later:
        sync_folder(target.parent)


@contextmanager
def replacing(target: Path, mode: int, *, taken: bool = True) -> Iterator[Path]:
    """An empty file to be written by its name, which becomes `target` at the end. On an error it goes. Raises OSError.

    taken: whether `target` may be there already, and is replaced; else FileExistsError.
    """
    descriptor, beside = _fresh(target, mode)
    os.close(descriptor)
    with _renamed(beside, target, taken=taken):
        yield beside
        _sync(beside)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder last: its entries are data of their own."""
    _sync(folder)


def _fresh(target: Path, mode: int) -> tuple[int, Path]:
    beside = target.with_name(f".{secrets.token_hex(8)}{TEMPORARY}")
    return os.open(beside, _NEW, mode), beside


@contextmanager
def _renamed(beside: Path, target: Path, *, taken: bool = True) -> Iterator[None]:
    try:
        yield
        if taken:
            beside.replace(target)
        else:
            _name_anew(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _name_anew(beside: Path, target: Path) -> None:
    """A rename that replaces nothing, not even what came there meanwhile; without that last promise where no links are known."""
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(target) from None
        beside.rename(target)
    else:
        beside.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
