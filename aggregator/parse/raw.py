"""Raw values: the content of a document before anything is cleaned, resolved, or chosen. Every format is mapped to these.

They are tuples of strings, so that an entry's fingerprint is the same whichever parser read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import xxhash
from msgspec import Struct, field

from aggregator.text.html import Kind

READER_VERSION = 3
"""Version of the reader. Raise it when raw entries give other entries than before, so that known ones are read again."""


class Piece(NamedTuple):
    """A title, summary, or content. base: what its links are relative to, if it differs from the entry's base."""

    value: str
    kind: Kind
    base: str | None = None


class Link(NamedTuple):
    """A link. rel: in lower case; "alternate" is the article, "original" where FeedBurner redirects to. base: as in `Piece`.

    as_registered: False if rel was written in capitals.
    """

    href: str
    rel: str = "alternate"
    type: str | None = None
    base: str | None = None
    as_registered: bool = True


class Media(NamedTuple):
    """An enclosure as written. length: digits; duration: seconds or h:mm:ss."""

    url: str
    type: str | None = None
    length: str | None = None
    duration: str | None = None
    title: str | None = None


class Candidate(NamedTuple):
    """A picture as written. preview: it stands for something else (a thumbnail, a podcast's cover), so it may be small."""

    url: str
    width: str | None = None
    height: str | None = None
    preview: bool = False


class RawTag(NamedTuple):
    """A tag of a podcast episode as written. name: with its prefix (`itunes:episode`)."""

    name: str
    text: str
    attributes: tuple[tuple[str, str], ...] = ()


class RawEntry(NamedTuple):
    """An entry as written. guid: as sent; permalink: whether the guid may be the article's address.

    links, published, updated, images: candidates, best first. categories: (term, scheme, label).
    origin: (title, address) of the feed that the entry was copied from.
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
    images: tuple[Candidate, ...] = ()
    language: str | None = None
    comments: str | None = None
    origin: tuple[str | None, str | None] | None = None
    base: str | None = None
    tags: tuple[RawTag, ...] = ()


class ListedSitemap(NamedTuple):
    """A sitemap that an index lists, as written. changed: its `lastmod`."""

    url: str
    changed: str | None = None


class RawFeed(Struct):
    """A document's own fields, and what its entries are made of.

    parts: elements or objects, one for each entry; make: makes the entry of a part; digest: gives 8 bytes over a part and a seed,
    the same only if the entry made of it is the same. None if the format or what the document uses rules that out.
    ttl (minutes), period, and frequency are as written. images: candidates. dropped: counts by cap; grows as entries are read.
    sitemaps: those that a sitemap index lists.
    """

    format: str
    parts: Sequence[Any]
    make: Callable[[Any], RawEntry]
    digest: Callable[[Any, int], bytes] | None = None
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
    sitemaps: tuple[ListedSitemap, ...] = ()

    @property
    def entries(self) -> Iterator[RawEntry]:
        return map(self.make, self.parts)


FINGERPRINT_BYTES = 8
"""Bytes of a hash of an entry's values. An `Entry.fingerprint` begins with it; the digest of its part may follow."""
_TAGS = RawEntry._fields.index("tags")
"""Where tags stand: last. An entry without any has the fingerprint that it had in releases that knew no tags."""


def fingerprint(entry: RawEntry, seed: int) -> bytes:
    """A hash of the entry's values, of FINGERPRINT_BYTES. seed: from `seed_of`, for what the entry inherits from its document."""
    parts: list[str] = []
    _flatten(entry if entry.tags else entry[:_TAGS], parts)
    return xxhash.xxh3_64_digest("\x1f".join(parts).encode("utf-8", "surrogatepass"), seed)


def _flatten(values: Iterable[Any], parts: list[str]) -> None:
    """Flattens nested tuples. Control characters, which XML text can't contain, stand for other values and tuple bounds."""
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
    """A hash of what entries inherit from their document (base, authors), for `fingerprint`."""
    return xxhash.xxh3_64_intdigest(
        "\0".join(part or "" for part in (str(READER_VERSION), *context)).encode("utf-8", "surrogatepass")
    )
