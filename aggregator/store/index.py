"""The story index in SQLite, with bounded caches and write-behind.

An item's row and its log entry are written in the poll's transaction. The terms that it touches (about sixty, most of them
common) are changed in memory and written every LOGGED items, so that a common word is written once for all of them. A start
replays the log. So nothing is lost, the index is never loaded as a whole, and the cost per item stays flat.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterable
from typing import Any

from aggregator.model import Instant, ItemId, StoryId
from aggregator.ports import INDEX_VERSION, MINUTE_BITS, IndexedItem, Postings
from aggregator.store.connection import Connection
from aggregator.store.index_cache import Recent, rows
from aggregator.store.index_schema import create
from aggregator.store.index_terms import Terms

LOGGED = 2_000
"""Items between two writes of the terms. A start replays at most these, in 0.1 s."""
LEFT = 200
"""Items that may stay in the log at shutdown: replaying so few costs less than writing their terms."""
AGEING = 20_000
"""Items after which earlier ones count half, so that words of last year's news become rare again."""
ITEMS_CACHED = 3_000
"""Most items kept in memory (about 8 MB). Reading another one takes 25 microseconds."""
REMEMBERED: float = 14 * 86_400.0
"""Seconds after which an item, or a term that did not recur, is forgotten: twice the longest life of a story."""
SLICES = 64
"""Parts of the key space; each write of the terms sweeps one."""
WORD_KEYS, ADDRESS_KEYS = 1 << 32, 1 << 62
"""Word keys are below the first, address keys from the second up."""
_ADD_ROW = (
    "INSERT OR REPLACE INTO group_items (id, story, source, outlet, at, added, signature, form) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_LOG = "INSERT OR REPLACE INTO group_log (id, at, added, counted, posted) VALUES (?, ?, ?, ?, ?)"
SAVE_STATE = "INSERT OR REPLACE INTO group_state (name, value) VALUES (?, ?)"
_ITEM_ROWS = "id, story, source, outlet, at, added, signature, form FROM group_items WHERE id"


class SqlStoryIndex:
    """A `ports.StoryIndex` on the writer's connection, for one thread. The store calls begin, commit and rolled_back.

    If another connection has written (a command beside the daemon), `begin` notices and empties the caches.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._terms = Terms(connection)
        self._items: Recent[int, IndexedItem] = Recent(ITEMS_CACHED)
        self._members: Recent[StoryId, tuple[int, ...]] = Recent(ITEMS_CACHED)
        self._rows_added: list[tuple[Any, ...]] = []
        self._log_added: list[tuple[Any, ...]] = []
        self._version: int | None = None
        self._total, self._unit = 0, 1
        self._slice = 0
        self.logged = 0
        """Items in the log, which a start replays."""

    # --- the store's side
    def begin(self) -> None:
        """The transaction has begun."""
        version = self._find_version()
        if version != self._version:
            self._load()
            self._version = version

    def _find_version(self) -> int:
        """A number that changes when another connection has written."""
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def commit(self) -> None:
        """The transaction is about to commit."""
        self._flush()
        if self.logged >= LOGGED:
            self.write_terms()
        self._items.turn()
        self._members.turn()
        self._terms.turn()

    def rolled_back(self) -> None:
        """The transaction was rolled back: the caches may be wrong."""
        self._version = None

    # --- dedup's side
    @property
    def total(self) -> int:
        """As in `ports.StoryIndex`, like all that follows."""
        return self._total

    @property
    def unit(self) -> int:
        return self._unit

    def frequencies(self, keys: Collection[int]) -> list[int]:
        return self._terms.frequencies(keys)

    def postings(self, keys: Collection[int]) -> list[Postings]:
        return self._terms.postings(keys)

    def expect(self, keys: Collection[int]) -> None:
        self._terms.expect(keys)

    def items(self, ids: Iterable[int]) -> dict[int, IndexedItem]:
        found: dict[int, IndexedItem] = {}
        missing = []
        for number in ids:
            item = self._items.get(number)
            if item is None:
                missing.append(number)
            else:
                found[number] = item
        if missing:  # all of these are written: unwritten rows stay in `young` until the commit
            for row in rows(self._connection, _ITEM_ROWS, missing):
                found[row[0]] = self._items.young[row[0]] = IndexedItem(*row)
        return found

    def members(self, story: StoryId) -> tuple[int, ...]:
        members = self._members.get(story)
        if members is None:
            self._flush()
            rows = self._connection.execute("SELECT id FROM group_items WHERE story = ? ORDER BY id", (story,))
            members = tuple(row[0] for row in rows)
            self._members.young[story] = members
        return members

    def add(self, item: IndexedItem, counted: Collection[int], posted: Collection[int], opens: bool = False) -> None:
        self._rows_added.append((item.id, item.story, item.source, item.outlet, item.at, item.added, item.signature, item.form))
        self._log_added.append((item.id, item.at, item.added, array("q", counted).tobytes(), array("q", posted).tobytes()))
        self._keep(item)
        members = () if opens else self._members.get(item.story)
        if members is not None:
            self._members.young[item.story] = (*members, item.id)
        self._count(item.id, item.at, item.added, counted, posted)

    def replace(self, item: IndexedItem, posted: Collection[int] = ()) -> None:
        self._flush()
        self._connection.execute(
            "UPDATE group_items SET story = ?, at = ?, signature = ?, form = ? WHERE id = ?",
            (item.story, item.at, item.signature, item.form, item.id),
        )
        self._keep(item)
        if posted:
            self._post_again(item, posted)

    def _keep(self, item: IndexedItem) -> None:
        """Caches an item. One that is unpacked is not kept packed as well."""
        self._items.young[item.id] = item
        if item.view is not None:
            item.signature = b""

    def _post_again(self, item: IndexedItem, posted: Collection[int]) -> None:
        """Makes more terms lead to an item, in the log, too, so that a replay does the same."""
        row = self._connection.execute("SELECT counted, posted FROM group_log WHERE id = ?", (item.id,)).fetchone()
        counted, before = row or (b"", b"")
        self._log_added.append((item.id, item.at, item.added, counted, before + array("q", posted).tobytes()))
        self._terms.post(posted, item.id << MINUTE_BITS | int(item.at) // 60, item.added)

    def merge(self, kept: StoryId, alias: StoryId) -> None:
        members = (*self.members(kept), *self.members(alias))
        self._flush()
        self._connection.execute("UPDATE group_items SET story = ? WHERE story = ?", (kept, alias))
        for item in self.items(self.members(alias)).values():
            item.story = kept
        self._members.drop(alias)
        self._members.young[kept] = tuple(sorted(members))

    def move(self, item: ItemId, story: StoryId) -> None:
        self._flush()
        for row in self.items((item,)).values():
            self._connection.execute("UPDATE group_items SET story = ? WHERE id = ?", (story, item))
            self._members.drop(row.story)
            self._members.drop(story)
            row.story = story

    def set_outlet(self, item: ItemId, outlet: str) -> None:
        self._flush()
        for row in self.items((item,)).values():
            if row.outlet != outlet:
                self._connection.execute("UPDATE group_items SET outlet = ? WHERE id = ?", (outlet, item))
                row.outlet = outlet

    def forget(self, items: Collection[ItemId]) -> None:
        self._flush()
        for number, row in self.items(items).items():
            self._connection.execute("DELETE FROM group_items WHERE id = ?", (number,))
            self._items.drop(number)
            self._members.drop(row.story)

    # --- write-behind
    def _flush(self) -> None:
        """Writes the items added since the last flush, in one batch."""
        if self._rows_added or self._log_added:
            self._connection.executemany(_ADD_ROW, self._rows_added)
            self._connection.executemany(_ADD_LOG, self._log_added)
            self._rows_added.clear()
            self._log_added.clear()

    def write_terms(self) -> None:
        """Writes the terms of all logged items, empties the log, and forgets what is too old."""
        newest = self._terms.write()
        self._connection.execute("DELETE FROM group_log")
        self.logged = 0
        self._sweep(newest - REMEMBERED)
        self._connection.executemany(
            SAVE_STATE,
            (("version", INDEX_VERSION), ("total", self._total), ("unit", self._unit), ("slice", self._slice)),
        )

    def _sweep(self, before: Instant) -> None:
        """Forgets items that are too old, and, in one slice of the keys, terms not seen since."""
        for start, width in ((0, WORD_KEYS // SLICES), (ADDRESS_KEYS, ADDRESS_KEYS // SLICES)):
            first = start + self._slice * width
            self._connection.execute(
                "DELETE FROM group_terms WHERE term BETWEEN ? AND ? AND seen < ?", (first, first + width - 1, before)
            )
        self._slice = (self._slice + 1) % SLICES
        kept = self._connection.execute("SELECT id FROM group_items WHERE added >= ? ORDER BY id LIMIT 1", (before,)).fetchone()
        if kept:  # ids grow with time
            self._connection.execute("DELETE FROM group_items WHERE id < ?", kept)

    def _count(self, item: int, at: Instant, added: Instant, counted: Collection[int], posted: Collection[int]) -> None:
        """Adds an item to the terms, in `add` or when the log is replayed."""
        if self._total >= AGEING * self._unit:
            self._unit *= 2
        if counted:
            self._total += self._unit
        self.logged += 1
        self._terms.count(counted, self._unit, added)
        self._terms.post(posted, item << MINUTE_BITS | int(at) // 60, added)

    def _load(self) -> None:
        for cache in (self._terms, self._items, self._members):
            cache.clear()
        self._rows_added.clear()
        self._log_added.clear()
        state = dict(self._connection.execute("SELECT name, value FROM group_state"))
        if state.get("version", INDEX_VERSION) != INDEX_VERSION:
            state = {}
            for table in ("group_items", "group_terms", "group_log", "group_state"):
                self._connection.execute(f"DELETE FROM {table}")
        self._total, self._unit, self._slice = (
            int(state.get(name, known)) for name, known in (("total", 0), ("unit", 1), ("slice", 0))
        )
        self.logged = 0
        for number, at, added, counted, posted in self._connection.execute(
            "SELECT id, at, added, counted, posted FROM group_log ORDER BY id"
        ).fetchall():
            self._count(number, at, added, array("q", counted), array("q", posted))


class MemoryStoryIndex(SqlStoryIndex):
    """An index in memory with its own transactions, for `regroup`, which groups without touching the stored index."""

    def __init__(self) -> None:
        super().__init__(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))
        create(self._connection)

    def begin(self) -> None:
        self._connection.execute("BEGIN")
        super().begin()

    def commit(self) -> None:
        super().commit()
        self._connection.execute("COMMIT")

    def rolled_back(self) -> None:
        super().rolled_back()
        self._connection.execute("ROLLBACK")
