"""Marks of a database that another one is copied into: until all is compared, nothing else may use it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from aggregator.errors import StoreError
from aggregator.model import Instant
from aggregator.ports import Store
from aggregator.ports.values import Values

UNFINISHED = "migrate.unfinished"
MIGRATED = "migrate.done"
MARKS = (MIGRATED, UNFINISHED)
"""Keys of stored values, which are not copied."""


class Mark(Struct, frozen=True):
    """origin: the database that is copied, without a password; at: when that began, or ended."""

    origin: str
    at: Instant


def unfinished(store: Values) -> Mark | None:
    """What is being copied into this database, or was when that was interrupted. None for any other database."""
    stored = store.value(UNFINISHED)
    return None if stored is None else msgspec.json.decode(stored, type=Mark)


def refuse_unfinished(store: Values, name: str) -> None:
    """Raises StoreError for a database whose copy is not whole."""
    if (mark := unfinished(store)) is not None:
        raise StoreError(
            f"{name} is an unfinished copy of {mark.origin}: run `aggregator migrate` from there once more, which finishes it, "
            "or go on with that one"
        )


def mark_unfinished(store: Store, mark: Mark) -> None:
    with store.begin() as transaction:
        transaction.set_value(UNFINISHED, msgspec.json.encode(mark).decode())


def mark_migrated(store: Store, mark: Mark) -> None:
    """Marks the database as usable."""
    with store.begin() as transaction:
        transaction.set_value(UNFINISHED, None)
        transaction.set_value(MIGRATED, msgspec.json.encode(mark).decode())
