"""A person's decisions, and the overrides by which they bind entries."""

from __future__ import annotations

import msgspec

from aggregator.model import Instant
from aggregator.ports import Decision, Override, Traces
from aggregator.store.connection import Connection

OVERRIDES = "SELECT kind, a, b, at, decision FROM overrides ORDER BY id"
DECISIONS = "SELECT id, kind, at, undone, traces FROM decisions ORDER BY id"
COUNT_DECISIONS = "SELECT count(*) + count(undone) FROM decisions"
ADD_OVERRIDE = """INSERT INTO overrides (kind, a, b, at, decision) SELECT ?1, ?2, ?3, ?4, ?5
    WHERE NOT EXISTS (SELECT 1 FROM decisions WHERE id = ?5 AND undone IS NOT NULL)"""
"""A poll may carry an override over to a new guid while its decision is undone."""
_ADD_DECISION = "INSERT INTO decisions (kind, at, traces) VALUES (?, ?, ?) RETURNING id"
END_DECISION = "UPDATE decisions SET undone = ? WHERE id = ?"
RELEASE = "DELETE FROM overrides WHERE decision = ?"

_decode = msgspec.json.Decoder(Traces).decode


def overrides(connection: Connection) -> list[Override]:
    """See `Decisions.overrides`."""
    return [Override(*row) for row in connection.execute(OVERRIDES)]


def decisions(connection: Connection) -> list[Decision]:
    """See `Decisions.decisions`."""
    return [Decision(id, kind, at, undone, _decode(traces)) for id, kind, at, undone, traces in connection.execute(DECISIONS)]


def count_decisions(connection: Connection) -> int:
    """See `Decisions.count_decisions`."""
    return int(connection.execute(COUNT_DECISIONS).fetchone()[0])


# --- writes, inside the caller's transaction
def add_override(connection: Connection, one: Override) -> None:
    """See `DecisionWrites.add_override`."""
    connection.execute(ADD_OVERRIDE, (one.kind, one.a, one.b, one.at, one.decision))


def add_decision(connection: Connection, kind: str, at: Instant, traces: Traces) -> int:
    """See `DecisionWrites.add_decision`."""
    text = msgspec.json.encode(traces).decode()
    id: int = connection.execute(_ADD_DECISION, (kind, at, text)).fetchone()[0]
    return id


def end_decision(connection: Connection, decision: int, now: Instant) -> None:
    """See `DecisionWrites.end_decision`."""
    connection.execute(END_DECISION, (now, decision))
    connection.execute(RELEASE, (decision,))
