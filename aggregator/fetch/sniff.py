"""Tells a web page from a feed by the first bytes of a body. Reading the feed is the parser's work."""

from __future__ import annotations

import re

_HEAD = 4096
"""Bytes that are looked at: the first lines of a page are enough."""
_SKIP = re.compile(rb"(?:\s+|\xef\xbb\xbf|<\?xml[^>]*\?>|<!--.*?-->)*", re.S)
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|script|h1|div|center|p)\b", re.I)
_FEED = re.compile(rb"<(?:[a-z0-9]+:)?(?:rss|feed|rdf)[\s>]|\"version\"\s*:\s*\"https?://jsonfeed", re.I)


def is_blank(body: bytes) -> bool:
    """True if there is nothing but white space and byte order marks."""
    return not body[:_HEAD].strip(b" \t\r\n\0\xef\xbb\xbf\xfe\xff") and not body.strip(b" \t\r\n\0\xef\xbb\xbf\xfe\xff")


def is_page(body: bytes, content_type: str) -> bool:
    """True for an HTML page that is no feed. The content decides; its Content-Type counts only if that is unclear."""
    head = body[:_HEAD]
    start = _SKIP.match(head)
    rest = head[start.end() :] if start else head
    if _PAGE.match(rest):
        return not _FEED.search(head)
    labelled = content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")
    return labelled and rest.startswith(b"<") and not _FEED.search(head)
