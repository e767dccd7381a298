"""How `aggregator poll` asks a running daemon to poll: it leaves a request in the database, where the answer will stand."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from aggregator.model import SourceId
from aggregator.pipeline import PollReport
from aggregator.ports import PollRequest, PollRequests, Store


def ask(store: Store, ids: Sequence[SourceId] | None, *, forced: bool) -> PollRequest:
    """Leaves a request for the daemon; it looks once a second. Several may wait at a time."""
    request = PollRequest(secrets.token_hex(8), None if ids is None else tuple(ids), forced)
    with store.begin() as transaction:
        transaction.add_poll_request(request)
    return request


def withdraw(store: Store, request: PollRequest) -> None:
    """Takes back a request that is waited for no more."""
    with store.begin() as transaction:
        transaction.remove_poll_request(request.key)


def take(store: Store) -> list[PollRequest]:
    """Takes up the requests that nobody has taken up yet."""
    with store.begin() as transaction:
        return transaction.take_poll_requests()


def answer(store: Store, request: PollRequest, reports: Sequence[PollReport]) -> None:
    """Tells the asker that its polls are done and published."""
    lines = [[report.source, report.outcome, report.detail, report.new, report.changed] for report in reports]
    with store.begin() as transaction:
        transaction.answer_poll_request(request.key, json.dumps(lines))


def answered(store: PollRequests, request: PollRequest) -> list[PollReport] | None:
    """The daemon's reports, or None while they are not there."""
    text = store.poll_answer(request.key)
    if text is None:
        return None
    return [PollReport(SourceId(one[0]), one[1], one[2], one[3], one[4]) for one in json.loads(text)]
