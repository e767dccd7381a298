"""The feeds that a web page offers: `<link rel="alternate">` with a feed's type (RSS autodiscovery, WHATWG HTML 4.6.7.1)."""

from __future__ import annotations

import html
import re

from aggregator.text import urls

_FEED_TYPES = frozenset(
    (
        "application/rss+xml",
        "application/atom+xml",
        "application/feed+json",
        "application/json",
        "application/rdf+xml",
        "text/xml",
        "application/xml",
    )
)
_LOOKED_AT = 400_000
"""Characters of the page; links are in its head."""
_MOST = 20
_TAG = re.compile(r"<(link|base)\b([^<>]{1,2000})>", re.I)
_ATTRIBUTE = re.compile(r"""([a-z]{2,12})\s{0,5}=\s{0,5}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)


def feeds_offered(page: str, url: str) -> tuple[str, ...]:
    """Absolute addresses, in the page's order, those of comments last. Never raises."""
    base = url
    found: dict[str, None] = {}
    comments: dict[str, None] = {}
    for tag in _TAG.finditer(page[:_LOOKED_AT]):
        given = {name.lower(): html.unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(tag[2])}
        if tag[1].lower() == "base":
            base = urls.resolve(url, given.get("href")) or base
        elif "alternate" in given.get("rel", "").lower().split() and given.get("type", "").strip().lower() in _FEED_TYPES:
            address = urls.resolve(base, given.get("href"))
            if address and not ("oembed" in address or "/wp-json/" in address):
                (comments if "comments" in (given.get("title", "") + address).lower() else found).setdefault(address)
    return tuple([*found, *comments][:_MOST])
