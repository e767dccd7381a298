"""Documents that nodes have read, until the leader stores them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aggregator.model import Instant, SourceId
from aggregator.ports import INBOX, Arrival, Transaction
from aggregator.store.postgres.cluster.claims import is_current
from aggregator.store.postgres.cluster.listening import NOTIFY
from aggregator.store.postgres.cluster.transactions import connection_of
from aggregator.store.postgres.connection import explained
from aggregator.store.postgres.readers import Readers

KEPT = 3_600.0
"""Seconds that a document may wait before its source is asked again: without a leader, no source is to be asked each minute."""
_PUT = f"""WITH asked AS (UPDATE sources SET due = greatest(due, $5::float8) WHERE id = $1 AND turn = $2 RETURNING id, turn),
    older AS (SELECT inbox.id FROM inbox JOIN asked ON inbox.source = asked.id AND inbox.turn < asked.turn
        FOR UPDATE OF inbox SKIP LOCKED),
    replaced AS (DELETE FROM inbox WHERE id IN (SELECT id FROM older)),
    added AS (INSERT INTO inbox (source, turn, at, content) SELECT id, turn, $3::float8, $4::bytea FROM asked RETURNING id)
    SELECT {NOTIFY.format(INBOX)} FROM added"""
"""Removes older documents of the source, which would only be dropped: else a hub that pushes all the time fills the inbox.
One that is locked stays: the leader is settling it and needs the source's row next, so each would wait for the other."""
_WAITING = "SELECT id, tries, octet_length(content) FROM inbox WHERE id <> ALL($1::bigint[]) ORDER BY id LIMIT $2"
_TAKE = "UPDATE inbox SET tries = tries + 1 WHERE id = ANY($1::bigint[]) RETURNING id, source, turn, at, content, tries"
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

    def take(self, limit: int, size: int, besides: Collection[int] = ()) -> list[Arrival]:
        with explained(self._name), self._connections.one() as connection:
            waiting = connection.raw.execute(_WAITING, (list(besides), limit)).fetchall()
            ids = _choose(waiting, size, is_idle=not besides)
            rows = sorted(connection.raw.execute(_TAKE, (ids,)).fetchall()) if ids else []
        return [Arrival(id, SourceId(source), turn, at, bytes(content), tries) for id, source, turn, at, content, tries in rows]

    def settle(self, transaction: Transaction, arrival: Arrival) -> bool:
        connection = connection_of(transaction)
        connection.execute(_REMOVE, (arrival.id,))
        return is_current(connection, arrival.source, arrival.turn)


def _choose(waiting: Iterable[tuple[int, int, int]], size: int, *, is_idle: bool) -> list[int]:
    """The ids that are taken, of (id, tries, bytes) in order of arrival. is_idle: nothing is under way."""
    chosen: list[int] = []
    for id, tries, length in waiting:
        is_first = is_idle and not chosen
        if tries:
            return [id] if is_first else chosen
        size -= length
        if size < 0 and not is_first:
            break
        chosen.append(id)
    return chosen
