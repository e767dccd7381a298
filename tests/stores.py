"""The implementations of the store: contract tests run on each. A new one is a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aggregator.ports import Store
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.sqlite import SqliteStore
from tests import postgres

STORES: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: SqliteStore(folder / "news.db"),
    "postgres": lambda folder: PostgresStore(postgres.server().of_folder(folder)),
}
"""By name: what opens the store that lives in a folder, and makes it if it is not there."""
