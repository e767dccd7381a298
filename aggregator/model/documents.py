"""A document as read: the feed and its entries."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from aggregator.model.names import Instant
from aggregator.model.sources import Hints


class Enclosure(Struct, frozen=True):
    """A media file. `length` in bytes, `duration` in seconds."""

    url: str
    type: str | None = None
    length: int | None = None
    duration: int | None = None
    title: str | None = None


class Category(Struct, frozen=True):
    term: str
    scheme: str | None = None
    label: str | None = None


class Origin(Struct, frozen=True):
    """The feed an entry says it was taken from (RSS `source`, `atom:source`)."""

    title: str | None = None
    url: str | None = None


class Entry(Struct, frozen=True):
    """One entry as the outlet sent it, cleaned.

    guid: the feed's own id, as sent (surrounding white space off), or None.
    url: the article, absolute http(s), or None.
    title: text, at most 500 characters, never empty when there is any text at all.
    summary, content: cleaned HTML; text: the longer of the two as text, for search and dedup.
    published, updated: None where the feed gave none or nonsense; never clamped here.
    fingerprint: 8 bytes over everything the entry was read from; the same bytes in, the same out.
    """

    guid: str | None
    url: str | None
    title: str
    summary: str = ""
    content: str = ""
    text: str = ""
    published: Instant | None = None
    updated: Instant | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image: str | None = None
    language: str | None = None
    comments: str | None = None
    origin: Origin | None = None
    fingerprint: bytes = b""


class Feed(Struct, frozen=True):
    """A document as read. `unchanged`: fingerprints of entries the caller knew already, which were not read further.

    partial: it says nothing about what it leaves out (a 226 of RFC 3229, or a push of WebSub, which may hold new entries alone).

    format: "rss 2.0", "atom 1.0", "json feed 1.1", …; dropped: counts by cap ("cap:entries", …); warnings: short clean lines.
    """

    format: str
    entries: tuple[Entry, ...]
    title: str | None = None
    url: str | None = None
    language: str | None = None
    charset: str | None = None
    image: str | None = None
    hints: Hints = Hints()
    hub: str | None = None
    self_url: str | None = None
    moved_to: str | None = None
    unchanged: tuple[bytes, ...] = ()
    partial: bool = False
    dropped: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
