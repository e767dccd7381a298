"""Stores which items a source's last document listed: known fingerprints come from it, and retention counts from it.

One packed row per source (rows.document_of) holds the listed items. An item's own row is written only when it leaves the
document or comes back, so an unchanged entry costs nothing, however often it is polled.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

from aggregator.model import Instant, ItemId, SourceId
from aggregator.store.connection import Connection
from aggregator.store.reads import DOCUMENT
from aggregator.store.rows import as_json, document_bytes, document_of

FINGERPRINTS_OF_ITEMS = "SELECT id, fingerprint FROM items WHERE id IN (SELECT value FROM json_each(?))"
UNLIST = "UPDATE items SET unlisted = ? WHERE id = ?"
LIST_AGAIN = "UPDATE items SET unlisted = NULL WHERE id = ? AND unlisted IS NOT NULL"
_SAVE = "INSERT INTO documents (source, items) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET items = excluded.items"


class Listing(Struct):
    """What a transaction learnt of one source's document. whole: it named all that is still listed, so the rest has left."""

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
        """The items listed now. marks: fingerprints of those `ids` that were not listed before."""
        if not self.whole:
            return before | self.present
        kept = {item: mark for item, mark in before.items() if item in self.ids or mark in self.fingerprints}
        return kept | marks | self.present


def save(connection: Connection, source: SourceId, listing: Listing) -> None:
    """Stores the items listed now, and marks those that left or came back."""
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
