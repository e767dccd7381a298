"""Documents that nodes have read, until the leader stores them."""

from __future__ import annotations

from collections.abc import Collection

from aggregator.model import Instant, SourceId
from aggregator.ports import Arrival, Transaction
from aggregator.store.postgres.cluster.listening import INBOX, NOTIFY
from aggregator.store.postgres.cluster.transactions import connection_of
from aggregator.store.postgres.connection import explained
from aggregator.store.postgres.readers import Readers

_PUT = f"""WITH added AS (INSERT INTO inbox (source, turn, at, content) SELECT id, turn, $3::float8, $4::bytea FROM sources
    WHERE id = $1 AND turn = $2 RETURNING id) SELECT {NOTIFY.format(INBOX)} FROM added"""
_WAITING = """SELECT id, source, turn, at, content FROM inbox WHERE id <> ALL($1::bigint[]) ORDER BY id LIMIT $2"""
_REMOVE = "DELETE FROM inbox WHERE id = ?"
_TURN = "SELECT turn FROM sources WHERE id = ? FOR UPDATE"
"""Locked, so that no node claims the source before its document is stored."""


class PostgresInbox:
    """A ports.Inbox. Ids tell the order of arrival; documents may be committed in another one, so none is skipped by its id."""

    def __init__(self, connections: Readers, name: str) -> None:
        self._connections, self._name = connections, name

    def put(self, source: SourceId, turn: int, at: Instant, content: bytes) -> bool:
        with explained(self._name), self._connections.one() as connection:
            return connection.raw.execute(_PUT.encode(), (source, turn, at, content)).rowcount > 0

    def count(self) -> int:
        with explained(self._name), self._connections.one() as connection:
            row = connection.raw.execute("SELECT count(*) FROM inbox").fetchone()
        return int(row[0]) if row else 0

    def waiting(self, limit: int, besides: Collection[int] = ()) -> list[Arrival]:
        with explained(self._name), self._connections.one() as connection:
            rows = connection.raw.execute(_WAITING, (list(besides), limit)).fetchall()
        return [Arrival(id, SourceId(source), turn, at, bytes(content)) for id, source, turn, at, content in rows]

    def settle(self, transaction: Transaction, arrival: Arrival) -> bool:
        connection = connection_of(transaction)
        connection.execute(_REMOVE, (arrival.id,))
        row = connection.execute(_TURN, (arrival.source,)).fetchone()
        return row is not None and row[0] == arrival.turn
