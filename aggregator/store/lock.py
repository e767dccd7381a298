"""Allows one daemon per database, by a lock that the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.errors import HeldError, StoreError
from aggregator.files import PRIVATE_FILE, hand_over


def lock_path(database: Path) -> Path:
    """The file beside the database that is locked. It is never removed."""
    return database.with_name(f"{database.name}.lock")


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Holds the database's lock. Raises HeldError, which names the process that has it, or StoreError.

    The lock is a separate file, because closing another handle of the database would drop SQLite's own POSIX locks
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    path = lock_path(database)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise StoreError(f"can't write {path}: {error.strerror}; the database's folder must be writable") from error
    try:
        hand_over(handle, path)
        _take(handle, database)
        yield
    finally:
        os.close(handle)


def holder(database: Path) -> str | None:
    """The process that holds the database's lock ("process 4711"); None if none does, or it can't be told. Creates nothing."""
    try:
        handle = os.open(lock_path(database), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(handle)
    finally:
        os.close(handle)
    return None


def _owner(handle: int) -> str:
    owner = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
    return f"process {owner}" if owner.isdigit() else "another process"


def _take(handle: int, database: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"the database {database} is in use by {_owner(handle)}: one daemon or poll at a time"
        raise HeldError(message) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
