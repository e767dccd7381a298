"""Poll requests to the daemon, as rows: each waits, is taken, and then holds the answer."""

from __future__ import annotations

import json

from aggregator.ports import PollRequest
from aggregator.store.connection import Connection
from aggregator.store.rows import as_json

KEPT = 20
"""Newest taken requests that are kept: an answer is read within a second, or never."""

_ADD = "INSERT INTO poll_requests (key, ids, forced) VALUES (?, ?, ?)"
WAITING = "SELECT key, ids, forced FROM poll_requests WHERE NOT taken ORDER BY id"
TAKE = "UPDATE poll_requests SET taken = TRUE WHERE key = ?"
ANSWER = "UPDATE poll_requests SET answer = ? WHERE key = ?"
ANSWER_OF = "SELECT answer FROM poll_requests WHERE key = ?"
REMOVE_REQUEST = "DELETE FROM poll_requests WHERE key = ?"
TRIM_REQUESTS = """DELETE FROM poll_requests WHERE taken AND id <=
    (SELECT id FROM poll_requests WHERE taken ORDER BY id DESC LIMIT 1 OFFSET ?)"""


def waiting(connection: Connection) -> list[PollRequest]:
    """See `Store.poll_requests`."""
    rows = connection.execute(WAITING).fetchall()
    return [PollRequest(key, None if ids is None else tuple(json.loads(ids)), bool(forced)) for key, ids, forced in rows]


def answer_of(connection: Connection, key: str) -> str | None:
    """See `Store.poll_answer`."""
    row = connection.execute(ANSWER_OF, (key,)).fetchone()
    return row[0] if row else None


def add(connection: Connection, request: PollRequest) -> None:
    """Adds a waiting request."""
    connection.execute(_ADD, (request.key, None if request.ids is None else as_json(request.ids), request.forced))


def take(connection: Connection) -> list[PollRequest]:
    """See `Transaction.take_poll_requests`."""
    taken = waiting(connection)
    connection.executemany(TAKE, [(request.key,) for request in taken])
    connection.execute(TRIM_REQUESTS, (KEPT,))
    return taken


def answer(connection: Connection, key: str, text: str) -> None:
    """Stores the answer. Does nothing if the request was withdrawn."""
    connection.execute(ANSWER, (text, key))


def remove(connection: Connection, key: str) -> None:
    """Removes the request, if it is there."""
    connection.execute(REMOVE_REQUEST, (key,))
