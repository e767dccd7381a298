"""Converts items to rows and back. Pure.

Fields that queries use have columns of their own; the rest of an item is one short JSON column. The same item always gives the
same row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from aggregator.model import (
    Category,
    Enclosure,
    Entry,
    Evidence,
    Item,
    ItemId,
    Origin,
    Picture,
    PodcastTag,
)
from aggregator.text.html import text_of_longer
from aggregator.text.words import searchable, tokens

Row = Sequence[Any]

_ENCODER = msgspec.json.Encoder()
"""A tenth of what `json` takes, which makes an encoder for each value. An entry takes five values."""


def placeholders(columns: Sequence[str]) -> str:
    """`?,?,?`: one for each column."""
    return ",".join("?" * len(columns))


def assignments(columns: Sequence[str]) -> str:
    """`a=?, b=?` for an UPDATE."""
    return ", ".join(f"{column}=?" for column in columns)


def as_json(value: Any) -> str:
    """A list as a parameter of `json_each`, or a small value of a row."""
    return _ENCODER.encode(value).decode()


def title_hash(words: str) -> bytes:
    """8 bytes of a title's words, joined by blanks: `KnownItem.title_hash`, by the rule of `identify.title_hash`."""
    return blake2b(words.encode("utf-8", "replace"), digest_size=8).digest() if words else b""


def title_hash_of(item: Item, words: str) -> bytes:
    """`title_hash` of the title as sent. words: those of the title as shown, from `search_row`."""
    return title_hash(words if item.headline is None else " ".join(tokens(item.entry.title)))


def search_row(item: Item) -> tuple[int, str, str, str]:
    """An item's words for the full-text index: id, title as shown (its tokens), text, author."""
    entry = item.entry
    author = searchable(" ".join(entry.authors)) if entry.authors else ""
    return item.id, " ".join(tokens(item.title)), searchable(item.text), author


# --- items
BACKLOG, EXCESS = 1, 2
"""Values of the column `old`: why an item brings no story into feeds (`Item.old`, `Item.excess`); 0 for all others."""


def held_back(old: bool, excess: bool) -> int:
    """The value of column `old`."""
    return EXCESS if excess else BACKLOG if old else 0


ITEM_COLUMNS = (
    "id",
    "source",
    "guid",
    "story",
    "canonical",
    "outlet",
    "outlet_key",
    "published",
    "first_seen",
    "hash",
    "language",
    "rank",
    "source_group",
    "tags",
    "aggregator",
    "undated",
    "old",
    "agency",
    "fingerprint",
    "url",
    "title",
    "entry_published",
    "entry_updated",
    "details",
    "summary",
    "content",
    "text",
    "private",
    "hidden",
    "article",
)
"""The columns that make an Item, in the order of `item_row` and `item_of`."""


def item_row(item: Item, story: int) -> tuple[Any, ...]:
    """story: its key."""
    entry = item.entry
    summary, content, text = _texts(entry)
    return (
        item.id,
        item.source,
        item.guid,
        story,
        item.canonical,
        item.outlet,
        item.outlet_key,
        item.published,
        item.first_seen,
        item.hash,
        item.language,
        item.rank,
        item.group,
        as_json(item.tags) if item.tags else None,
        item.aggregator,
        item.undated,
        held_back(item.old, item.excess),
        item.origin,
        entry.fingerprint,
        entry.url,
        entry.title,
        entry.published,
        entry.updated,
        _details(item),
        summary,
        content,
        text,
        item.private,
        item.hidden,
        item.article or None,
    )


@lru_cache(maxsize=4096)
def names_of(text: str) -> tuple[Any, ...]:
    """A tuple of names from JSON. Cached, because many rows have the same ones."""
    return tuple(json.loads(text))


def item_of(row: Row) -> Item:
    """An item from a row of ITEM_COLUMNS."""
    summary = row[24]
    content = row[25] if row[25] is not None else summary
    text = row[26] if row[26] is not None else text_of_longer(summary, content)
    details = json.loads(row[23]) if row[23] is not None else {}
    return Item(
        id=row[0],
        source=row[1],
        guid=row[2],
        entry=_entry(row, summary, content, text, details),
        canonical=row[4],
        outlet=row[5],
        outlet_key=row[6],
        published=row[7],
        first_seen=row[8],
        hash=row[9],
        language=row[10],
        rank=row[11],
        group=row[12],
        tags=names_of(row[13]) if row[13] else (),
        aggregator=bool(row[14]),
        undated=bool(row[15]),
        old=row[16] == BACKLOG,
        excess=row[16] == EXCESS,
        origin=row[17],
        private=bool(row[27]),
        second_hand="second_hand" in details,
        astray="astray" in details,
        unattributed="unattributed" in details,
        headline=details.get("headline"),
        hidden=row[28],
        article=row[29] or "",
    )


def _texts(entry: Entry) -> tuple[str, str | None, str | None]:
    """Summary, content and text. None if derived from the columns before, as nearly always: saves a third of the database."""
    content = None if entry.content == entry.summary else entry.content
    text = None if entry.text == text_of_longer(entry.summary, entry.content) else entry.text
    return entry.summary, content, text


def _entry(row: Row, summary: str, content: str, text: str, details: Mapping[str, Any]) -> Entry:
    if not details:
        return Entry(row[2], row[19], row[20], summary, content, text, row[21], row[22], fingerprint=row[18])
    origin = details.get("origin")
    return Entry(
        guid=details.get("guid", row[2]),
        url=row[19],
        title=row[20],
        summary=summary,
        content=content,
        text=text,
        published=row[21],
        updated=row[22],
        authors=tuple(details.get("authors", ())),
        categories=tuple(Category(*category) for category in details.get("categories", ())),
        enclosures=tuple(Enclosure(*enclosure) for enclosure in details.get("enclosures", ())),
        image=_picture(details["image"]) if "image" in details else None,
        language=details.get("language"),
        comments=details.get("comments"),
        origin=Origin(*origin) if origin else None,
        fingerprint=row[18],
        tags=tuple(PodcastTag(name, text, tuple(map(tuple, given))) for name, text, given in details.get("podcast", ())),
    )


def _picture(stored: str | Sequence[Any]) -> Picture:
    """From its address alone (older releases knew no more), or with its size."""
    return Picture(stored) if isinstance(stored, str) else Picture(*stored)


def _details(item: Item) -> str | None:
    """The fields that no query uses, without empty ones. `guid` only if the identity key is not the feed's own."""
    entry = item.entry
    details: dict[str, Any] = {}
    if entry.guid != item.guid:
        details["guid"] = entry.guid
    if entry.authors:
        details["authors"] = entry.authors
    if entry.categories:
        details["categories"] = [(one.term, one.scheme, one.label) for one in entry.categories]
    if entry.enclosures:
        details["enclosures"] = [(one.url, one.type, one.length, one.duration, one.title) for one in entry.enclosures]
    if (image := entry.image) is not None:
        details["image"] = (image.url, image.width, image.height) if image.width or image.height else image.url
    for name in ("language", "comments"):
        if (value := getattr(entry, name)) is not None:
            details[name] = value
    if entry.origin:
        details["origin"] = (entry.origin.title, entry.origin.url)
    if entry.tags:
        details["podcast"] = [(one.name, one.text, one.attributes) for one in entry.tags]
    if item.headline is not None:
        details["headline"] = item.headline
    for name in _FLAGS:
        if getattr(item, name):
            details[name] = 1
    return as_json(details) if details else None


_FLAGS = ("second_hand", "astray", "unattributed")
"""Set on few items, so they have no column. Items stored by older releases lack them."""


# --- evidence
def evidence_text(evidence: Evidence) -> str:
    """Evidence as a JSON list."""
    one = evidence
    nearest = (one.nearest_rule, one.nearest_agrees, one.nearest_asked) if one.nearest_rule else ()
    return as_json((one.rule, one.score, one.terms, one.partner, one.nearest, one.nearest_score, *nearest))


def evidence_of(text: str) -> Evidence:
    """Evidence from `evidence_text`."""
    rule, score, terms, *more = json.loads(text)
    return Evidence(rule, score, tuple((name, value) for name, value in terms), *more)


# --- the last document of a source
def document_bytes(listed: Mapping[ItemId, bytes]) -> bytes:
    """The items of a document with their fingerprints: 8 bytes of id, 1 of the fingerprint's length, the fingerprint, each."""
    return b"".join(item.to_bytes(8, "little") + bytes((len(mark),)) + mark for item, mark in listed.items())


def document_of(data: bytes | None) -> dict[ItemId, bytes]:
    """The items of a document with their fingerprints, from `document_bytes`."""
    listed: dict[ItemId, bytes] = {}
    at = 0
    while data and at < len(data):
        end = at + 9 + data[at + 8]
        listed[ItemId(int.from_bytes(data[at : at + 8], "little"))] = data[at + 9 : end]
        at = end
    return listed
