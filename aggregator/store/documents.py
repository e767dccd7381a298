"""Which items a source's last document held: what fingerprints are known by, and what retention counts from.

One packed row for each source (rows.document_of) stands for "these items are still listed"; only an item that leaves its
document, or comes back to it, is written. So an unchanged entry costs nothing, however often it is polled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from msgspec import Struct, field

from aggregator.model import Instant, ItemId, SourceId
from aggregator.store.reads import DOCUMENT
from aggregator.store.rows import as_json, document_bytes, document_of

FINGERPRINTS_OF_ITEMS = "SELECT id, fingerprint FROM items WHERE id IN (SELECT value FROM json_each(?))"
UNLIST = "UPDATE items SET unlisted = ? WHERE id = ?"
LIST_AGAIN = "UPDATE items SET unlisted = NULL WHERE id = ? AND unlisted IS NOT NULL"
_SAVE = "INSERT INTO documents (source, items) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET items = excluded.items"


class Listing(Struct):
    """What a transaction says of one source's document. `whole`: it named what is still listed, so that the rest has left."""

    present: dict[ItemId, bytes] = field(default_factory=dict)
    fingerprints: set[bytes] = field(default_factory=set)
    ids: set[ItemId] = field(default_factory=set)
    whole: bool = False
    now: Instant = 0.0

    def touch(self, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        """See `Transaction.touch_items`."""
        self.fingerprints.update(fingerprints)
        self.ids.update(ids)
        self.whole = True
        self.now = now

    def after(self, before: dict[ItemId, bytes], marks: dict[ItemId, bytes]) -> dict[ItemId, bytes]:
        """The document as it is now. `marks`: fingerprints of `ids` that it did not hold before."""
        if not self.whole:
            return before | self.present
        kept = {item: mark for item, mark in before.items() if item in self.ids or mark in self.fingerprints}
        return kept | marks | self.present


def save(connection: sqlite3.Connection, source: SourceId, listing: Listing) -> None:
    """Stores what the document holds now, and marks the items that left it or came back."""
    row = connection.execute(DOCUMENT, (source,)).fetchone()
    before = document_of(row[0]) if row else {}
    missing = listing.ids - before.keys() - listing.present.keys()
    marks = dict(connection.execute(FINGERPRINTS_OF_ITEMS, (as_json(sorted(missing)),))) if missing else {}
    after = listing.after(before, marks)
    if after == before and row:
        return
    connection.execute(_SAVE, (source, document_bytes(after)))
    connection.executemany(UNLIST, [(listing.now, item) for item in before.keys() - after.keys()])
    connection.executemany(LIST_AGAIN, [(item,) for item in marks])
