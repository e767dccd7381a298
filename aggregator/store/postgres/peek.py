"""Looks whether there is a database, without making one."""

from __future__ import annotations

import psycopg

from aggregator.store.postgres import schema
from aggregator.store.postgres.connection import arguments, explained
from aggregator.store.postgres.writer import find_holder
from aggregator.text.masks import mask_url


def is_made(address: str) -> bool:
    """Whether the tables are there. Raises StoreError if the server does not answer or they are another program's."""
    name = f"the database {mask_url(address)}"
    with explained(name), psycopg.connect(address, **arguments()) as connection:
        return schema.version(connection, name) > 0


def holder(address: str) -> str | None:
    """The process that holds the database; None if none does, or it can't be told."""
    try:
        with psycopg.connect(address, **arguments()) as connection:
            return find_holder(connection)
    except psycopg.Error:
        return None


def read_value(address: str, key: str) -> str | None:
    """The stored value, or None if there is none or it can't be read."""
    try:
        with psycopg.connect(address, **arguments()) as connection:
            row = connection.execute("SELECT value FROM key_values WHERE key = $1", (key,)).fetchone()
    except psycopg.Error:
        return None
    return str(row[0]) if row else None
