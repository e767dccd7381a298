"""Maintains the database file: frees space, updates statistics, truncates the WAL, checks for damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from aggregator.errors import StoreError
from aggregator.model import Instant
from aggregator.store import remembered, threads
from aggregator.store.connection import Connection

EVENTS_KEPT = 90 * 86_400.0
"""Seconds that an event is kept after it closed."""
FREED_PAGES = 4_000
"""Pages given back to the file system at once (16 MB), so that no poll waits long for its turn."""
MERGED_PAGES = 500
"""Pages of the full-text index merged at once."""
ANALYSED_ROWS = 400
"""Rows of an index that the planner's statistics sample, as SQLite advises (sqlite.org/lang_analyze.html)."""

_FORGET_HOLDS = "DELETE FROM holds WHERE until < ?"
_FORGET_EVENTS = "DELETE FROM events WHERE closed < ?"
_LOST_FROM_THREADS = """SELECT (SELECT count(*) FROM stories WHERE thread IS NOT NULL AND thread NOT IN (SELECT key FROM threads))
    + (SELECT count(*) FROM links WHERE story NOT IN (SELECT key FROM stories) OR other NOT IN (SELECT key FROM stories))"""
_FORGET_THREADS = "DELETE FROM key_values WHERE key >= ? AND key < ? AND NOT EXISTS (SELECT 1 FROM remembered)"
_MERGE_WORDS = "INSERT INTO search (search, rank) VALUES ('merge', ?)"


def forget(connection: Connection, now: Instant) -> None:
    """Removes past holds, events closed long ago, and what was remembered at a restore long ago. Inside a transaction."""
    connection.execute(_FORGET_HOLDS, (now,))
    connection.execute(_FORGET_EVENTS, (now - EVENTS_KEPT,))
    remembered.forget(connection, now)
    connection.execute(_FORGET_THREADS, (threads.BEFORE_RESTORE, threads.BEFORE_RESTORE + "~"))


def tidy(connection: sqlite3.Connection) -> None:
    """Merges the full-text index, updates statistics, frees pages, truncates the WAL. Outside a transaction."""
    connection.execute(_MERGE_WORDS, (MERGED_PAGES,))
    connection.execute(f"PRAGMA analysis_limit = {ANALYSED_ROWS}")
    connection.execute("PRAGMA optimize")
    connection.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")  # `execute` would run one step and free one page
    empty_wal(connection)


def empty_wal(connection: sqlite3.Connection) -> None:
    """Checkpoints the WAL and truncates it. If a reader is in the way, nobody waits: the next call does it."""
    waits = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {waits}")


def check(connection: Connection, path: Path, *, full: bool) -> None:
    """Raises StoreError if the database is damaged. full: also checks indexes against tables (minutes per GB)."""
    pragma = "integrity_check" if full else "quick_check"
    found = [row[0] for row in connection.execute(f"PRAGMA {pragma}(10)")]
    connection.execute("PRAGMA shrink_memory")  # every page has passed through its cache
    if found != ["ok"]:
        raise StoreError(
            f"the database {path} is damaged: {'; '.join(found)}. It is left as it is. Keep a copy of it, and put back a backup "
            "with `aggregator restore FILE`"
        )
    if full:
        wrong = connection.execute("PRAGMA foreign_key_check").fetchall()
        if wrong:
            raise StoreError(f"the database {path} contradicts itself in {len(wrong)} places ({wrong[0][0]}): restore a backup")
        if lost := count_lost(connection):
            raise StoreError(f"the database {path} contradicts itself in {lost} places (threads): restore a backup")


def count_lost(connection: Connection) -> int:
    """Stories and links that lead to threads or stories that are not there."""
    lost: int = connection.execute(_LOST_FROM_THREADS).fetchone()[0]
    return lost
