"""Opens connections to the database, and turns SQLite's errors into messages that a person can act on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.errors import StoreError, TookTooLongError
from aggregator.files import PRIVATE_FILE, hand_over, make_folder

BUSY_TIMEOUT = 30.0
"""Seconds that a write waits for another process: a command beside a daemon, whose transactions take milliseconds."""
CACHED_STATEMENTS = 256
"""Prepared statements cached per connection: more than the store has."""
CACHE_KIB = 8_192
"""Page cache of the writer, in KiB: the inner pages of all indexes and the pages of the last days."""
READER_CACHE_KIB = 4_096
CHECKPOINT_PAGES = 4_000
"""Pages in the WAL (16 MB) at which it is checkpointed: a page written by many polls is copied back once."""
CHECKPOINT_PAGES_BESIDE = 64_000
"""The same (256 MB) for a process without the lock: before 3.51.3, SQLite has a rare fault when two processes checkpoint at once
(sqlite.org/wal.html, "the WAL-reset bug"), so that is left to the lock's holder."""
WAL_LIMIT = 64 * 1024 * 1024
"""Bytes that the WAL file is cut down to after a checkpoint. It is longer only while a reader blocks the checkpoint."""


def open_writer(path: Path) -> sqlite3.Connection:
    """Opens the connection that writes; creates the database and its folder if needed. Transactions are explicit."""
    try:
        make_folder(path.parent)
    except OSError as error:
        raise StoreError(f"can't make the folder of the database {path}: {error.strerror}") from error
    fresh = not path.exists()
    if fresh:
        make_private(path)
    connection = _open(path, uri=False)
    if fresh:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES_BESIDE}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def make_private(path: Path) -> None:
    """Creates an empty file that only its owner can read: the database holds subscribers' secrets. Raises StoreError.

    SQLite gives `-wal` and `-shm` the same mode. A dangling link is not followed.
    """
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        hand_over(made, path)
        os.close(made)
    except FileExistsError:
        if path.is_symlink():
            raise StoreError(f"can't make {path}: it is a symbolic link that leads to no file") from None
    except OSError as error:
        raise StoreError(f"can't make {path}: {error.strerror}; its folder must be writable") from error


def open_reader(path: Path) -> sqlite3.Connection:
    """Opens a connection that can't write. For one thread at a time."""
    return restrict_reader(_open(path, uri=True))


def restrict_reader(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection, which can't write from now on."""
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
    return connection


def _open(path: Path, *, uri: bool) -> sqlite3.Connection:
    name = f"{path.absolute().as_uri()}?mode=rw" if uri else str(path)
    return sqlite3.connect(
        name,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
        uri=uri,
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns SQLite's errors in the context into a StoreError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise TookTooLongError("the search was stopped: its time was over") from error
        raise StoreError(explain(error, path)) from error


UNWRITABLE = "the database {path} can't be written: its user must have the right to write it and its folder"
_BUSY = "the database {path} is held by another program for longer than " + f"{BUSY_TIMEOUT:.0f} s; stop it, then try again"
_DAMAGED = (
    "the database {path} is damaged ({error}); it is left as it is. Stop the daemon, keep a copy of the file, and put back a "
    "backup with `aggregator restore FILE`"
)
_ADVICE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: "no space left for the database {path}: nothing of this write was stored. Make room, and it goes on",
    sqlite3.SQLITE_READONLY: UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: (
        "the database {path} can't be opened: it and its folder must exist, and its user must have the right to write both "
        "(to read them, for commands that only look)"
    ),
    sqlite3.SQLITE_PERM: "no permission to use the database {path}",
    sqlite3.SQLITE_IOERR: "the disk failed while working on the database {path} ({error}); nothing of this write was stored",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


def explain(error: sqlite3.Error, path: Path) -> str:
    """What went wrong with the database, and what to do, in one line."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _ADVICE.get(primary, "the database {path} refused a statement: {error}").format(path=path, error=error)
