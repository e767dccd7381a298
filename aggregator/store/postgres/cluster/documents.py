"""What is published, in the database: the leader writes it, every node serves it."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.ports import PUBLISHED, PublishedDocument, Transaction
from aggregator.store.postgres.cluster.listening import NOTIFY
from aggregator.store.postgres.cluster.transactions import connection_of
from aggregator.store.postgres.connection import explained
from aggregator.store.postgres.readers import Readers

_NEXT = "SELECT coalesce(max(revision), 0) + 1 FROM published"
_SAVE = """INSERT INTO published (path, whole, revision, about, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (path, whole)
    DO UPDATE SET revision = excluded.revision, about = excluded.about, body = excluded.body"""
_SINCE = """SELECT path, whole, revision, about, body FROM published WHERE revision > $1 AND (about IS NOT NULL OR $1 > 0)
    ORDER BY revision, path"""


class PostgresDocuments:
    """A ports.Documents. One process writes at a time, so a higher revision is never committed before a lower one."""

    def __init__(self, connections: Readers, name: str) -> None:
        self._connections, self._name = connections, name

    def publish(self, transaction: Transaction, documents: Sequence[PublishedDocument]) -> int:
        connection = connection_of(transaction)
        row = connection.execute(_NEXT).fetchone()
        revision = int(row[0]) if row else 1
        rows = [(one.path, one.whole, revision, one.about, one.body) for one in documents]
        connection.executemany(_SAVE, rows)
        connection.execute(f"SELECT {NOTIFY.format(PUBLISHED)}")
        return revision

    def since(self, revision: int) -> list[PublishedDocument]:
        with explained(self._name), self._connections.one() as connection:
            rows = connection.raw.execute(_SINCE, (revision,)).fetchall()
        return [PublishedDocument(path, whole, number, about, bytes(body)) for path, whole, number, about, body in rows]
