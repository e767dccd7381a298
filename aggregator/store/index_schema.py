"""The tables of the story index, created by the store's migrations."""

from __future__ import annotations

from aggregator.store.connection import Connection

_TABLES = (
    """CREATE TABLE IF NOT EXISTS group_items (
         id INTEGER PRIMARY KEY, story TEXT NOT NULL, source TEXT NOT NULL, outlet TEXT NOT NULL,
         at REAL NOT NULL, added REAL NOT NULL, form INTEGER NOT NULL, signature BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS group_items_story ON group_items (story)",
    """CREATE TABLE IF NOT EXISTS group_terms (
         term INTEGER PRIMARY KEY, frequency REAL NOT NULL, seen REAL NOT NULL, postings BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS group_log (
         id INTEGER PRIMARY KEY, at REAL NOT NULL, added REAL NOT NULL, counted BLOB NOT NULL, posted BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS group_state (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID",
)
"""group_terms lags behind: items added since it was last written are in group_log, which a start replays."""


def create(connection: Connection) -> None:
    """Creates missing tables, inside the caller's transaction."""
    for statement in _TABLES:
        connection.execute(statement)
