"""Prepared answers: for each path the bytes, validators and headers of every content coding, made once for each change."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import brotli
import xxhash
from msgspec import Struct, field

from aggregator.publish.fragments import http_date

CODINGS = ("br", "gzip", "identity")
"""In the order of preference among equal weights: the smallest first."""
_GZIP_LEVEL = 6
_BROTLI_QUALITY = 5
"""About gzip's time and a tenth smaller; the best quality takes a second for a large feed."""
_WORTH_CODING = 200
"""Bytes below which a coding saves less than its header costs."""
_TEXT = re.compile(r"text/|application/(?:atom|rss|feed|json|xml|opml)|\+xml")


class Representation(Struct, frozen=True):
    """One content coding of a document. headers: all of a 200; kept: those of a 304 (RFC 9110 15.4.5). In ASGI's form."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...]
    kept: tuple[tuple[bytes, bytes], ...]


class Prepared(Struct):
    """A document that is ready to be sent. Codings are made when first asked for, and once.

    modified: when its bytes last changed, whole seconds. token: None for public documents. extra: further headers.
    """

    type: str
    body: bytes
    modified: int
    cache: str
    token: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    _made: dict[str, Representation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.digest:
            self.digest = digest(self.body)

    def is_as(self, other: Prepared) -> bool:
        """Whether the other would be answered with the same bytes and headers, `modified` aside."""
        mine = (self.digest, self.type, self.cache, self.token, self.extra)
        return mine == (other.digest, other.type, other.cache, other.token, other.extra)

    @property
    def codings(self) -> tuple[str, ...]:
        """The codings that this document is worth having in."""
        return CODINGS if len(self.body) > _WORTH_CODING and _TEXT.search(self.type) else ("identity",)

    def ready(self, coding: str) -> Representation | None:
        return self._made.get(coding)

    def make(self, coding: str) -> Representation:
        """The representation in a coding; compresses if nobody asked before (up to tens of milliseconds for a large feed)."""
        made = self._made.get(coding)
        if made is None:
            made = self._made[coding] = self._represent(coding)
        return made

    def _represent(self, coding: str) -> Representation:
        body, suffix = self.body, ""
        if coding == "gzip":
            body, suffix = gzip.compress(self.body, _GZIP_LEVEL, mtime=0), "-gzip"
        elif coding == "br":
            body, suffix = brotli.compress(self.body, quality=_BROTLI_QUALITY), "-br"
        etag = f'"{self.digest}{suffix}"'
        validators = {
            "etag": etag,
            "last-modified": http_date(self.modified),
            "cache-control": self.cache,
            "vary": "Accept-Encoding" if self.token is None else "Accept-Encoding, Authorization",
            "x-content-type-options": "nosniff",
            **({"access-control-allow-origin": "*"} if self.token is None else {}),
            **self.extra,
        }
        content = {"content-type": self.type, "content-length": str(len(body))}
        if coding != "identity":
            content["content-encoding"] = coding
        return Representation(body, etag, _raw(content | validators), _raw(validators))


def digest(body: bytes) -> str:
    """What an ETag is made of: 128 bits over the bytes."""
    return xxhash.xxh3_128_hexdigest(body)


def _raw(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items())


class Moved(Struct, frozen=True):
    """A document that is to be found elsewhere for good (301). token: as in `Prepared`."""

    to: str
    token: str | None = None


class Gone(Struct, frozen=True):
    """A document that was taken away for good (410)."""


GONE = Gone()
Answer: TypeAlias = Prepared | Moved | Gone
Knows: TypeAlias = Callable[[str], bool]
"""Whether a request proves that it knows a token."""


def nothing_late(path: str, knows: Knows) -> Answer | None:
    """What a shelf answers late before anything is published."""
    return None


class Shelf:
    """Path → document. Read by the server while the publisher puts: each put swaps one reference.

    late: answers for what is not on the shelf; it may take milliseconds and is called in threads. It looks nothing up for a
    request that does not know the token of what it asks for, so that this takes no longer than an address that nobody has.
    """

    def __init__(self) -> None:
        self._documents: dict[str, Prepared] = {}
        self._whole: dict[str, Prepared] = {}
        self._away: Mapping[str, Moved | Gone] = {}
        self.late: Callable[[str, Knows], Answer | None] = nothing_late

    def get(self, path: str) -> Prepared | None:
        return self._documents.get(path)

    def put(self, path: str, document: Prepared) -> None:
        self._documents[path] = document

    def drop(self, path: str) -> None:
        self._documents.pop(path, None)

    def whole(self, path: str) -> Prepared | None:
        """What a holder of its token gets in place of the public document."""
        return self._whole.get(path)

    def put_whole(self, path: str, document: Prepared | None) -> None:
        """None: there is none any more."""
        if document is None:
            self._whole.pop(path, None)
        else:
            self._whole[path] = document

    def paths(self) -> Iterator[str]:
        return iter(tuple(self._documents))

    def put_away(self, paths: Mapping[str, Moved | Gone]) -> None:
        """Replaces what is known of feeds that were renamed or are not published any more."""
        self._away = paths

    def away(self, path: str) -> Moved | Gone | None:
        return self._away.get(path)
