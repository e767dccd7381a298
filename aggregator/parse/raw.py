"""Raw values: what a document says, before anything is cleaned, resolved or chosen. Every format is mapped to these.

They are plain tuples of strings, so that an entry's fingerprint can be taken of them, whichever way they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import xxhash
from msgspec import Struct, field

from aggregator.text.html import Kind

READING = 1
"""Counts up when the same raw entry is read to something else, so that entries known to older versions are read again."""


class Piece(NamedTuple):
    """A title, summary or content. base: the address that its links are relative to, where it differs from the entry's."""

    value: str
    kind: Kind
    base: str | None = None


class Link(NamedTuple):
    """rel: in lower case; "alternate" is the article, "original" what FeedBurner's detour leads to. base as in `Piece`."""

    href: str
    rel: str = "alternate"
    type: str | None = None
    base: str | None = None


class Media(NamedTuple):
    """An enclosure as it is written. length and duration are texts of numbers, the latter also as h:mm:ss."""

    url: str
    type: str | None = None
    length: str | None = None
    duration: str | None = None
    title: str | None = None


class RawEntry(NamedTuple):
    """guid as sent; permalink: the guid may be the article's address.

    links, published, updated, images: candidates, the best first. categories: (term, scheme, label).
    origin: (title, address) of the feed it was taken from.
    """

    guid: str | None = None
    permalink: bool = False
    links: tuple[Link, ...] = ()
    title: Piece | None = None
    summary: Piece | None = None
    content: Piece | None = None
    published: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[tuple[str, str | None, str | None], ...] = ()
    media: tuple[Media, ...] = ()
    images: tuple[str, ...] = ()
    language: str | None = None
    comments: str | None = None
    origin: tuple[str | None, str | None] | None = None
    base: str | None = None


class RawFeed(Struct):
    """A document's own fields and its entries, `total` of them, which are made one by one as they are asked for.

    ttl in minutes, period and frequency as written; images: candidates. dropped: counts by cap, grows while entries are made.
    """

    format: str
    entries: Iterator[RawEntry]
    total: int
    title: Piece | None = None
    links: tuple[Link, ...] = ()
    language: str | None = None
    authors: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    ttl: str | None = None
    period: str | None = None
    frequency: str | None = None
    skip_hours: tuple[str, ...] = ()
    skip_days: tuple[str, ...] = ()
    moved_to: str | None = None
    base: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def fingerprint(entry: RawEntry, seed: int) -> bytes:
    """8 bytes over everything the entry says; `seed` stands for what it takes from its document."""
    parts: list[str] = []
    _flatten(entry, parts)
    return xxhash.xxh3_64_digest("\x1f".join(parts).encode("utf-8", "surrogatepass"), seed)


def _flatten(values: Iterable[Any], parts: list[str]) -> None:
    """Strings as they are, other values and the bounds of tuples as controls, which no XML text holds."""
    for value in values:
        if value.__class__ is str:
            parts.append(value)
        elif not value:
            parts.append("\x00")
        elif value is True:
            parts.append("\x01")
        else:
            parts.append("\x02")
            _flatten(value, parts)
            parts.append("\x03")


def seed_of(*context: str | None) -> int:
    """What entries take from their document (base, authors), as a number for `fingerprint`."""
    return xxhash.xxh3_64_intdigest("\0".join(part or "" for part in (str(READING), *context)).encode("utf-8", "surrogatepass"))
