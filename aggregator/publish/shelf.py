"""Prepared answers: path → bytes, validators, and headers in every content coding, made once for each change."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import brotli
import xxhash
from msgspec import Struct, field

from aggregator.publish.formats.fragments import http_date

CODINGS = ("br", "gzip", "identity")
"""In order of preference among equal weights, smallest first."""
_GZIP_LEVEL = 6
_BROTLI_QUALITY = 5
"""Takes about as long as gzip and is a tenth smaller. The best quality takes a second for a large feed."""
_WORTH_CODING = 200
"""Bytes below which a coding saves less than its header costs."""
_TEXT = re.compile(r"text/|application/(?:atom|rss|feed|json|xml|opml)|\+xml")


class Representation(Struct, frozen=True):
    """A document in one content coding. headers: of a 200; kept: of a 304 (RFC 9110 15.4.5); both as ASGI takes them."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...]
    kept: tuple[tuple[bytes, bytes], ...]


class Prepared(Struct):
    """A document that is ready to be sent. Each coding is made once, on first use.

    modified: when its bytes last changed, in whole seconds. token: None for public documents. extra: further headers.
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
        """Whether both have the same bytes and headers, except for `modified`."""
        mine = (self.digest, self.type, self.cache, self.token, self.extra)
        return mine == (other.digest, other.type, other.cache, other.token, other.extra)

    @property
    def codings(self) -> tuple[str, ...]:
        """The codings that are worthwhile for this document."""
        return CODINGS if len(self.body) > _WORTH_CODING and _TEXT.search(self.type) else ("identity",)

    def ready(self, coding: str) -> Representation | None:
        return self._made.get(coding)

    def make(self, coding: str) -> Representation:
        """The representation in a coding. The first call compresses, which takes tens of milliseconds for a large feed."""
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
    """A 128-bit hash of the bytes, used in ETags."""
    return xxhash.xxh3_128_hexdigest(body)


def _raw(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items())


class Moved(Struct, frozen=True):
    """A document that has moved permanently (301). token: as in `Prepared`."""

    to: str
    token: str | None = None


class Gone(Struct, frozen=True):
    """A document that was removed permanently (410)."""


GONE = Gone()
Answer: TypeAlias = Prepared | Moved | Gone
Knows: TypeAlias = Callable[[str], bool]
"""Tells whether a request knows a token."""


def answer_nothing(path: str, knows: Knows) -> Answer | None:
    """The on-demand answer of a shelf before anything is published: None."""
    return None


Key: TypeAlias = tuple[str, bool]
"""A path, and whether it is of the document that only a holder of its token gets there."""


class Shelf:
    """Path → document. The server reads while the publisher writes; each write swaps one reference.

    on_demand: answers for paths that are not on the shelf. It may take milliseconds and is called in threads. Without the
    token of a private document it looks nothing up, so that its timing does not reveal whether the document exists.

    is_filled: whether what is not here is not published; until a node has loaded anything, nobody is told that.
    """

    is_seen_at_once = True
    """Whether what is put is seen at once, or by `show`."""

    def __init__(self) -> None:
        self.is_filled = True
        self._documents: dict[str, Prepared] = {}
        self._whole: dict[str, Prepared] = {}
        self._away: Mapping[str, Moved | Gone] = {}
        self.on_demand: Callable[[str, Knows], Answer | None] = answer_nothing

    def recall(self) -> None:
        """Takes up what an earlier process published. Here nothing outlives the process."""

    def show(self) -> None:
        """Shows what was put, dropped and put away. Here that was seen at once."""

    def get(self, path: str) -> Prepared | None:
        return self._documents.get(path)

    def put(self, path: str, document: Prepared) -> None:
        self._documents[path] = document

    def drop(self, path: str) -> None:
        self._documents.pop(path, None)

    def whole(self, path: str) -> Prepared | None:
        """The document that a holder of its token gets in place of the public one."""
        return self._whole.get(path)

    def put_whole(self, path: str, document: Prepared | None) -> None:
        """Sets that document, or removes it if None."""
        if document is None:
            self._whole.pop(path, None)
        else:
            self._whole[path] = document

    def paths(self) -> Iterator[str]:
        return iter(tuple(self._documents))

    def put_away(self, paths: Mapping[str, Moved | Gone]) -> None:
        """Replaces the answers for feeds that were renamed or are no longer published."""
        self._away = paths

    def away(self, path: str) -> Moved | Gone | None:
        return self._away.get(path)

    def answers(self) -> dict[Key, Answer]:
        """All that is answered, but for what is made on demand."""
        found: dict[Key, Answer] = {(path, False): answer for path, answer in self._away.items()}
        found |= {(path, False): document for path, document in self._documents.items()}
        return found | {(path, True): document for path, document in self._whole.items()}

    def apply(self, changes: Mapping[Key, Answer | None]) -> None:
        """Puts these answers in place of what there is, and drops those that are None."""
        away = dict(self._away)
        for (path, is_whole), answer in changes.items():
            if is_whole:
                self.put_whole(path, answer if isinstance(answer, Prepared) else None)
                continue
            away.pop(path, None)
            if isinstance(answer, Prepared):
                self.put(path, answer)
                continue
            if answer is not None:
                away[path] = answer
            self.drop(path)
        self.put_away(away)
