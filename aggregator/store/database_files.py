"""Notices when the open database was deleted or replaced at its path, and saves its content.

A file that is deleted or replaced (`rm`, `mv`, a sync tool) lives on for the process that has it open, and everything written to
it is lost when the process ends. SQLite does not notice (sqlite.org/howtocorrupt.html, 2.4).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aggregator.errors import DatabaseLostError, StoreError
from aggregator.files import PRIVATE_FILE, make_folder, replacing
from aggregator.model import Instant
from aggregator.store.connect import explained

_PARTS = ("", "-wal", "-shm")
_STAMP = "%Y%m%dT%H%M%SZ"


class DatabaseFiles:
    """The files of one open database. A file is identified when it is first seen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files = {part: Path(f"{path}{part}") for part in _PARTS}
        self._known: dict[str, tuple[int, int]] = {}
        self.displaced()

    def displaced(self) -> str | None:
        """What is wrong with the files, or None. Three `stat` calls; opens nothing, which would drop SQLite's POSIX locks."""
        for part, file in self._files.items():
            now = _identity(file)
            known = self._known.get(part)
            if known is None and now is not None:
                self._known[part] = now
            elif known != now:
                what = "deleted" if now is None else "replaced by another file"
                return f"{file} was {what} while it was in use"
        return None

    def _is_ours(self, part: str) -> bool:
        return _identity(Path(f"{self.path}{part}")) == self._known.get(part)

    def save(self, connection: sqlite3.Connection, now: Instant) -> str:
        """Saves the connection's content to the disk and returns how. Never overwrites what others put there.

        Raises StoreError if it can't be saved; the connection still has the content then.
        """
        aside = self.path.with_name(f"{self.path.name}.lost-{time.strftime(_STAMP, time.gmtime(now))}")
        try:
            if self._is_ours(""):
                self._clear(aside)
                return self._write_back_wal(connection)
            with suppress(FileExistsError):
                _copy(connection, self.path, lambda: self._clear(aside))
                return "all that it held was put back in its place"
            _copy(connection, aside)
            self._clear(None)
        except OSError as error:
            raise StoreError(f"what the database {self.path} held can't be saved: {error.strerror}") from error
        return f"all that it held is saved as {aside}; what lies in its place now is left as it is"

    def _write_back_wal(self, connection: sqlite3.Connection) -> str:
        """Checkpoints a lost WAL: SQLite still has it open."""
        with explained(self.path):
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreError(f"what the log of {self.path} held can't be written back: another program reads the database")
        return "all that it held was written to the database"

    def _clear(self, aside: Path | None) -> None:
        """Removes our own WAL from the path, because SQLite would apply it to whatever database is there. The copy contains it.

        aside: where another database's WAL is moved to; None leaves it beside the database it came with.
        """
        in_use = self._is_ours("")
        for part in ("-wal", "-shm", "-journal"):
            file = Path(f"{self.path}{part}")
            if self._is_ours(part):
                if not in_use:
                    file.unlink(missing_ok=True)
            elif aside is not None and file.exists():
                file.replace(f"{aside}{part}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _copy(connection: sqlite3.Connection, target: Path, ready: Callable[[], None] = lambda: None) -> None:
    """Copies the content to a new file. ready: called before the copy gets its name. Raises FileExistsError or StoreError."""
    if target.exists():
        raise FileExistsError(target)
    make_folder(target.parent)
    with replacing(target, PRIVATE_FILE, taken=False) as unfinished, explained(target):
        copy = sqlite3.connect(unfinished, isolation_level=None)
        try:
            connection.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        ready()


def database_lost_error(why: str, saved: str) -> DatabaseLostError:
    """The error that says what happened, what was saved and what to do."""
    return DatabaseLostError(f"{why}: {saved}. Nothing is written any more; start again")
