"""Takes over, into a restored database, what a person decided since the backup, as far as the old database can be read.

A takedown must not return. Decisions name entries by keys that outlive a restore; what they say of rows (ids of entries, leads)
is left behind. Splits move stored entries, so they are only told.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from aggregator.model import StoryId
from aggregator.ports import Decision, Override, Traces
from aggregator.store import decisions

BINDING = ("drop", "merge", "pin", "title")
"""Kinds of decisions that hold again without a person."""

Row = tuple[Any, ...]
DECISIONS = "SELECT id, kind, at, undone, traces FROM decisions WHERE id BETWEEN ? AND ?"
OVERRIDES = "SELECT kind, a, b, at, decision FROM overrides WHERE id BETWEEN ? AND ?"
LIVING = "SELECT coalesce(alias_of, id) FROM stories WHERE id = ?"
AT_ADDRESS = "SELECT stories.id FROM items CROSS JOIN stories ON stories.key = items.story WHERE items.canonical = ?"
OF_ITEM = "SELECT stories.id FROM items CROSS JOIN stories ON stories.key = items.story WHERE items.guid = ? AND items.source = ?"
_HAS_OVERRIDE = "SELECT 1 FROM overrides WHERE kind = ? AND a = ? AND b IS ?"


class Since(Struct, frozen=True):
    """holds: decisions since the backup that bind again, each with the stored stories that it binds.

    lost: those that a person must make again; lifted: those that were undone since, which bind again as the backup has them.
    """

    holds: tuple[tuple[Decision, tuple[StoryId, ...]], ...] = ()
    lost: tuple[Decision, ...] = ()
    lifted: tuple[Decision, ...] = ()


def take_over(new: sqlite3.Connection, made: Iterable[Row], bound: Iterable[Row]) -> Since:
    """Stores what was decided since. made, bound: rows of the old database's decisions and overrides."""
    known = {(one.kind, one.at): one for one in decisions.decisions(new)}
    overrides = list(_readable(bound))
    kept: dict[int, int] = {}
    since: list[Decision] = []
    lost, lifted = [], []
    for one in _decisions(made):
        before = known.get((one.kind, one.at))
        if before is not None:
            if one.undone is None and before.undone is None:
                kept[one.id] = before.id
            elif before.undone is None:
                lifted.append(before)
        elif one.undone is None and one.kind in BINDING:
            entries = tuple(dict.fromkeys(bound.a for bound in overrides if bound.decision == one.id))
            kept[one.id] = decisions.add_decision(new, one.kind, one.at, _without_rows(one, entries))
            since.append(one)
        elif one.undone is None:
            lost.append(one)
    for bound_by in overrides:
        if bound_by.decision in kept:
            _add(new, msgspec.structs.replace(bound_by, decision=kept[bound_by.decision]))
    bound_of = {one.id: [bound.a for bound in overrides if bound.decision == one.id] for one in since}
    holds = tuple((one, _stories_of(new, bound_of[one.id], one.traces.stories)) for one in since)
    return Since(holds, tuple(lost), tuple(lifted))


def _stories_of(new: sqlite3.Connection, keys: Iterable[str], named: Iterable[StoryId]) -> tuple[StoryId, ...]:
    """The stored stories that a decision named, or whose entries it binds by their address or key."""
    found = {id for one in named for (id,) in new.execute(LIVING, (one,))}
    for key in keys:
        source, _, guid = key.partition(" ")
        found |= {id for (id,) in new.execute(AT_ADDRESS, (key,))} | {id for (id,) in new.execute(OF_ITEM, (guid, source))}
    return tuple(StoryId(id) for id in sorted(found))


def _without_rows(one: Decision, entries: tuple[str, ...]) -> Traces:
    """What a decision says of stories, without ids of entries: the restored database may give them to others.

    A merge can't be undone without them, so it is one of which only the entries are known.
    """
    traces = one.traces
    if one.kind == "merge":
        return Traces(title=traces.title, entries=entries)
    return msgspec.structs.replace(traces, items=(), leads={}, evidence={}, entries=traces.entries or entries)


def _add(new: sqlite3.Connection, one: Override) -> None:
    if new.execute(_HAS_OVERRIDE, (one.kind, one.a, one.b)).fetchone() is None:
        decisions.add_override(new, one)


def _decisions(rows: Iterable[Row]) -> Iterator[Decision]:
    """Yields decisions; what a damaged page says may be none."""
    for id, kind, at, undone, traces in rows:
        try:
            yield Decision(int(id), str(kind), float(at), undone, msgspec.json.decode(traces, type=Traces))
        except (msgspec.DecodeError, TypeError, ValueError):
            continue


def _readable(rows: Iterable[Row]) -> Iterator[Override]:
    for kind, a, b, at, decision in rows:
        if isinstance(a, str) and isinstance(at, float):
            yield Override(str(kind), a, b, at, decision)
