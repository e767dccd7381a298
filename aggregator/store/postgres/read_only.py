"""A database on a server for those who only look: nothing is made, migrated or written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import psycopg

from aggregator.errors import StoreError
from aggregator.model import Instant, Source
from aggregator.ports.transaction import Transaction
from aggregator.store.postgres import schema
from aggregator.store.postgres.connection import arguments, explained
from aggregator.store.postgres.view import PostgresView


class ReadOnlyPostgresStore(PostgresView):
    """A ports.Store that refuses to be written."""

    def __init__(self, address: str) -> None:
        """Raises StoreError for another program's database, or one of another release's schema."""
        super().__init__(address)
        with explained(self.name), psycopg.connect(address, **arguments()) as connection:
            found = schema.version(connection, self.name)
        if found != len(schema.MIGRATIONS):
            raise StoreError(f"{self.name} is of an older release (schema {found}): let its daemon migrate it first")

    def begin(self) -> AbstractContextManager[Transaction]:
        raise StoreError(f"{self.name} is open for looking alone")

    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        self.begin()
