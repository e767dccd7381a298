"""How `aggregator poll` asks a running daemon to poll: one value in the database holds the request, another its answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from aggregator.model import SourceId
from aggregator.pipeline import PollReport
from aggregator.ports import Store, Transaction

_REQUEST, _ANSWER = "poll:request", "poll:answer"


@dataclass(frozen=True, slots=True)
class Request:
    """ids: None for every source. forced: whether or not they are due."""

    key: str
    ids: tuple[SourceId, ...] | None
    forced: bool


def ask(store: Store, ids: Sequence[SourceId] | None, *, forced: bool) -> Request:
    """Leaves a request for the daemon; it looks once a second."""
    request = Request(secrets.token_hex(8), None if ids is None else tuple(ids), forced)
    with store.begin() as transaction:
        transaction.set_value(_REQUEST, json.dumps(asdict(request)))
    return request


def pending(store: Store) -> Request | None:
    """The request that nobody has taken up yet."""
    text = store.value(_REQUEST)
    if text is None:
        return None
    with store.begin() as transaction:
        transaction.set_value(_REQUEST, None)
    row = json.loads(text)
    return Request(row["key"], None if row["ids"] is None else tuple(map(SourceId, row["ids"])), row["forced"])


def answer(transaction: Transaction, request: Request, reports: Sequence[PollReport]) -> None:
    """Tells the asker that its polls are done and published."""
    lines = [[report.source, report.outcome, report.detail, report.new, report.changed] for report in reports]
    transaction.set_value(_ANSWER, json.dumps({"key": request.key, "reports": lines}))


def answered(store: Store, request: Request) -> list[PollReport] | None:
    """The daemon's reports, or None while they are not there."""
    text = store.value(_ANSWER)
    if text is None or (row := json.loads(text))["key"] != request.key:
        return None
    return [PollReport(SourceId(one[0]), one[1], one[2], one[3], one[4]) for one in row["reports"]]
