"""Documents as pieces that are joined: a head, entries that were each rendered once, an end.

feedgen builds each piece; what it builds is cut out of a root that declares every namespace, so that pieces carry none.
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
    """What stands around the entries of a document."""

    before: bytes
    after: bytes

    def around(self, entries: Iterable[bytes]) -> bytes:
        return b"\n".join((self.before, *entries, self.after))


def moment(instant: Instant) -> datetime:
    """An instant as feedgen wants it, in UTC."""
    return datetime.fromtimestamp(instant, UTC)


def exact(instant: Instant) -> str:
    """`2023-06-15T10:04:00.123456Z` (RFC 3339); without a fraction where there is none."""
    return moment(instant).isoformat().replace("+00:00", "Z")


def rfc822(instant: Instant) -> str:
    """`Thu, 15 Jun 2023 10:04:00 +0000`, whatever the process's locale is (RSS 2.0, RFC 822 5 with four digits)."""
    when = moment(int(instant))
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[when.weekday()]
    month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][when.month - 1]
    return f"{day}, {when.day:02} {month} {when.year:04} {when:%H:%M:%S} +0000"


def http_date(instant: Instant) -> str:
    """`Thu, 15 Jun 2023 10:04:00 GMT` (RFC 9110 5.6.7)."""
    return rfc822(instant).replace("+0000", "GMT")


def new_generator() -> FeedGenerator:
    """A generator that writes no date of its own: feedgen's is the clock, and to write one it switches the process's locale."""
    generator = FeedGenerator()
    generator._FeedGenerator__rss_lastBuildDate = None
    return generator


def serialised(root: Any) -> bytes:
    """The element as UTF-8. Ampersands are written as the RSS Advisory Board's profile has them (data types: character data).

    So readers that take a title for HTML after all, and validators, don't see an entity in "S&P500".
    """
    text: bytes = etree.tostring(root, encoding="utf-8")
    return text.replace(b"&amp;", b"&#x26;")


def frame(root: Any, closing: bytes) -> Frame:
    """Cuts a document without entries before its closing tags."""
    text = serialised(root)
    return Frame(DECLARATION + text[: text.rindex(closing)], closing + b"\n")


class Cutter:
    """Serialises entry elements without namespace declarations: inside a root that has them all."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._namespaces = dict(namespaces)

    def cut(self, element: Any) -> bytes:
        root = etree.Element("root", nsmap=self._namespaces)
        root.append(element)
        text = serialised(root)
        return text[text.index(b">") + 1 : -len(b"</root>")]
