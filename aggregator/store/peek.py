"""Reads one value of a database that this process does not open otherwise: nothing is created, migrated, or locked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from aggregator.store.reads import VALUE


def read_value(path: Path, key: str) -> str | None:
    """The stored value, or None if there is none or it can't be read.

    While nobody has the database open, it is read as a file that does not change: otherwise SQLite would make `-shm` beside it,
    owned by whoever runs the command.
    """
    if not path.is_file():
        return None
    still = "" if path.with_name(f"{path.name}-shm").exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro{still}", uri=True)) as connection:
            row = connection.execute(VALUE, (key,)).fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None
