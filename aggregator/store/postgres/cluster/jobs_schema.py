"""The tables of procrastinate, beside ours. The comment of its table of jobs names the migration they are at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from procrastinate.schema import SchemaManager

from aggregator.store.postgres.connection import arguments
from aggregator.store.postgres.schema import LOCK_TIMEOUT

_TURN = "SELECT pg_advisory_xact_lock(hashtext('aggregator jobs ' || current_schema()))"
_IS_MADE = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"
_VERSION = "SELECT obj_description('procrastinate_jobs'::regclass)"
_SET_VERSION = "COMMENT ON TABLE procrastinate_jobs IS '{}'"


def prepare(address: str) -> None:
    """Makes the tables, or brings those of an older release to the installed one's. Raises psycopg.Error."""
    connection: psycopg.Connection[Any]
    files = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    with psycopg.connect(address, **arguments()) as connection, connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'".encode())
        connection.execute(_TURN.encode())
        found = _version(connection)
        if found == files[-1].name:
            return
        texts = [SchemaManager.get_schema()] if found is None else [one.read_text() for one in files if one.name > found]
        for text in texts:
            connection.execute(text.encode())
        connection.execute(_SET_VERSION.format(files[-1].name).encode())


def _version(connection: psycopg.Connection[Any]) -> str | None:
    """The name of the last migration that was applied; None if there are no tables."""
    made = connection.execute(_IS_MADE).fetchone()
    if not made or not made[0]:
        return None
    row = connection.execute(_VERSION).fetchone()
    return str(row[0]) if row else None
