"""Looks into a database that this process may not open otherwise: nothing is created, migrated, or locked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from aggregator.store.reads import VALUE


def look(path: Path) -> sqlite3.Connection:
    """A connection that leaves all files as they are, for a short look.

    While nobody has the database open, it is read as a file that does not change: otherwise SQLite would make `-shm` beside it,
    owned by whoever runs the command.
    """
    still = "" if path.with_name(f"{path.name}-shm").exists() else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro{still}", uri=True, isolation_level=None, check_same_thread=False)


def read_value(path: Path, key: str) -> str | None:
    """The stored value, or None if there is none or it can't be read."""
    if not path.is_file():
        return None
    try:
        with closing(look(path)) as connection:
            row = connection.execute(VALUE, (key,)).fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None
