"""How the parts of a cluster write in a transaction of the store."""

from __future__ import annotations

from aggregator.ports import Transaction
from aggregator.store.connection import Connection
from aggregator.store.writes import SqlTransaction


def connection_of(transaction: Transaction) -> Connection:
    """The connection of a transaction that a PostgresStore has begun."""
    if not isinstance(transaction, SqlTransaction):
        raise TypeError(f"{type(transaction).__name__} was not begun by this store")
    return transaction.connection
