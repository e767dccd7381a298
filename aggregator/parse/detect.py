"""Detects a document's format from its content. Content types and file suffixes of feeds are wrong too often."""

from __future__ import annotations

from msgspec import Struct

from aggregator.model import Fault, FaultKind
from aggregator.text.prolog import Prolog, read_prolog

_OTHERS = {
    "opml": "an OPML list of feeds: take it in with `aggregator import`, or as `opml:` in the config",
    "svg": "a picture (SVG), not a feed",
    "wsdl": "a service description, not a feed",
    "error": "an error message in XML, not a feed",
    "opensearchdescription": "a search description, not a feed",
}
_HTML_ROOTS = frozenset(
    ("html", "head", "body", "div", "script", "meta", "p", "table", "center", "h1", "title", "link", "style", "br")
)


class Found(Struct, frozen=True):
    """A document that may be a feed: JSON, or XML with its prolog."""

    json: bool
    prolog: Prolog

    @property
    def is_sitemap(self) -> bool:
        return self.prolog.root.lower() in ("urlset", "sitemapindex")


def kind_of(data: bytes) -> Found | Fault:
    """The format of UTF-8 bytes. Web pages, CDF, OPML, and other non-feeds give a fault that says what they are."""
    head = data.lstrip(b"\xef\xbb\xbf \t\r\n\x0b\x0c\x00")
    if not head:
        return Fault(FaultKind.EMPTY, "an empty document")
    if head[:1] == b"{":
        return Found(True, Prolog(0, "", -1))
    if head[:1] == b"[":
        return Fault(FaultKind.NOT_A_FEED, "a JSON list, not a feed")
    if head[:2] in (b"//", b"/*"):
        return Fault(FaultKind.PARSE, "broken JSON: it begins with a comment")
    prolog = read_prolog(data)
    root = prolog.root.lower()
    if root in ("rss", "feed", "rdf") or (root == "entry" and not prolog.html):
        return Found(False, prolog)
    if prolog.html or root in _HTML_ROOTS:
        return _page(data)
    if prolog.root.lower() == "channel" and b"href=" in data[prolog.at : prolog.at + 300].split(b">")[0].lower():
        return Fault(FaultKind.NOT_A_FEED, "a Channel Definition Format document, which is out of scope")
    if root in _OTHERS:
        return Fault(FaultKind.NOT_A_FEED, _OTHERS[root])
    if not root:
        return Fault(FaultKind.NOT_A_FEED, "neither XML nor JSON")
    return Found(False, prolog)


def _page(data: bytes) -> Fault:
    """The fault for a web page that arrived in place of a feed."""
    words = "a web page, not a feed"
    if b"h-feed" in data or b"hentry" in data:
        words += "; it is marked up as an h-feed, which is out of scope"
    return Fault(FaultKind.HTML, words)
