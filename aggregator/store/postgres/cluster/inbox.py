"""Documents that nodes have read, until the leader stores them."""

from __future__ import annotations

from collections.abc import Collection

from aggregator.model import Instant, SourceId
from aggregator.ports import Arrival, Transaction
from aggregator.store.postgres.cluster.claims import is_current
from aggregator.store.postgres.cluster.listening import INBOX, NOTIFY
from aggregator.store.postgres.cluster.transactions import connection_of
from aggregator.store.postgres.connection import explained
from aggregator.store.postgres.readers import Readers

KEPT = 3_600.0
"""Seconds that a document may wait before its source is asked again: without a leader, nobody is to be asked each minute."""
_PUT = f"""WITH asked AS (UPDATE sources SET due = greatest(due, $5::float8) WHERE id = $1 AND turn = $2 RETURNING id, turn),
    added AS (INSERT INTO inbox (source, turn, at, content) SELECT id, turn, $3::float8, $4::bytea FROM asked RETURNING id)
    SELECT {NOTIFY.format(INBOX)} FROM added"""
_TAKE = """UPDATE inbox SET tries = tries + 1
    WHERE id IN (SELECT id FROM inbox WHERE id <> ALL($1::bigint[]) ORDER BY id LIMIT $2)
    RETURNING id, source, turn, at, content, tries"""
_REMOVE = "DELETE FROM inbox WHERE id = ?"


class PostgresInbox:
    """A ports.Inbox. Ids tell the order of arrival; documents may be committed in another one, so none is skipped by its id."""

    def __init__(self, connections: Readers, name: str) -> None:
        self._connections, self._name = connections, name

    def put(self, source: SourceId, turn: int, at: Instant, content: bytes) -> bool:
        with explained(self._name), self._connections.one() as connection:
            return connection.raw.execute(_PUT.encode(), (source, turn, at, content, at + KEPT)).rowcount > 0

    def count(self) -> int:
        with explained(self._name), self._connections.one() as connection:
            row = connection.raw.execute("SELECT count(*) FROM inbox").fetchone()
        return int(row[0]) if row else 0

    def take(self, limit: int, besides: Collection[int] = ()) -> list[Arrival]:
        with explained(self._name), self._connections.one() as connection:
            rows = sorted(connection.raw.execute(_TAKE, (list(besides), limit)).fetchall())
        return [Arrival(id, SourceId(source), turn, at, bytes(content), tries) for id, source, turn, at, content, tries in rows]

    def settle(self, transaction: Transaction, arrival: Arrival) -> bool:
        connection = connection_of(transaction)
        connection.execute(_REMOVE, (arrival.id,))
        return is_current(connection, arrival.source, arrival.turn)
