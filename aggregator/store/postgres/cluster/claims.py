"""Claims of sources by the nodes that ask them, and the states that need no leader: of polls without a document."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import psycopg

from aggregator.model import BEING_POLLED, Instant, SourceId, SourceState
from aggregator.ports import Claimed, Hold
from aggregator.store import small_tables, states
from aggregator.store.postgres.connection import explained
from aggregator.store.postgres.readers import Readers

_COLUMNS = ", ".join(("id", *states.STATE_COLUMNS))
_BEFORE = ", ".join(f"due_now.{column}" for column in ("id", *states.STATE_COLUMNS))
_CLAIM = f"""WITH due_now AS (SELECT {_COLUMNS} FROM sources WHERE configured AND enabled AND NOT gone AND {{}}
    FOR UPDATE SKIP LOCKED)
    UPDATE sources SET due = $1, reason = $2, turn = sources.turn + 1 FROM due_now WHERE sources.id = due_now.id
    RETURNING {_BEFORE}, sources.turn, sources.shard"""
_CLAIM_DUE = _CLAIM.format("due <= $3 AND shard = ANY($4) ORDER BY due, position LIMIT $5")
_CLAIM_ONE = _CLAIM.format("id = $3").replace(" SKIP LOCKED", "")
SAVE_IN_TURN = f"{states._SAVE} AND turn = ?"


class PostgresClaims:
    """A ports.Claims. Each call is a transaction of its own; it waits for no other node."""

    def __init__(self, connections: Readers, name: str) -> None:
        self._connections, self._name = connections, name

    def claim_one(self, source: SourceId, until: Instant) -> Claimed | None:
        with explained(self._name), self._connections.one() as connection:
            row = connection.raw.execute(_CLAIM_ONE.encode(), (until, BEING_POLLED, source)).fetchone()
        return _claimed(row) if row else None

    def save_states(self, states_and_turns: Iterable[tuple[SourceState, int]], holds: Iterable[Hold] = ()) -> None:
        """By growing ids, so that two nodes never wait for each other."""
        rows = sorted((*states.state_row(state), state.id, turn) for state, turn in states_and_turns)
        with explained(self._name), self._connections.one() as connection, connection.raw.transaction():
            connection.raw.execute("SET LOCAL synchronous_commit = off")  # if a crash loses it, the poll is repeated
            connection.executemany(SAVE_IN_TURN, rows)
            for hold in holds:
                small_tables.save_hold(connection, hold)


def claim_due(
    connection: psycopg.Connection[Any], now: Instant, limit: int, until: Instant, shards: Collection[int]
) -> list[Claimed]:
    """See `Attendance.claim`. Passes over what another node is just claiming."""
    rows = connection.execute(_CLAIM_DUE.encode(), (until, BEING_POLLED, now, list(shards), limit)).fetchall()
    return sorted(map(_claimed, rows), key=lambda one: one.state.due)


def _claimed(row: tuple[Any, ...]) -> Claimed:
    *state, turn, shard = row
    return Claimed(states.state_of(tuple(state)), turn, shard)
