"""The keys by which entries are identified: guid, link or hash. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from aggregator.model import Entry
from aggregator.text.canonical import canonical, without_tracking
from aggregator.text.words import tokens

MAX_GUID = 512
"""Characters of a guid that is stored as it is; of longer ones, the hash is stored."""
_LINK, _HASH, _LONG = "link:", "hash:", "guid:"
REPEATED = "the same entry stands twice in the document"


class KeyedEntry(Struct, frozen=True):
    """An entry and the guid that identifies it. own: the feed's guid, in the form in which it is stored."""

    entry: Entry
    canonical: str | None
    own: str | None
    guid: str
    reason: str


def guid_of(entry: Entry) -> str:
    """Returns the key of an entry regarded alone: its guid, else its link, else a hash of title, date and text."""
    own = _own_guid(entry)
    return own or make_guid(entry, canonical(entry.url) if entry.url else None)


def title_hash(title: str) -> bytes:
    """Hashes a title to 8 bytes, ignoring case, accents and punctuation; returns b"" for an empty title."""
    words = " ".join(tokens(title))
    return _digest(words) if words else b""


def content_hash(entry: Entry) -> bytes:
    """Hashes what a reader sees of an entry to 8 bytes, ignoring dates, counters and tracking parameters."""
    return _digest(
        entry.title,
        without_tracking(entry.url or ""),
        entry.summary,
        entry.content,
        *entry.authors,
        *sorted(category.label or category.term for category in entry.categories),
        *(enclosure.url.partition("?")[0] for enclosure in entry.enclosures),
        entry.image.url.partition("?")[0] if entry.image else "",
        *(part.partition("?")[0] for tag in entry.tags for part in (tag.name, tag.text, *(value for _, value in tag.attributes))),
    )


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()


def _own_guid(entry: Entry) -> str | None:
    guid = (entry.guid or "").strip()
    if not guid:
        return None
    if len(guid) > MAX_GUID or guid.startswith((_LINK, _HASH, _LONG)):
        return _LONG + _digest(guid).hex()
    return guid


def make_guid(entry: Entry, link: str | None) -> str:
    """Makes a key of the link, or without one of title, date and text."""
    if link:
        return _LINK + link if len(link) <= MAX_GUID else _LONG + _digest(link).hex()
    return _HASH + _digest(entry.title, repr(entry.published), entry.text).hex()


def latest_versions(entries: Sequence[Entry]) -> list[Entry]:
    """Drops older versions of entries with the same guid and link: a part of a document may hold several."""
    latest: dict[object, Entry] = {}
    for place, entry in enumerate(entries):
        own = _own_guid(entry)
        key = (own, canonical(entry.url or "")) if own else place
        if key not in latest or (entry.updated or 0.0) > (latest[key].updated or 0.0):
            latest[key] = entry
    return list(latest.values())


def key_entries(entries: Sequence[Entry]) -> list[KeyedEntry]:
    """Chooses each entry's key within its document: a guid or link that no other entry has, else a hash."""
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
            guid, reason = make_guid(entry, link), "link: the guid is shared by several entries" if own else "link: no guid"
        else:
            guid, reason = make_guid(entry, None), "hash of title, date and text: neither guid nor link is its own"
        keyed.append(KeyedEntry(entry, link, own, guid, REPEATED if guid in seen else reason))
        seen.add(guid)
    return keyed
