"""Finds the feeds that a web page offers, for fault messages and `aggregator add`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urljoin, urlsplit

from aggregator.fetch.address_rules import guess_feeds
from aggregator.text.markup import attributes, tags
from aggregator.text.urls import resolve

_Link = tuple[str, str, dict[str, str]]
"""(name, href, all attributes)"""
MAX_PAGE = 1024 * 1024
"""Bytes of a page that are looked at."""
MAX_LINKS = 10_000
"""Links of a page that are looked at."""
MAX_FEEDS = 20
"""Feeds of a page that are returned; some blogs offer one for each comment thread."""

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
    """Absolute addresses of the feeds that the page at `url` offers, the most likely first, at most MAX_FEEDS.

    These are its `link rel=alternate` of a feed type (RSS autodiscovery) in page order, comment feeds last. If there are
    none: where the feed of its canonical address should be (a YouTube page names its channel there), else links to addresses
    that look like feeds.
    """
    links = _links(page[:MAX_PAGE].decode("utf-8", "replace"))
    base = next((resolve(url, href) or url for name, href, _ in links if name == "base" and href), url)
    declared = list(_declared(links))
    declared.sort(key=lambda link: bool(_COMMENTS.search(link[0] + link[1])))
    hrefs = [href for href, _ in declared] or list(_of_canonical(links, base)) or list(_linked(links, base))
    found = (resolve(base, href) for href in hrefs)
    unique = dict.fromkeys(address for address in found if address is not None and address != url)
    return tuple(unique)[:MAX_FEEDS]


def _links(page: str) -> list[_Link]:
    """The page's `base`, `link` and `a`. No tree is built: a hostile page could make that take a gigabyte."""
    found = []
    for tag in tags(page):
        if tag.name in ("a", "base", "link") and not tag.is_end and "href" in tag.attributes.lower():
            given = attributes(tag.attributes)
            if "href" in given:
                found.append((tag.name, given["href"], given))
        if len(found) >= MAX_LINKS:
            break
    return found


def _declared(links: Iterable[_Link]) -> Iterator[tuple[str, str]]:
    """(href, title) of the links declared as feeds."""
    for name, href, given in links:
        rel = given.get("rel", "").lower().split()
        kind = given.get("type", "").partition(";")[0].strip().lower()
        named = kind in _FEED_TYPES and (kind != "application/json" or "feed" in href.lower())
        if name == "link" and (("alternate" in rel and named) or "feed" in rel):
            yield href, given.get("title", "")


def _of_canonical(links: Iterable[_Link], base: str) -> tuple[str, ...]:
    """Feeds that an address rule finds for the page's canonical address (RFC 6596)."""
    canonical = next((href for name, href, given in links if name == "link" and _is_canonical(given)), None)
    guess = guess_feeds(resolve(base, canonical) or "", any_site=False) if canonical else None
    return guess.feeds if guess else ()


def _is_canonical(given: dict[str, str]) -> bool:
    return "canonical" in given.get("rel", "").lower().split()


def _linked(links: Iterable[_Link], base: str) -> Iterator[str]:
    """Links within the site whose address looks like a feed's."""
    for name, href, _ in links:
        if name != "a":
            continue
        try:
            parts = urlsplit(urljoin(base, href))
            own = parts.hostname == urlsplit(base).hostname
        except ValueError:
            continue
        if own and _PATHS.search(parts.path):
            yield href
