"""All that a database of SQLite holds, without the marks of a migration, to compare two of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

NAMES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'search_*'"
WORDS = "SELECT term, doc, col, offset FROM words ORDER BY 1, 2, 3, 4"


def contents(database: Path) -> dict[str, list[object]]:
    """Table → its rows, in order. The words for searches are told as the index has them."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
        names = [name for (name,) in connection.execute(NAMES) if name != "search"]
        found: dict[str, list[object]] = {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in names}
        connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, instance)")
        found["search"] = connection.execute(WORDS).fetchall()
    found["key_values"] = [row for row in found["key_values"] if not str(row).startswith("('migrate.")]
    return found
