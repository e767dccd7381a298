"""How `aggregator poll` asks a running daemon to poll: request and answer are rows in the database."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from aggregator.errors import AggregatorError
from aggregator.model import PollReport, SourceId
from aggregator.ports import PollRequest, PollRequests, Store


def ask(store: Store, ids: Sequence[SourceId] | None, *, forced: bool) -> PollRequest:
    """Stores a request for the daemon, which checks once a second. Several may wait at a time."""
    request = PollRequest(secrets.token_hex(8), None if ids is None else tuple(ids), forced)
    with store.begin() as transaction:
        transaction.add_poll_request(request)
    return request


def withdraw(store: Store, request: PollRequest) -> None:
    """Removes a request whose asker no longer waits."""
    with store.begin() as transaction:
        transaction.remove_poll_request(request.key)


def take(store: Store) -> list[PollRequest]:
    """Returns the requests that nobody has taken yet, and marks them taken."""
    with store.begin() as transaction:
        return transaction.take_poll_requests()


def answer(store: Store, request: PollRequest, reports: Sequence[PollReport]) -> None:
    """Stores the reports for the asker, once its polls are done and published."""
    lines: list[list[object]] = [[report.source, report.outcome, report.detail, report.new, report.changed] for report in reports]
    _save_answer(store, request, lines)


def refuse(store: Store, request: PollRequest, reason: str) -> None:
    """Tells the asker why its polls could not be stored."""
    _save_answer(store, request, reason)


def _save_answer(store: Store, request: PollRequest, content: list[list[object]] | str) -> None:
    with store.begin() as transaction:
        transaction.answer_poll_request(request.key, json.dumps(content))


def read_answer(store: PollRequests, request: PollRequest) -> list[PollReport] | None:
    """Returns the daemon's reports, or None while there is no answer. Raises AggregatorError with the reason if it refused."""
    text = store.poll_answer(request.key)
    if text is None:
        return None
    content = json.loads(text)
    if isinstance(content, str):
        raise AggregatorError(f"the daemon could not store what it polled: {content}")
    return [PollReport(SourceId(one[0]), one[1], one[2], one[3], one[4]) for one in content]
