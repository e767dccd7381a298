"""A parsed document: the feed and its entries."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from aggregator.model.ids import Instant
from aggregator.model.sources import Hints


class Enclosure(Struct, frozen=True):
    """A media file. `length` in bytes, `duration` in seconds."""

    url: str
    type: str | None = None
    length: int | None = None
    duration: int | None = None
    title: str | None = None


class Picture(Struct, frozen=True):
    """A picture. width, height: in pixels, None if unknown."""

    url: str
    width: int | None = None
    height: int | None = None


class Category(Struct, frozen=True):
    term: str
    scheme: str | None = None
    label: str | None = None


class Origin(Struct, frozen=True):
    """The feed an entry says it was taken from (RSS `source`, `atom:source`)."""

    title: str | None = None
    url: str | None = None


class PodcastTag(Struct, frozen=True):
    """A tag of a podcast episode that is passed on (text/podcasts.py). name: with its prefix (`itunes:episode`)."""

    name: str
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


class Entry(Struct, frozen=True):
    """An entry as the outlet sent it, cleaned.

    guid: the feed's own id, as sent but without surrounding white space, or None.
    url: the article, absolute http(s), or None.
    title: text, at most 500 characters; empty only if the entry has no text at all.
    summary, content: cleaned HTML; text: the longer of the two as text, for search and dedup.
    published, updated: None if the feed gave none or nonsense; not clamped here.
    image: the picture that the feed names for it; those in its text are not looked for (model/pictures.py does that).
    fingerprint: 8 bytes over everything that the entry was parsed from; if that was XML, 8 more over its element.
    tags: of a podcast's episode.
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
    image: Picture | None = None
    language: str | None = None
    comments: str | None = None
    origin: Origin | None = None
    fingerprint: bytes = b""
    tags: tuple[PodcastTag, ...] = ()


class Feed(Struct, frozen=True):
    """A parsed document. unchanged: fingerprints of entries that the caller knew already, which were not parsed further.

    partial: entries that it doesn't hold are not gone (a 226 of RFC 3229, or a WebSub push, may hold new entries only).
    format: "rss 2.0", "atom 1.0", "json feed 1.1", …; dropped: counts by cap ("cap:entries", …); warnings: short clean lines.
    sitemaps: addresses of the documents whose entries are those of a sitemap index.
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
    sitemaps: tuple[str, ...] = ()
