"""Identity: which entries of a document are new, changed, the same, or known by another guid. Pure.

The promise (to subscribers): an item is (source, guid). Where the feed's guid can't carry that (none, shared by several
entries, all of them exchanged at once), the canonical link does; where there is no link, a hash of title, date and text. So
nothing floods, and no source can touch what another one sent.

A part of a document (a 226 of RFC 3229, a push of WebSub) says nothing about what it leaves out: it can't show that a guid is
shared, or that all guids were exchanged, so what it brings is known as it was before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Entry, Instant, Item, ItemId, Source
from aggregator.ports import KnownItem
from aggregator.stories.outlets import Voice, outlet_of
from aggregator.text.newswire import find_agency
from aggregator.text.urls import canonical, without_tracking
from aggregator.text.words import tokens

MAX_GUID = 512
"""Characters of a guid that are stored as they are; longer ones are known by their hash."""
EARLIEST: Instant = 631_152_000.0
"""1990-01-01: no feed is older, so a date before it is a default (1970, 1904, year 0), not a date."""
REKEYED_SHARE = 0.5
"""Share of a document's entries that must be known by link alone before it is taken for a feed that changed all its guids."""

TURNED_SHARE = 0.2
"""The same where no entry of the document is known by its guid: what came new with the exchange doesn't hide it."""
DOUBLES = 2
"""Entries of one link that may be one article listed twice; a link that more of them have is a page of the site."""

_LINK, _HASH, _LONG = "link:", "hash:", "guid:"


class New(Struct, frozen=True):
    """Never seen. The item's id is 0 until it is stored."""

    item: Item
    reason: str


class Changed(Struct, frozen=True):
    """A known item whose visible content is another now; `item` has its stored id, first_seen and published."""

    item: Item
    reason: str


class Same(Struct, frozen=True):
    """A known item that says what it said. `item.entry.fingerprint` may still be new (something that nobody sees)."""

    item: Item
    reason: str

    @property
    def id(self) -> ItemId:
        return self.item.id


class Rekeyed(Struct, frozen=True):
    """A known item that the feed now sends under `item.guid`. `changed`: its content is another, too; `was`: the guid before."""

    item: Item
    changed: bool
    reason: str
    was: str = ""


class Repeated(Struct, frozen=True):
    """The same entry once more in one document: counted, not stored."""

    entry: Entry
    reason: str


Decision: TypeAlias = New | Changed | Same | Rekeyed | Repeated
Lookup: TypeAlias = Callable[[Collection[str], Collection[str]], Sequence[KnownItem]]
"""(guids, canonical URLs) → this source's items that have one of them: `functools.partial(store.known, source.id)`."""


class _Keyed(Struct, frozen=True):
    """An entry and the guid that is to carry its identity. own: the feed's guid as sent, in the form it is stored."""

    entry: Entry
    canonical: str | None
    own: str | None
    guid: str
    reason: str


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
    """What each entry of a document is, in the document's order.

    unchanged: fingerprints of the entries that were not read again (`Feed.unchanged`); their guids count as taken.
    voice: whom the source speaks for; backfill: seconds, as in `Publishing`; language: of items whose entry names
    none, until it is told; partial: as in `Feed`.
    """
    keyed = _keyed(_latest(entries) if partial else entries)
    found = known(
        {key for one in keyed for key in (one.guid, one.own) if key},
        {one.canonical for one in keyed if one.canonical is not None},
    )
    matches = _Matches(found, frozenset(unchanged), keyed, partial)
    decisions: list[Decision] = []
    used: set[str] = set()
    for one in keyed:
        guid, stored, reason = matches.of(one)
        if one.reason == _REPEATED or guid in used:
            decisions.append(Repeated(one.entry, _REPEATED))
            continue
        used.add(guid)
        item = _item(one, guid, source, voice, now, first_poll, backfill, language)
        decisions.append(_decision(item, stored, reason))
    return tuple(decisions)


def guid_of(entry: Entry) -> str:
    """The identity key of an entry that stands alone: its guid, else its link, else a hash of title, date and text."""
    own = _own_guid(entry)
    return own or _made_guid(entry, canonical(entry.url) if entry.url else None)


def title_hash(title: str) -> bytes:
    """8 bytes by which two titles are the same but for case, accents and punctuation; empty for an empty title."""
    words = " ".join(tokens(title))
    return _digest(words) if words else b""


def content_hash(entry: Entry) -> bytes:
    """8 bytes over what a reader can see of an entry. Dates, counters and tracking parameters don't count."""
    return _digest(
        entry.title,
        without_tracking(entry.url or ""),
        entry.summary,
        entry.content,
        *entry.authors,
        *sorted(category.label or category.term for category in entry.categories),
        *(enclosure.url.partition("?")[0] for enclosure in entry.enclosures),
        (entry.image or "").partition("?")[0],
    )


_REPEATED = "the same entry stands twice in the document"


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()


def _own_guid(entry: Entry) -> str | None:
    guid = (entry.guid or "").strip()
    if not guid:
        return None
    if len(guid) > MAX_GUID or guid.startswith((_LINK, _HASH, _LONG)):
        return _LONG + _digest(guid).hex()
    return guid


def _made_guid(entry: Entry, link: str | None) -> str:
    if link:
        return _LINK + link if len(link) <= MAX_GUID else _LONG + _digest(link).hex()
    return _HASH + _digest(entry.title, repr(entry.published), entry.text).hex()


def _latest(entries: Sequence[Entry]) -> list[Entry]:
    """Without the older ones of entries that have guid and link in common: a part may hold several versions of an entry."""
    latest: dict[object, Entry] = {}
    for place, entry in enumerate(entries):
        own = _own_guid(entry)
        key = (own, canonical(entry.url or "")) if own else place
        if key not in latest or (entry.updated or 0.0) > (latest[key].updated or 0.0):
            latest[key] = entry
    return list(latest.values())


def _keyed(entries: Sequence[Entry]) -> list[_Keyed]:
    """Each entry with the guid that carries its identity within this document."""
    rows = [(entry, canonical(entry.url) if entry.url else None, _own_guid(entry)) for entry in entries]
    senders: dict[str, set[tuple[str | None, str]]] = {}
    for entry, link, own in rows:
        if own:
            senders.setdefault(own, set()).add((link, entry.title))
    at_link: dict[str, set[str]] = {}
    for entry, link, own in rows:
        if link and not (own and len(senders[own]) == 1):
            at_link.setdefault(link, set()).add(entry.title)
    seen: set[str] = set()
    keyed = []
    for entry, link, own in rows:
        if own and len(senders[own]) == 1:
            guid, reason = own, "guid"
        elif link and len(at_link[link]) == 1:
            guid, reason = _made_guid(entry, link), "link: the guid is shared by several entries" if own else "link: no guid"
        else:
            guid, reason = _made_guid(entry, None), "hash of title, date and text: neither guid nor link is its own"
        keyed.append(_Keyed(entry, link, own, guid, _REPEATED if guid in seen else reason))
        seen.add(guid)
    return keyed


class _Matches:
    """Which stored item each keyed entry is. Every stored item is given away once: by guid before by link."""

    def __init__(self, found: Sequence[KnownItem], unchanged: frozenset[bytes], keyed: Sequence[_Keyed], partial: bool) -> None:
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

    def of(self, one: _Keyed) -> tuple[str, KnownItem | None, str]:
        """(guid to store, the stored item or None, why)."""
        guid, reason = one.guid, one.reason
        if guid in self._shared:
            guid, reason = _made_guid(one.entry, one.canonical), "link: the guid belongs to another entry of the document"
            if guid in self._shared:
                guid, reason = _made_guid(one.entry, None), "hash of title, date and text: neither guid nor link is its own"
        stored = self._by_guid.get(guid) or (self._as_before(one) if self._partial else None)
        if stored is not None or self._partial:  # what has the same link may be among what a part leaves out
            return stored.guid if stored else guid, stored, reason
        return self._by_its_link(one, guid) or (guid, None, reason)

    def _by_its_link(self, one: _Keyed, guid: str) -> tuple[str, KnownItem, str] | None:
        """The stored item at an entry's link that is not given away: with the same title, or any if all guids were changed."""
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

    def _as_before(self, one: _Keyed) -> KnownItem | None:
        """The item at an entry's link whose identity that link carries, because in whole documents the guid could not."""
        made = _made_guid(one.entry, one.canonical)
        for item in self._by_link.get(one.canonical or "", ()):
            if item.guid == made and item.id not in self._taken:
                self._taken.add(item.id)
                return item
        return None


def _decision(item: Item, stored: KnownItem | None, reason: str) -> Decision:
    if stored is None:
        return New(item, reason)
    settled = replace(
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
        return Rekeyed(settled, changed, reason, stored.guid)
    return Changed(settled, reason) if changed else Same(settled, reason)


def _item(
    one: _Keyed, guid: str, source: Source, voice: Voice, now: Instant, first_poll: bool, backfill: float, language: str
) -> Item:
    entry = one.entry
    dated = entry.published if entry.published is not None else entry.updated
    undated = dated is None or dated < EARLIEST
    published = now if dated is None or undated else min(dated, now)
    outlet, outlet_key, second_hand = outlet_of(entry, source, voice)
    return Item(
        id=ItemId(0),
        source=source.id,
        guid=guid,
        entry=entry,
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
    )
