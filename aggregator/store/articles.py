"""The table of articles: which are to be asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aggregator.model import Instant, ItemId, SourceId
from aggregator.ports import Attempt, DueArticle, WantedArticle
from aggregator.store.connection import Connection
from aggregator.store.rows import as_json

WANT = """INSERT INTO articles (item, due, outcome) SELECT id, ?, ? FROM items WHERE guid = ? AND source = ?
    ON CONFLICT (item) DO NOTHING"""
DUE = """SELECT articles.item, items.source, items.url, items.first_seen
    FROM articles CROSS JOIN items ON items.id = articles.item
    WHERE articles.due <= ? ORDER BY articles.due, articles.item LIMIT ?"""
ATTEMPTS = "SELECT item, due, asked, outcome FROM articles WHERE item IN (SELECT value FROM json_each(?))"
_POSTPONE = "UPDATE articles SET due = ?, asked = NULL, outcome = ? WHERE item = ?"
_BEGIN = "UPDATE articles SET due = NULL, asked = ?, outcome = NULL WHERE item = ?"
_END = "UPDATE articles SET due = NULL, outcome = ? WHERE item = ?"


def want(connection: Connection, source: SourceId, wanted: Sequence[WantedArticle], now: Instant) -> None:
    rows = [(now if one.refused is None else None, one.refused, one.guid, source) for one in wanted]
    connection.executemany(WANT, rows)


def due(connection: Connection, now: Instant, limit: int) -> list[DueArticle]:
    return [
        DueArticle(ItemId(item), SourceId(source), url or "", at)
        for item, source, url, at in connection.execute(DUE, (now, limit))
    ]


def attempts(connection: Connection, items: Collection[ItemId]) -> dict[ItemId, Attempt]:
    rows = connection.execute(ATTEMPTS, (as_json(sorted(items)),))
    return {ItemId(item): Attempt(due, asked, outcome) for item, due, asked, outcome in rows}


def postpone(connection: Connection, item: ItemId, due: Instant, why: str) -> None:
    connection.execute(_POSTPONE, (due, why, item))


def begin(connection: Connection, item: ItemId, now: Instant) -> None:
    connection.execute(_BEGIN, (now, item))


def end(connection: Connection, item: ItemId, outcome: str) -> None:
    connection.execute(_END, (outcome, item))
