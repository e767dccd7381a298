"""Sources in the database: the rows of their states, and which of them are configured and due.

A poll without news writes one row of this table and nothing else, so a row is kept cheap: simple fields are columns, arrival
times are packed floats, and mostly empty fields share one JSON column.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aggregator.errors import StoreError
from aggregator.model import BEING_POLLED, FaultKind, Hints, Instant, Source, SourceId, SourceState, Validators
from aggregator.store.connection import Connection
from aggregator.store.rows import Row, as_json, assignments

_PLAIN = (
    "url",
    "due",
    "not_before",
    "reason",
    "validators_url",
    "body_hash",
    "last_poll",
    "last_status",
    "last_error",
    "last_fault",
    "last_success",
    "first_success",
    "last_new",
    "failures",
    "parse_failures",
    "gone",
    "moved_to",
    "moved_times",
    "title",
    "home",
    "format",
    "language",
    "entries",
)
"""Columns that are unchanged fields of SourceState."""
STATE_COLUMNS = (*_PLAIN, "etag", "last_modified", "arrivals", "rest")

_SAVE = f"UPDATE sources SET {assignments(STATE_COLUMNS)} WHERE id = ?"
_SELECT = f"SELECT id, {', '.join(STATE_COLUMNS)} FROM sources"
ALL_STATES = f"{_SELECT} WHERE configured ORDER BY position"
SOME_STATES = f"{_SELECT} WHERE configured AND id IN (SELECT value FROM json_each(?)) ORDER BY position"
DUE = f"{_SELECT} WHERE configured AND enabled AND NOT gone AND due <= ? ORDER BY due, position LIMIT ?"
UNREAD = f"{_SELECT} WHERE configured AND first_success IS NULL ORDER BY position"
LAST_SUCCESS = "SELECT max(last_success) FROM sources WHERE configured"
CLAIM = "UPDATE sources SET due = ?, reason = ? WHERE id = ?"
_KNOWN = "SELECT id, position, configured, enabled, configured_url FROM sources"
_ADD = """INSERT INTO sources (id, position, configured, enabled, configured_url, url, due, reason)
    VALUES (?, ?, TRUE, ?, ?, ?, ?, 'new')"""
GAP = 100
"""Between two positions once they had to move, so that sources that come in between move no others."""
_PLACE = "UPDATE sources SET position = ?, enabled = ? WHERE id = ?"
_REVIVE = """UPDATE sources SET configured = TRUE, due = ?, gone = FALSE, failures = 0, parse_failures = 0,
    last_status = NULL, last_error = NULL, last_fault = NULL, reason = 'back in the config' WHERE id = ?"""
_RETIRE = "UPDATE sources SET configured = FALSE WHERE id = ?"
_MOVE = """UPDATE sources SET configured_url = ?, url = ?, due = ?, not_before = 0, gone = FALSE, failures = 0,
    parse_failures = 0, moved_to = NULL, moved_times = 0, etag = NULL, last_modified = NULL, validators_url = NULL,
    body_hash = x'', last_status = NULL, last_error = NULL, last_fault = NULL, reason = 'new address' WHERE id = ?"""

ASK_AGAIN = (
    "UPDATE sources SET due = ?, reason = 'refused before' WHERE configured AND last_fault = ? AND due > ? AND reason != ?"
)


def state_row(state: SourceState) -> tuple[Any, ...]:
    """The values of STATE_COLUMNS."""
    return (
        state.url,
        state.due,
        state.not_before,
        state.reason,
        state.validators_url,
        state.body_hash,
        state.last_poll,
        state.last_status,
        state.last_error,
        state.last_fault,
        state.last_success,
        state.first_success,
        state.last_new,
        state.failures,
        state.parse_failures,
        state.gone,
        state.moved_to,
        state.moved_times,
        state.title,
        state.home,
        state.format,
        state.language,
        state.entries,
        state.validators.etag,
        state.validators.last_modified,
        array("d", state.arrivals).tobytes() if state.arrivals else b"",
        _rest(state),
    )


def _rest(state: SourceState) -> str | None:
    rest: dict[str, Any] = {}
    if state.hints != _NO_HINTS:
        one = state.hints
        rest["hints"] = (one.ttl, one.max_age, one.update_period, one.skip_hours, one.skip_days)
    if state.languages:
        rest["languages"] = dict(state.languages)
    if state.led:
        rest["led"] = dict(state.led)
    if state.counters:
        rest["counters"] = dict(state.counters)
    if state.notes:
        rest["notes"] = state.notes
    if state.reader:
        rest["reader"] = state.reader
    return as_json(rest) if rest else None


_NO_HINTS, _NO_VALIDATORS = Hints(), Validators()
_NOTHING: Mapping[str, Any] = {}
_BEHIND_PLAIN = 1 + len(_PLAIN)


def state_of(row: Row) -> SourceState:
    """A state from `id` and STATE_COLUMNS."""
    plain = dict(zip(_PLAIN, row[1:_BEHIND_PLAIN], strict=True))
    plain["gone"] = bool(plain["gone"])
    etag, last_modified, arrivals, text = row[_BEHIND_PLAIN:]
    rest = json.loads(text) if text else _NOTHING
    return SourceState(
        id=SourceId(row[0]),
        validators=_NO_VALIDATORS if etag is None and last_modified is None else Validators(etag, last_modified),
        arrivals=tuple(array("d", arrivals)) if arrivals else (),
        hints=_hints(rest["hints"]) if "hints" in rest else _NO_HINTS,
        languages=rest.get("languages", _NOTHING),
        led=rest.get("led", _NOTHING),
        counters=rest.get("counters", _NOTHING),
        notes=tuple(rest.get("notes", ())),
        reader=rest.get("reader", 0),
        **plain,
    )


def _hints(values: Sequence[Any]) -> Hints:
    ttl, max_age, update_period, skip_hours, skip_days = values
    return Hints(ttl, max_age, update_period, tuple(skip_hours), tuple(skip_days))


def states(connection: Connection, ids: Collection[SourceId] | None) -> dict[SourceId, SourceState]:
    """See `Store.states`."""
    rows = connection.execute(ALL_STATES) if ids is None else connection.execute(SOME_STATES, (as_json(list(ids)),))
    return {state.id: state for state in map(state_of, rows)}


def due(connection: Connection, now: Instant, limit: int) -> list[SourceState]:
    """See `Store.due`."""
    return [state_of(row) for row in connection.execute(DUE, (now, limit))]


def unread(connection: Connection) -> list[SourceState]:
    """See `Store.unread`."""
    return [state_of(row) for row in connection.execute(UNREAD)]


def last_success(connection: Connection) -> Instant | None:
    """See `Store.last_success`."""
    found: Instant | None = connection.execute(LAST_SUCCESS).fetchone()[0]
    return found


def claim(connection: Connection, now: Instant, limit: int, until: Instant, besides: Collection[SourceId]) -> list[SourceState]:
    """See `Transaction.claim`."""
    found = [state for state in due(connection, now, limit + len(besides)) if state.id not in besides][:limit]
    connection.executemany(CLAIM, [(until, BEING_POLLED, state.id) for state in found])
    return found


def save(connection: Connection, saved: Iterable[SourceState]) -> None:
    """Replaces the states. Raises StoreError for a source that `sync_sources` never got."""
    values = [(*state_row(state), state.id) for state in saved]
    changed = connection.executemany(_SAVE, values).rowcount
    if changed != len(values):
        raise StoreError("a state was saved of a source that the database does not know; run it again with the current config")


def sync(connection: Connection, sources: Sequence[Source], now: Instant) -> None:
    """See `Store.sync_sources`. Writes only what differs, inside the caller's transaction."""
    known = {row[0]: row for row in connection.execute(_KNOWN)}
    named = {source.id for source in sources}
    connection.executemany(_RETIRE, [(id,) for id, row in known.items() if row[2] and id not in named])
    new, placed, revived, moved = [], [], [], []
    position = -1
    for source in sources:
        row = known.get(source.id)
        if row is None:
            position += 1
            new.append((source.id, position, source.enabled, source.url, source.url, now))
            continue
        if not row[2]:
            position += 1
        else:
            position = row[1] if row[1] > position else position + GAP
        if (row[1], row[3]) != (position, source.enabled):
            placed.append((position, source.enabled, source.id))
        if not row[2]:
            revived.append((now, source.id))
        if row[4] != source.url:
            moved.append((source.url, source.url, now, source.id))
    for statement, rows in ((_ADD, new), (_PLACE, placed), (_REVIVE, revived), (_MOVE, moved)):
        connection.executemany(statement, rows)


def ask_refused(connection: Connection, now: Instant) -> None:
    """See `Transaction.ask_refused`."""
    connection.execute(ASK_AGAIN, (now, FaultKind.ADDRESS, now, BEING_POLLED))
