"""Stores which items a source's last document listed: known fingerprints come from it, and retention counts from it.

One packed row per source (rows.document_of) holds the listed items. An item's own row is written only when it leaves the
document or comes back, so an unchanged entry costs nothing, however often it is polled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct, field

from aggregator.model import Instant, ItemId, SourceId
from aggregator.store.connection import Connection
from aggregator.store.reads import DOCUMENT
from aggregator.store.rows import as_json, document_bytes, document_of

FINGERPRINTS_OF_ITEMS = "SELECT id, fingerprint FROM items WHERE id IN (SELECT value FROM json_each(?))"
UNLIST = "UPDATE items SET unlisted = ? WHERE id = ?"
LIST_AGAIN = "UPDATE items SET unlisted = NULL WHERE id = ? AND unlisted IS NOT NULL"
SAVE = "INSERT INTO documents (source, items) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET items = excluded.items"


class Listing(Struct):
    """What a transaction learnt of one source's document. whole: it named all that is still listed, so the rest has left.

    before: the items listed by the last one; is_known: an item of the source was ever stored (its row is never removed).
    """

    before: dict[ItemId, bytes] = field(default_factory=dict)
    is_known: bool = False
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

    @property
    def returning(self) -> set[ItemId]:
        """Items that the last document did not list and this one does."""
        return self.ids - self.before.keys() - self.present.keys()

    def after(self, marks: Mapping[ItemId, bytes]) -> dict[ItemId, bytes]:
        """The items listed now. marks: the fingerprints of those that return, and of others."""
        if not self.whole:
            return self.before | self.present
        kept = {item: mark for item, mark in self.before.items() if item in self.ids or mark in self.fingerprints}
        return kept | {item: mark for item, mark in marks.items() if item in self.ids} | self.present


def read(connection: Connection, source: SourceId) -> Listing:
    """What is known of a source before its document."""
    row = connection.execute(DOCUMENT, (source,)).fetchone()
    return Listing(document_of(row[0]), True) if row else Listing()


def save(connection: Connection, learnt: Mapping[SourceId, Listing]) -> None:
    """Stores the items listed now, and marks those that left or came back."""
    returning = frozenset[ItemId]().union(*(listing.returning for listing in learnt.values()))
    marks = dict(connection.execute(FINGERPRINTS_OF_ITEMS, (as_json(sorted(returning)),))) if returning else {}
    changed = [
        (source, listing, after)
        for source, listing in learnt.items()
        if (after := listing.after(marks)) != listing.before or (listing.whole and not listing.is_known)
    ]
    connection.executemany(SAVE, [(source, document_bytes(after)) for source, _, after in changed])
    left = [(listing.now, item) for _, listing, after in changed for item in listing.before.keys() - after.keys()]
    connection.executemany(UNLIST, left)
    connection.executemany(LIST_AGAIN, [(item,) for item in marks])
