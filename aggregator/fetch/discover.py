"""The feeds that a web page offers, for a fault that helps and for `aggregator add`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from aggregator.text.urls import resolve

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

MAX_PAGE = 1024 * 1024
"""Bytes of a page that are looked at."""
MAX_FEEDS = 20
"""Feeds of a page that are named; some blogs offer one for each comment thread."""

_FEED_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/feed+json",
        "application/rdf+xml",
        "application/x-rss+xml",
        "application/rss",
        "application/atom",
        "application/json",
        "text/rss",
        "text/atom",
    }
)
_PATHS = re.compile(r"(?:/(?:feeds?|rss|atom)/?|[./](?:rss|atom|rdf)|/(?:feed|rss|atom|index)\.(?:xml|rdf|json))\Z", re.I)
_COMMENTS = re.compile(r"comment", re.I)


def offered_feeds(page: bytes, url: str) -> tuple[str, ...]:
    """Absolute addresses of the feeds that the page at `url` names, the likeliest first, at most MAX_FEEDS.

    First `link rel=alternate` of a feed's type (RSS autodiscovery, HTML 4.8.4) in page order, comment feeds last;
    where there are none, links to addresses that look like feeds.
    """
    from selectolax.lexbor import LexborHTMLParser  # here: few answers are pages

    tree = LexborHTMLParser(page[:MAX_PAGE].decode("utf-8", "replace"))
    base = _base(tree, url)
    declared = list(_declared(tree))
    declared.sort(key=lambda link: bool(_COMMENTS.search(link[0] + link[1])))
    hrefs = [href for href, _ in declared] or list(_linked(tree, base))
    found = (resolve(base, href) for href in hrefs)
    unique = dict.fromkeys(address for address in found if address is not None and address != url)
    return tuple(unique)[:MAX_FEEDS]


def _base(tree: LexborHTMLParser, url: str) -> str:
    node = tree.css_first("base[href]")
    href = node.attributes.get("href") if node is not None else None
    return resolve(url, href) or url if href else url


def _declared(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """(href, title) of the links that say they are feeds."""
    for node in tree.css("link[href]"):
        rel = (node.attributes.get("rel") or "").lower().split()
        kind = (node.attributes.get("type") or "").partition(";")[0].strip().lower()
        href = node.attributes.get("href") or ""
        named = kind in _FEED_TYPES and (kind != "application/json" or "feed" in href.lower())
        if ("alternate" in rel and named) or "feed" in rel:
            yield href, node.attributes.get("title") or ""


def _linked(tree: LexborHTMLParser, base: str) -> Iterator[str]:
    """Links of the page's own site whose address looks like a feed's."""
    for node in tree.css("a[href]"):
        href = node.attributes.get("href") or ""
        try:
            parts = urlsplit(urljoin(base, href))
            own = parts.hostname == urlsplit(base).hostname
        except ValueError:
            continue
        if own and _PATHS.search(parts.path):
            yield href
