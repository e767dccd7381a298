"""Backs up the database while it is in use, rotates scheduled backups, and restores them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.files import PRIVATE_FILE, make_folder, make_private_folder, replacing
from aggregator.model import Instant
from aggregator.store import maintenance, schema
from aggregator.store.connect import explained, open_reader

NO_COPY = "{} is on a server, where it is backed up: `pg_dump --format=custom --file=news.dump ADDRESS`"
_STAMP = "%Y%m%dT%H%M%SZ"
_HEADER = 100
_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID = 68
"""Bytes of a database's header, how it begins, and where its application id stands (sqlite.org/fileformat.html, 1.3)."""


def backup(database: Path, target: Path) -> int:
    """Copies the database into one file and returns its size in bytes. Writers go on meanwhile.

    The copy is checked before it gets the target's name, so a target is either complete or not there. Raises StoreError.
    """
    if not database.exists():
        raise StoreError(f"there is no database {database} to back up")
    if target.resolve() == database.resolve():
        raise StoreError("a backup can't replace the database itself: name another file")
    with _replacing(target) as unfinished:
        with explained(database):
            source = open_reader(database)
            try:
                _copy(source, unfinished)
            finally:
                source.close()
        _check_backup(unfinished)
    return target.stat().st_size


def _copy(source: sqlite3.Connection, target: Path) -> None:
    """Copies in one step: a write between two steps would make SQLite start again."""
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()


def _check_backup(file: Path) -> None:
    """Raises StoreError unless the file is an undamaged database of ours that this release can read."""
    with explained(file):
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        try:
            if schema.version(connection, file) == 0:
                raise StoreError(f"{file} holds no data of this program")
            maintenance.check(connection, file, full=False)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise StoreError(f"{file} is no database: nothing was changed") from error
            raise
        finally:
            connection.close()


def is_backup(file: Path) -> bool:
    """Whether a file is a database of this program, sound or not, or empty. Anything else must not be replaced by one."""
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEADER)
    except OSError:
        return False
    return not head or (head.startswith(_MAGIC) and int.from_bytes(head[_APPLICATION_ID:][:4]) == schema.APPLICATION_ID)


@contextmanager
def _replacing(target: Path, *, keeps_mode: bool = False) -> Iterator[Path]:
    """Yields a temporary file beside the target. It is synced and replaces the target at the end; on an error it is removed."""
    try:
        make_folder(target.parent)
        with replacing(target, PRIVATE_FILE, keeps_mode=keeps_mode) as unfinished:
            yield unfinished
    except OSError as error:
        raise StoreError(f"can't write {target}: {error.strerror}") from error


def scheduled(database: Path, directory: Path, keep: int, now: Instant) -> Path:
    """Makes a backup named by its time and removes the oldest ones beyond `keep`. Other files in the directory are left alone."""
    stamp = time.strftime(_STAMP, time.gmtime(now))
    target = directory / f"{database.stem}-{stamp}.db"
    try:
        make_private_folder(directory)
    except OSError as error:
        raise StoreError(f"can't make {directory}: {error.strerror}") from error
    backup(database, target)
    latest = target.name
    by_age = sorted(kept(database, directory), key=lambda file: (file.name <= latest, file.name))  # those of a wrong clock first
    for old in by_age[: -max(keep, 1)]:
        old.unlink(missing_ok=True)
    return target


def kept(database: Path, directory: Path) -> list[Path]:
    """The scheduled backups of a database, oldest first."""
    prefix = f"{database.stem}-"
    return sorted(file for file in directory.glob(f"{prefix}*.db") if _is_stamp(file.stem.removeprefix(prefix)))


def _is_stamp(text: str) -> bool:
    try:
        time.strptime(text, _STAMP)
    except ValueError:
        return False
    return True


def restore(file: Path, database: Path, now: Instant, complete: Callable[[Path], None] = lambda copy: None) -> Path | None:
    """Replaces the database by a copy of a backup. Returns where the old database was moved, or None if there was none.

    The new file has the mode of the old one, and for root its owner. The caller holds the database's lock. The backup is
    checked first. complete: called with the copy, while the old database is still in its place. Raises StoreError; nothing has
    changed then.
    """
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    _check_backup(file)
    aside = None
    with _replacing(database, keeps_mode=True) as unfinished:
        shutil.copyfile(file, unfinished)
        complete(unfinished)
        if database.exists():
            aside = database.with_name(f"{database.name}.before-restore-{time.strftime(_STAMP, time.gmtime(now))}")
            _set_aside(database, aside)
    return aside


def _set_aside(database: Path, aside: Path) -> None:
    """Gives the old database a second name and moves its WAL along: SQLite would apply it to the new file."""
    if aside.exists():
        aside.unlink()
    os.link(database, aside)
    for suffix in ("-wal", "-shm"):
        companion = Path(f"{database}{suffix}")
        if companion.exists():
            companion.replace(f"{aside}{suffix}")
