"""Claims of sources by the nodes that ask them, and the states that need no leader: of polls without a document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import psycopg

from aggregator.model import BEING_POLLED, Instant, SourceId, SourceState
from aggregator.ports import Claimed, Hold, Transaction
from aggregator.store import small_tables, states
from aggregator.store.connection import Connection
from aggregator.store.postgres.cluster.transactions import connection_of
from aggregator.store.postgres.connection import explained
from aggregator.store.postgres.in_bulk import SAVE_IN_TURN
from aggregator.store.postgres.readers import Readers

_COLUMNS = ", ".join(("id", *states.STATE_COLUMNS))
_BEFORE = ", ".join(f"due_now.{column}" for column in ("id", *states.STATE_COLUMNS))
_CLAIM = f"""WITH due_now AS (SELECT {_COLUMNS} FROM sources WHERE configured AND enabled AND NOT gone AND {{}}
    FOR UPDATE SKIP LOCKED)
    UPDATE sources SET due = $1, reason = $2, turn = sources.turn + 1 FROM due_now WHERE sources.id = due_now.id
    RETURNING {_BEFORE}, sources.turn, sources.shard"""
_CLAIM_DUE = _CLAIM.format("due <= $3 AND shard = ANY($4) AND id <> ALL($5::text[]) ORDER BY due, position LIMIT $6")
_CLAIM_ONE = _CLAIM.format("id = $3").replace(" SKIP LOCKED", "")
_TURN = "SELECT turn FROM sources WHERE id = ? FOR UPDATE"
"""Locked, so that no node claims the source before its document is stored."""
_MAKE_DUE = """UPDATE sources SET due = least(due, $1) WHERE id = ANY($2) AND reason <> $3"""
DEADLY = 5
"""If so many nodes in a row have ended while they asked a source, it waits for the end of its lease."""
_DEATHS = "CASE WHEN died_in = turn - 1 THEN deaths + 1 ELSE 1 END"
_POLL_AGAIN = f"""UPDATE sources SET deaths = {_DEATHS}, died_in = turn,
    due = CASE WHEN {_DEATHS} < {DEADLY} THEN least(due, $1::float8) ELSE due END
    WHERE configured AND enabled AND reason = $2 AND shard = ANY($3) AND id <> ALL($4) AND died_in <> turn AND NOT EXISTS (
        SELECT FROM inbox WHERE inbox.source = sources.id AND inbox.turn = sources.turn)
    RETURNING deaths < {DEADLY}"""


class PostgresClaims:
    """A ports.Claims. Each call is a transaction of its own; it waits for no other node."""

    def __init__(self, connections: Readers, name: str) -> None:
        self._connections, self._name = connections, name

    def claim_one(self, source: SourceId, until: Instant) -> Claimed | None:
        with explained(self._name), self._connections.one() as connection:
            row = connection.raw.execute(_CLAIM_ONE.encode(), (until, BEING_POLLED, source)).fetchone()
        return _claimed(row) if row else None

    def is_current(self, transaction: Transaction, source: SourceId, turn: int) -> bool:
        return is_current(connection_of(transaction), source, turn)

    def make_due(self, sources: Collection[SourceId], now: Instant) -> None:
        with explained(self._name), self._connections.one() as connection:
            connection.raw.execute(_MAKE_DUE, (now, list(sources), BEING_POLLED))

    def save_states(
        self,
        states_and_turns: Iterable[tuple[SourceState, int]],
        holds: Iterable[Hold] = (),
        values: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        rows = [(*states.state_row(state), state.id, turn) for state, turn in states_and_turns]
        with explained(self._name), self._connections.one() as connection, connection.raw.transaction():
            connection.raw.execute("SET LOCAL synchronous_commit = off")  # if a crash loses it, the poll is repeated
            connection.executemany(SAVE_IN_TURN, rows)
            for hold in holds:
                small_tables.save_hold(connection, hold)
            small_tables.set_values(connection, values)


def claim_due(
    connection: psycopg.Connection[Any],
    now: Instant,
    limit: int,
    until: Instant,
    shards: Collection[int],
    besides: Collection[SourceId],
) -> list[Claimed]:
    """See `Attendance.claim`. Passes over what another node is just claiming."""
    rows = connection.execute(_CLAIM_DUE.encode(), (until, BEING_POLLED, now, list(shards), list(besides), limit)).fetchall()
    return sorted(map(_claimed, rows), key=lambda one: one.state.due)


def poll_again(connection: psycopg.Connection[Any], now: Instant, shards: Collection[int], besides: Collection[SourceId]) -> int:
    """See `Attendance.poll_again`."""
    rows = connection.execute(_POLL_AGAIN.encode(), (now, BEING_POLLED, list(shards), list(besides))).fetchall()
    return sum(is_due for (is_due,) in rows)


def is_current(connection: Connection, source: SourceId, turn: int) -> bool:
    """See `Claims.is_current`."""
    row = connection.execute(_TURN, (source,)).fetchone()
    return row is not None and row[0] == turn


def _claimed(row: tuple[Any, ...]) -> Claimed:
    *state, turn, shard = row
    return Claimed(states.state_of(tuple(state)), turn, shard)
