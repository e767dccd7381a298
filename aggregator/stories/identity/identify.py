"""Identifies the entries of a document: new, changed, the same, or known under another guid. Pure.

Subscribers are promised that an item is (source, guid). If the feed's guid can't identify an entry (it is missing, shared by
several entries, or the feed changed all guids at once), the canonical link does; without a link, a hash of title, date and text.
So no feed floods its readers, and no source can touch another one's items.

A part of a document (RFC 3229's 226, a WebSub push) says nothing about entries that it leaves out. It can't show that a guid is
shared or that all guids were changed, so its entries keep the identity that they had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Entry, Instant, Item, ItemId, Source
from aggregator.ports import KnownItem
from aggregator.stories.identity.entry_keys import (
    REPEATED,
    KeyedEntry,
    content_hash,
    key_entries,
    latest_versions,
    make_guid,
    title_hash,
)
from aggregator.stories.identity.outlets import Voice, headline_of, is_unattributed, outlet_of, own_authors
from aggregator.text.newswire import find_agency

EARLIEST: Instant = 631_152_000.0
"""1990-01-01: no feed is older, so an earlier date is a default (1970, 1904, year 0)."""
REKEYED_SHARE = 0.5
"""Share of a document's entries that must be known by link alone for it to count as a feed that changed all its guids."""
TURNED_SHARE = 0.2
"""The same share if no entry is known by its guid: new entries in that document then don't hide the change."""
DOUBLES = 2
"""Entries with the same link that may be one article listed twice; more of them link to a common page of the site."""


class New(Struct, frozen=True):
    """An entry never seen before. Its item's id is 0 until it is stored."""

    item: Item
    reason: str


class Changed(Struct, frozen=True):
    """A known item whose visible content has changed. `item` has its stored id, first_seen and published."""

    item: Item
    reason: str


class Same(Struct, frozen=True):
    """A known item with the same visible content. `item.entry.fingerprint` may differ all the same."""

    item: Item
    reason: str

    @property
    def id(self) -> ItemId:
        return self.item.id


class Rekeyed(Struct, frozen=True):
    """A known item that the feed now sends under `item.guid`. changed: its content has changed, too; was: the previous guid."""

    item: Item
    changed: bool
    reason: str
    was: str = ""


class Repeated(Struct, frozen=True):
    """A second copy of an entry in the same document: counted, not stored."""

    entry: Entry
    reason: str


Decision: TypeAlias = New | Changed | Same | Rekeyed | Repeated
Lookup: TypeAlias = Callable[[Collection[str], Collection[str]], Sequence[KnownItem]]
"""(guids, canonical URLs) → the source's stored items with one of them: `functools.partial(store.known, source.id)`."""


def identify(
    entries: Sequence[Entry],
    unchanged: Collection[bytes],
    known: Lookup,
    source: Source,
    voice: Voice,
    now: Instant,
    first_poll: bool,
    backfill: float,
    language: str = "und",
    *,
    partial: bool = False,
) -> tuple[Decision, ...]:
    """Decides what each entry of a document is, in the document's order.

    unchanged: fingerprints of entries that were not read again (`Feed.unchanged`); their guids count as taken.
    voice: whom the source speaks for; backfill: seconds, as in `Publishing`; language: of entries that name none;
    partial: as in `Feed`.
    """
    keyed = key_entries(latest_versions(entries) if partial else entries)
    found = known(
        {key for one in keyed for key in (one.guid, one.own) if key},
        {one.canonical for one in keyed if one.canonical is not None},
    )
    matches = _Matches(found, frozenset(unchanged), keyed, partial)
    decisions: list[Decision] = []
    used: set[str] = set()
    for one in keyed:
        guid, stored, reason = matches.find(one)
        if one.reason == REPEATED or guid in used:
            decisions.append(Repeated(one.entry, REPEATED))
            continue
        used.add(guid)
        item = _make_item(one, guid, source, voice, now, first_poll, backfill, language)
        decisions.append(_decide(item, stored, reason))
    return tuple(decisions)


class _Matches:
    """Matches entries with stored items. Each stored item is matched once: by guid first, then by link."""

    def __init__(
        self, found: Sequence[KnownItem], unchanged: frozenset[bytes], keyed: Sequence[KeyedEntry], partial: bool
    ) -> None:
        self._partial = partial
        edits = {(one.guid, one.canonical) for one in keyed} if partial else set()
        listed = [item for item in found if item.fingerprint and item.fingerprint in unchanged]
        present = [item for item in listed if (item.guid, item.canonical) not in edits]
        self._taken = {item.id for item in present}
        self._by_guid = {item.guid: item for item in found if item.id not in self._taken}
        self._shared = {item.guid for item in present}
        for one in keyed:
            if one.guid in self._by_guid:
                self._taken.add(self._by_guid[one.guid].id)
        self._by_link: dict[str, list[KnownItem]] = {}
        for item in found:
            if item.canonical and item.id not in self._taken:
                self._by_link.setdefault(item.canonical, []).append(item)
        strangers = [one for one in keyed if one.guid not in self._by_guid and one.canonical in self._by_link]
        copies = Counter(one.canonical for one in strangers)
        self._articles = {link for link, count in copies.items() if count <= DOUBLES}
        moved = sum(one.canonical in self._articles for one in strangers)
        nothing_known = not unchanged and all(one.guid not in self._by_guid for one in keyed)
        share = TURNED_SHARE if nothing_known else REKEYED_SHARE
        self._all_new_guids = not present and moved > 1 and moved > share * len(keyed)

    def find(self, one: KeyedEntry) -> tuple[str, KnownItem | None, str]:
        """Finds an entry's stored item. Returns (guid to store, stored item or None, reason)."""
        guid, reason = one.guid, one.reason
        if guid in self._shared:
            guid, reason = make_guid(one.entry, one.canonical), "link: the guid belongs to another entry of the document"
            if guid in self._shared:
                guid, reason = make_guid(one.entry, None), "hash of title, date and text: neither guid nor link is its own"
        stored = self._by_guid.get(guid) or (self._find_by_link_guid(one) if self._partial else None)
        if stored is not None or self._partial:  # the part may leave out another entry with this link
            return stored.guid if stored else guid, stored, reason
        return self._find_by_link(one, guid) or (guid, None, reason)

    def _find_by_link(self, one: KeyedEntry, guid: str) -> tuple[str, KnownItem, str] | None:
        """Finds an unmatched item at an entry's link: one with the same title, or any if the feed changed all its guids."""
        free = [item for item in self._by_link.get(one.canonical or "", ()) if item.id not in self._taken]
        if not free:
            return None
        words = title_hash(one.entry.title)
        item = next((item for item in free if item.title_hash and item.title_hash == words), None)
        reason = "same link and title under another guid"
        if item is None and self._all_new_guids and one.canonical in self._articles:
            item, reason = free[0], "the feed changed all its guids: by link"
        if item is None:
            return None
        self._taken.add(item.id)
        return guid, item, reason

    def _find_by_link_guid(self, one: KeyedEntry) -> KnownItem | None:
        """Finds the item that an earlier whole document identified by this entry's link, because its guid could not."""
        made = make_guid(one.entry, one.canonical)
        for item in self._by_link.get(one.canonical or "", ()):
            if item.guid == made and item.id not in self._taken:
                self._taken.add(item.id)
                return item
        return None


def _decide(item: Item, stored: KnownItem | None, reason: str) -> Decision:
    if stored is None:
        return New(item, reason)
    known = replace(
        item,
        id=stored.id,
        first_seen=stored.first_seen,
        published=min(item.published, stored.first_seen) if stored.undated and not item.undated else stored.published,
        undated=stored.undated and item.undated,
        old=stored.old,
        excess=stored.excess,
        astray=stored.astray,
    )
    changed = stored.hash != item.hash
    if stored.guid != item.guid:
        return Rekeyed(known, changed, reason, stored.guid)
    return Changed(known, reason) if changed else Same(known, reason)


def _make_item(
    one: KeyedEntry, guid: str, source: Source, voice: Voice, now: Instant, first_poll: bool, backfill: float, language: str
) -> Item:
    entry = one.entry
    dated = entry.published if entry.published is not None else entry.updated
    undated = dated is None or dated < EARLIEST
    published = now if dated is None or undated else min(dated, now)
    outlet, outlet_key, second_hand = outlet_of(entry, source, voice)
    authors = own_authors(entry, source, voice)
    return Item(
        id=ItemId(0),
        source=source.id,
        guid=guid,
        entry=entry if authors == entry.authors else replace(entry, authors=authors),
        canonical=one.canonical,
        outlet=outlet,
        outlet_key=outlet_key,
        published=published,
        first_seen=now,
        hash=content_hash(entry),
        language=entry.language or language,
        rank=source.rank,
        group=source.group,
        tags=source.tags,
        aggregator=source.aggregator,
        private=source.private,
        undated=undated,
        old=first_poll and (undated or published < now - backfill),
        origin=find_agency(entry.text, entry.authors),
        second_hand=second_hand,
        unattributed=is_unattributed(entry, source),
        headline=headline_of(entry, outlet, outlet_key, voice),
    )
