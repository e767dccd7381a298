"""Takes over, into a restored database, what readers know from the one that it replaces, as far as that can be read.

The old database may be damaged: that may be why a backup is restored. So its tables are read a few rows at a time, and rows that
can't be read are left out.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from aggregator.errors import StoreError
from aggregator.model import BEING_POLLED, Instant, SourceId, StoryId
from aggregator.ports import Remembered
from aggregator.store import decisions_since, remembered, schema, threads
from aggregator.store.connect import explained
from aggregator.store.retention import DELETE_MEMBERS
from aggregator.store.rows import BACKLOG, EXCESS

AT_ONCE = 100
"""Rows read at once: what a damaged page costs at most, for each index that leads to it."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_STORIES = "SELECT key, id, published, updated, visible, published_once, dropped FROM stories WHERE key BETWEEN ? AND ?"
_ITEMS = "SELECT source, guid, canonical, title_hash, story, old, private FROM items WHERE id BETWEEN ? AND ?"
_REMEMBERED = f"SELECT {', '.join(remembered.COLUMNS)} FROM remembered WHERE id BETWEEN ? AND ?"
_EVENTS = "SELECT key, opened, kind, title, detail, closed FROM events WHERE rowid BETWEEN ? AND ?"
_PAGES = "SELECT slug, page, closed, updated, stories, body FROM pages WHERE rowid BETWEEN ? AND ?"
_VALUES = "SELECT key, value FROM key_values WHERE rowid BETWEEN ? AND ?"
HAS_ITEM = "SELECT 1 FROM items WHERE guid = ? AND source = ?"
HAS_ADDRESS = """SELECT 1 FROM items CROSS JOIN stories ON stories.key = items.story
    WHERE items.canonical = ? AND stories.id = ?"""
_THREADS = """SELECT stories.id, coalesce(threads.alias_of, threads.id) FROM stories
    CROSS JOIN threads ON threads.key = stories.thread WHERE stories.key BETWEEN ? AND ?"""
_THREAD_ALIASES = "SELECT id, alias_of FROM threads WHERE key BETWEEN ? AND ? AND alias_of IS NOT NULL"
_ADD_THREAD_ALIAS = "INSERT OR IGNORE INTO threads (id, alias_of) VALUES (?, ?)"
_ALIASES = "SELECT id, alias_of FROM stories WHERE key BETWEEN ? AND ? AND alias_of IS NOT NULL"
ELSEWHERE = """SELECT DISTINCT stories.id FROM items CROSS JOIN stories ON stories.key = items.story
    WHERE items.canonical = ? AND items.title_hash = ? AND stories.id != ? AND items.private = ?
    AND stories.alias_of IS NULL AND NOT stories.published_once"""
LIVING = "SELECT coalesce(alias_of, id) FROM stories WHERE id = ?"
UNSEEN = "SELECT key FROM stories WHERE id = ? AND alias_of IS NULL AND NOT published_once"
HOLD_BACK = f"UPDATE items SET old = {BACKLOG} WHERE story = ?"
HOLD_BACK_STORY = "UPDATE stories SET old = 1 WHERE key = ?"
_ADD_EVENT = "INSERT OR REPLACE INTO events (key, opened, kind, title, detail, closed) VALUES (?, ?, ?, ?, ?, ?)"
_ADD_PAGE = "INSERT OR IGNORE INTO pages (slug, page, closed, updated, stories, body) VALUES (?, ?, ?, ?, ?, ?)"
_RELEASE = "UPDATE sources SET due = ?, reason = 'restored' WHERE reason = ?"
"""Sources that were being polled when the backup was made: nobody polls them now."""
_SET_VALUE = "INSERT OR REPLACE INTO key_values (key, value) VALUES (?, ?)"
_ADD_VALUE = "INSERT OR IGNORE INTO key_values (key, value) VALUES (?, ?)"


class Published(Struct, frozen=True):
    """What published files say that readers know. digests: by the key of its stored value, when each last had an issue."""

    entries: tuple[Remembered, ...] = ()
    digests: dict[str, Instant] = {}


class Names(Struct, frozen=True):
    """Stored values and pages that readers know, by name. site: key of the site's id; digest: prefix of keys; issues: slugs."""

    site: str
    digest: str
    issues: frozenset[str] = frozenset()


class TakenOver(Struct, frozen=True):
    """entries: how many are remembered; merges: stories of the backup that were merged since, as (the one kept, its alias).

    decided: by a person, since the backup.
    """

    entries: int
    merges: tuple[tuple[StoryId, StoryId], ...] = ()
    decided: decisions_since.Since = decisions_since.Since()


def take_over(restored: Path, old: Path, published: Published, names: Names, now: Instant) -> TakenOver:
    """Stores in `restored` what came since, from the old database and from published files.

    Brings `restored` to this release's schema before. Raises StoreError if it can't be written.
    """
    with explained(restored), closing(sqlite3.connect(restored, isolation_level=None)) as new:
        schema.ready(new, restored, before=lambda _: None)  # the backup itself is the copy from before
        new.execute("BEGIN IMMEDIATE")
        new.execute(_RELEASE, (now, BEING_POLLED))
        count, merges, decided = 0, list[tuple[StoryId, StoryId]](), decisions_since.Since()
        if (before := _open_old(old)) is not None:
            with closing(before):
                _carry_over(before, new, names)
                _carry_over_threads(before, new)
                merges += _merges(new, _salvage(before, "stories", _ALIASES, "key"))
                count = remembered.add(new, _newer_entries(before, new), now)
                made = _salvage(before, "decisions", decisions_since.DECISIONS, "id")
                decided = decisions_since.take_over(new, made, _salvage(before, "overrides", decisions_since.OVERRIDES, "id"))
        merges += _merges(new, _published_merges(published.entries, new))
        count += remembered.add(new, _published_entries(published.entries, new), now)
        for key, at in published.digests.items():
            _advance(new, key, at)
        new.execute("COMMIT")
        new.execute("PRAGMA journal_mode = DELETE")
    return TakenOver(count, tuple(dict.fromkeys(merges)), decided)


def _open_old(path: Path) -> sqlite3.Connection | None:
    """Opens the database that is replaced. None if there is none, or nothing of it can be read."""
    if not path.is_file():
        return None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error:
        return None
    try:
        if schema.version(connection, path):
            return connection
    except (sqlite3.Error, StoreError):
        pass
    connection.close()
    return None


def _salvage(connection: sqlite3.Connection, table: str, query: str, rowid: str = "rowid") -> Iterator[tuple[Any, ...]]:
    """Yields the rows of a query over a table, without those that can't be read."""
    try:
        last = connection.execute(f"SELECT max({rowid}) FROM {table}").fetchone()[0]
    except sqlite3.Error:
        return
    for first in range(0, (last or 0) + 1, AT_ONCE):
        rows: list[tuple[Any, ...]] = []
        with suppress(sqlite3.Error):
            rows = connection.execute(query, (first, first + AT_ONCE - 1)).fetchall()
        yield from rows


def _newer_entries(old: sqlite3.Connection, new: sqlite3.Connection) -> Iterator[Remembered]:
    """Yields the old database's entries that the new one lacks, and those that the old one remembered itself."""
    stories = {key: rest for key, *rest in _salvage(old, "stories", _STORIES, "key") if _ID.fullmatch(str(rest[0]))}
    for source, guid, canonical, title, key, held, private in _salvage(old, "items", _ITEMS, "id"):
        if key not in stories or new.execute(HAS_ITEM, (guid, source)).fetchone() is not None:
            continue
        id, published, updated, visible, shown, dropped = stories[key]
        yield Remembered(
            StoryId(id), SourceId(source), guid, canonical, title or b"", published, updated, visible or b"",
            old=held == BACKLOG or bool(dropped), excess=held == EXCESS, private=bool(private), shown=bool(shown),
        )  # fmt: skip
    for row in _salvage(old, "remembered", _REMEMBERED, "id"):
        one = remembered.remembered_of(row)
        if one.guid is None or new.execute(HAS_ITEM, (one.guid, one.source)).fetchone() is None:
            yield one


def _published_entries(entries: Iterable[Remembered], new: sqlite3.Connection) -> Iterator[Remembered]:
    """Yields the entries of published files, without those that are stored or remembered already."""
    for one in entries:
        known = new.execute(HAS_ADDRESS, (one.canonical, one.story)).fetchone()
        if known is None and new.execute(remembered.AT_ADDRESS, (one.story, one.canonical)).fetchone() is None:
            yield one


def _merges(new: sqlite3.Connection, pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[StoryId, StoryId]]:
    """Yields (kept, alias) for stories of the backup that were merged since. pairs: (alias, the story that it is in now).

    If that story came since, the alias waits for it, unless readers know the alias.
    """
    for alias, kept in pairs:
        before, after = (new.execute(LIVING, (id,)).fetchone() for id in (alias, kept))
        if before is not None and after is not None and before != after:
            yield StoryId(after[0]), StoryId(alias)
        elif before is not None and after is None:
            for (key,) in new.execute(UNSEEN, (alias,)).fetchall():
                new.execute(HOLD_BACK, (key,))
                new.execute(HOLD_BACK_STORY, (key,))
                new.execute(DELETE_MEMBERS, (key,))


def _published_merges(entries: Iterable[Remembered], new: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yields (alias, story) where a feed shows under another story what the backup has in one that no reader knows."""
    for one in entries:
        if one.canonical is not None and one.title_hash:
            for (alias,) in new.execute(ELSEWHERE, (one.canonical, one.title_hash, one.story, one.private)).fetchall():
                yield alias, one.story


def _carry_over(old: sqlite3.Connection, new: sqlite3.Connection, names: Names) -> None:
    """Takes over what else has ids for readers: health events, digests' issues, and the site's own id if it has none."""
    _copy(_salvage(old, "events", _EVENTS), lambda row: new.execute(_ADD_EVENT, row))
    issues = (row for row in _salvage(old, "pages", _PAGES) if row[0] in names.issues)
    _copy(issues, lambda row: new.execute(_ADD_PAGE, row))
    for key, value in _salvage(old, "key_values", _VALUES):
        if key == names.site:
            new.execute(_ADD_VALUE, (key, value))
        elif str(key).startswith(names.digest):
            with suppress(ValueError):
                _advance(new, key, float(value))


def _carry_over_threads(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Remembers in which threads stories were: these get their ids again, whichever of their stories come first."""
    for story, thread in _salvage(old, "stories", _THREADS, "key"):
        if all(_ID.fullmatch(str(id)) for id in (story, thread)) and new.execute(threads.ID_TAKEN, (thread,)).fetchone() is None:
            new.execute(_SET_VALUE, (threads.BEFORE_RESTORE + story, thread))
    aliases = (row for row in _salvage(old, "threads", _THREAD_ALIASES, "key") if all(_ID.fullmatch(str(id)) for id in row))
    _copy(aliases, lambda row: new.execute(_ADD_THREAD_ALIAS, row))


def _copy(rows: Iterable[tuple[Any, ...]], add: Callable[[tuple[Any, ...]], object]) -> None:
    for row in rows:
        with suppress(sqlite3.IntegrityError):  # what a damaged page says may be no row of ours
            add(row)


def _advance(new: sqlite3.Connection, key: str, at: Instant) -> None:
    """Stores a time, unless a later one is stored."""
    found = new.execute("SELECT value FROM key_values WHERE key = ?", (key,)).fetchone()
    if found is None or float(found[0]) < at:
        new.execute(_SET_VALUE, (key, repr(at)))
