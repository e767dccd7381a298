"""Replaces files atomically: write a temporary file with a random name, sync it, rename it, sync the folder.

With a predictable name, someone who can write to the folder could put a symbolic link there and have another file
overwritten (CWE-59, CWE-377). A rename replaces a link and doesn't follow it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.files.owner import hand_over

TEMPORARY = ".aggregator-tmp"
"""Suffix of unfinished files. A later start removes what a crash left."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace_file(
    target: Path, body: bytes, mode: int, *, keeps_mode: bool = False, lasting: bool = True, later: bool = False
) -> None:
    """Puts `body` at `target`. Raises OSError; the old file is then still there.

    mode: permission bits of a new file, less the umask; keeps_mode: take those of the old file, if there is one.
    lasting: it must survive a power cut; later: the caller calls `sync_folder`, once for many files.
    """
    descriptor, beside = _open_temporary(target, mode)
    with _renamed_at_end(beside, target), os.fdopen(descriptor, "wb") as stream:
        stream.write(body)
        stream.flush()
        if keeps_mode:
            _keep_mode(stream.fileno(), target)
        if lasting:
            os.fsync(stream.fileno())
    if lasting and not later:
        sync_folder(target.parent)


@contextmanager
def replacing(target: Path, mode: int, *, keeps_mode: bool = False, taken: bool = True) -> Iterator[Path]:
    """A context with the path of an empty file to write, which becomes `target` at the end. An error removes it. Raises OSError.

    mode, keeps_mode: as for `replace_file`. taken: `target` may exist and is replaced; otherwise FileExistsError.
    """
    descriptor, beside = _open_temporary(target, mode)
    if keeps_mode:
        _keep_mode(descriptor, target)
    os.close(descriptor)
    with _renamed_at_end(beside, target, taken=taken):
        yield beside
        _sync(beside)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut: a directory's entries are synced separately (fsync(2))."""
    _sync(folder)


def _open_temporary(target: Path, mode: int) -> tuple[int, Path]:
    beside = target.with_name(f".{secrets.token_hex(8)}{TEMPORARY}")
    descriptor = os.open(beside, _NEW, mode)
    hand_over(descriptor, target)
    return descriptor, beside


def _keep_mode(descriptor: int, target: Path) -> None:
    if target.exists():
        os.fchmod(descriptor, target.stat().st_mode & 0o7777)


@contextmanager
def _renamed_at_end(beside: Path, target: Path, *, taken: bool = True) -> Iterator[None]:
    try:
        yield
        if taken:
            beside.replace(target)
        else:
            _rename_without_replacing(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _rename_without_replacing(beside: Path, target: Path) -> None:
    """Renames without replacing, even if `target` appears meanwhile. Without hard links only an earlier `target` is seen."""
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
