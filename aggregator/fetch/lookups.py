"""Finds feeds in documents that are no web pages: answers of directories (Apple Podcasts, WebFinger), and robots.txt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from aggregator.fetch.address_rules import guess_feeds
from aggregator.text.sitemap_names import is_of_news
from aggregator.text.urls import resolve

MAX_DOCUMENT = 512 * 1024
"""Bytes that are looked at: robots.txt may have 500 KiB (RFC 9309 2.5), answers of directories are far shorter."""
MAX_FOUND = 5
"""Addresses that are returned."""
_SITEMAP = re.compile(r"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.I | re.M)
_PROFILE = "http://webfinger.net/rel/profile-page"


def named_feeds(document: bytes, url: str) -> tuple[str, ...]:
    """Absolute addresses of the feeds that a document names which is neither a feed nor a page."""
    text = document[:MAX_DOCUMENT].decode("utf-8", "replace").strip("\ufeff \t\r\n")
    found = _news_sitemaps(text, url) if urlsplit(url).path == "/robots.txt" else _in_json(text)
    absolute = (resolve(url, one) for one in found)
    return tuple(dict.fromkeys(one for one in absolute if one is not None))[:MAX_FOUND]


def _news_sitemaps(text: str, url: str) -> Iterator[str]:
    """The sitemaps of robots.txt (sitemaps.org) that call themselves those of news. The others have no headlines."""
    for found in _SITEMAP.finditer(text):
        if is_of_news(resolve(url, found[1]) or ""):
            yield found[1]


def _in_json(text: str) -> Iterator[str]:
    try:
        answer = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return
    if not isinstance(answer, dict):
        return
    for result in _maps(answer.get("results")):  # the iTunes Search API
        if isinstance(feed := result.get("feedUrl"), str):
            yield feed
    for link in _maps(answer.get("links")):  # WebFinger (RFC 7033)
        if link.get("rel") == _PROFILE and isinstance(page := link.get("href"), str):
            guess = guess_feeds(page)
            yield from guess.feeds if guess else ()


def _maps(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
