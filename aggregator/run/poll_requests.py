"""How `aggregator poll` asks a running daemon to poll: one value in the database holds requests, another answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from aggregator.model import SourceId
from aggregator.pipeline import PollReport
from aggregator.ports import Store

_REQUESTS, _ANSWERS = "poll:requests", "poll:answers"
ANSWERS = 20
"""Answers that are kept, the newest: each is read within a second, or by nobody."""


class Request(Struct, frozen=True):
    """ids: None for every source. forced: whether or not they are due."""

    key: str
    ids: tuple[SourceId, ...] | None
    forced: bool


def ask(store: Store, ids: Sequence[SourceId] | None, *, forced: bool) -> Request:
    """Leaves a request for the daemon; it looks once a second. Several may wait at a time."""
    request = Request(secrets.token_hex(8), None if ids is None else tuple(ids), forced)
    with store.begin() as transaction:
        transaction.set_value(_REQUESTS, json.dumps([*_rows(store, _REQUESTS), asdict(request)]))
    return request


def withdraw(store: Store, request: Request) -> None:
    """Takes back what nobody has taken up."""
    with store.begin() as transaction:
        rows = [row for row in _rows(store, _REQUESTS) if row["key"] != request.key]
        transaction.set_value(_REQUESTS, json.dumps(rows) if rows else None)


def are_pending(store: Store) -> bool:
    return store.value(_REQUESTS) is not None


def pending(store: Store) -> list[Request]:
    """Takes up the requests that nobody has taken up yet."""
    with store.begin() as transaction:
        rows = _rows(store, _REQUESTS)
        transaction.set_value(_REQUESTS, None)
    return [Request(row["key"], None if row["ids"] is None else tuple(map(SourceId, row["ids"])), row["forced"]) for row in rows]


def answer(store: Store, request: Request, reports: Sequence[PollReport]) -> None:
    """Tells the asker that its polls are done and published."""
    lines = [[report.source, report.outcome, report.detail, report.new, report.changed] for report in reports]
    with store.begin() as transaction:
        rows = [*_rows(store, _ANSWERS), {"key": request.key, "reports": lines}][-ANSWERS:]
        transaction.set_value(_ANSWERS, json.dumps(rows))


def answered(store: Store, request: Request) -> list[PollReport] | None:
    """The daemon's reports, or None while they are not there."""
    for row in _rows(store, _ANSWERS):
        if row["key"] == request.key:
            return [PollReport(SourceId(one[0]), one[1], one[2], one[3], one[4]) for one in row["reports"]]
    return None


def _rows(store: Store, key: str) -> list[Any]:
    text = store.value(key)
    rows: list[Any] = json.loads(text) if text else []
    return rows
