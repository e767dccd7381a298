"""The small tables: rejects, holds, and single values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from aggregator.model import SourceId
from aggregator.ports import REJECTS_KEPT, Hold, Reject
from aggregator.store.connection import Connection
from aggregator.store.rows import as_json

KNOWN_REJECTS = """SELECT rejects.source, rejects.guid FROM json_each(?) AS key
    CROSS JOIN rejects ON rejects.source = key.value ->> 0 AND rejects.guid = key.value ->> 1"""
_ADD_REJECT = """INSERT INTO rejects (source, guid, url, title, rule, at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (source, guid) DO UPDATE SET url = excluded.url, title = excluded.title, rule = excluded.rule
    WHERE (url, title, rule) IS NOT (excluded.url, excluded.title, excluded.rule)"""
TRIM_REJECTS = """DELETE FROM rejects WHERE source = ? AND id <=
    (SELECT id FROM rejects WHERE source = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"""
REMOVE_REJECT = "DELETE FROM rejects WHERE source = ? AND guid = ?"
_SAVE_HOLD = "INSERT OR REPLACE INTO holds (domain, until, reason) VALUES (?, ?, ?)"
SET_VALUE = "INSERT INTO key_values (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_REMOVE_VALUE = "DELETE FROM key_values WHERE key = ?"


def count_new(rejects: Sequence[Reject], known: Collection[tuple[SourceId, str]]) -> dict[str, int]:
    """Counts the rejects that were not known by (source, guid), by the first word of their rule."""
    new = {(one.source, one.guid): one.rule.partition(" ")[0] for one in rejects if (one.source, one.guid) not in known}
    return dict(Counter(new.values()))


def add_rejects(connection: Connection, rejects: Sequence[Reject]) -> dict[str, int]:
    """See `Transaction.add_rejects`. Keeps the newest of each source; a known one keeps the time of its first rejection."""
    if not rejects:
        return {}
    keys = as_json([(one.source, one.guid) for one in rejects])
    new = count_new(rejects, {(source, guid) for source, guid in connection.execute(KNOWN_REJECTS, (keys,))})
    rows = [(one.source, one.guid, one.url, one.title, one.rule, one.at) for one in rejects]
    connection.executemany(_ADD_REJECT, rows)
    sources = {one.source for one in rejects}
    connection.executemany(TRIM_REJECTS, [(source, source, REJECTS_KEPT) for source in sorted(sources)])
    return new


def remove_rejects(connection: Connection, source: SourceId, guids: Collection[str]) -> None:
    """See `Transaction.remove_rejects`."""
    if guids:
        connection.executemany(REMOVE_REJECT, [(source, guid) for guid in sorted(guids)])


def save_hold(connection: Connection, hold: Hold) -> None:
    """Stores a domain's hold in place of an older one."""
    connection.execute(_SAVE_HOLD, (hold.domain, hold.until, hold.reason))


def set_value(connection: Connection, key: str, value: str | None) -> None:
    """Stores a single value; None removes it."""
    if value is None:
        connection.execute(_REMOVE_VALUE, (key,))
    else:
        connection.execute(SET_VALUE, (key, value))


def set_values(connection: Connection, values: Mapping[str, str | None]) -> None:
    """Stores values by their keys; None removes one."""
    connection.executemany(SET_VALUE, [(key, value) for key, value in values.items() if value is not None])
    connection.executemany(_REMOVE_VALUE, [(key,) for key, value in values.items() if value is None])
