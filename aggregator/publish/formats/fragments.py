"""Assembles documents from pieces: a head, entries that were each rendered once, and an end.

feedgen builds each piece. An entry is cut out of a root that declares every namespace, so that it carries no declarations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree
from msgspec import Struct

from aggregator.model import Instant

DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


class Frame(Struct, frozen=True):
    """The bytes before and after the entries of a document."""

    before: bytes
    after: bytes

    def around(self, entries: Iterable[bytes]) -> bytes:
        return b"\n".join((self.before, *entries, self.after))


def to_datetime(instant: Instant) -> datetime:
    """An instant as the UTC datetime that feedgen takes."""
    return datetime.fromtimestamp(instant, UTC)


def rfc3339_exact(instant: Instant) -> str:
    """`2023-06-15T10:04:00.123456Z` (RFC 3339), without a fraction if it is zero."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")


def rfc822(instant: Instant) -> str:
    """`Thu, 15 Jun 2023 10:04:00 +0000` in any locale (RFC 822 5 with a four-digit year, as RSS 2.0 allows)."""
    when = to_datetime(int(instant))
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[when.weekday()]
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][when.month - 1]
    return f"{day}, {when.day:02} {month} {when.year:04} {when:%H:%M:%S} +0000"


def http_date(instant: Instant) -> str:
    """`Thu, 15 Jun 2023 10:04:00 GMT` (RFC 9110 5.6.7)."""
    return rfc822(instant).replace("+0000", "GMT")


def new_generator() -> FeedGenerator:
    """A generator without a build date. feedgen would take it from the clock and switch the process's locale to format it."""
    generator = FeedGenerator()
    generator._FeedGenerator__rss_lastBuildDate = None
    return generator


def serialised(root: Any) -> bytes:
    """The element as UTF-8, with ampersands as `&#x26;` (RSS Advisory Board's profile, data types: character data).

    Readers that treat a title as HTML, and validators, then see no entity in "S&P500".
    """
    text: bytes = etree.tostring(root, encoding="utf-8")
    return text.replace(b"&amp;", b"&#x26;")


def frame(root: Any, closing: bytes) -> Frame:
    """Cuts a document without entries before its closing tags."""
    text = serialised(root)
    return Frame(DECLARATION + text[: text.rindex(closing)], closing + b"\n")


class Cutter:
    """Serialises entry elements without namespace declarations by placing them in a root that declares them all."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = dict(namespaces)

    def cut(self, element: Any) -> bytes:
        root = etree.Element("root", nsmap=self._namespaces)
        root.append(element)
        text = serialised(root)
        return text[text.index(b">") + 1 : -len(b"</root>")]
