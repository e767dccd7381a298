"""The fast path: reads well-formed RSS, RDF, Atom and sitemaps with lxml, within libxml2's limits (depth 256, texts of 10 MB)."""

from __future__ import annotations

import re

from lxml import etree

from aggregator.parse import atom, rss, sitemap
from aggregator.parse.raw import RawFeed
from aggregator.parse.vocabulary import ATOM, ATOM_03, RSS_10
from aggregator.text.xml import make_parser

_UNDECLARED_PREFIX = 201
"""libxml2's XML_NS_ERR_UNDEFINED_NAMESPACE. Such a prefix is taken for its usual namespace."""
_POSITION = re.compile(r" \(<string>, line \d+\)$")


class NotWellFormed(Exception):
    """lxml can't parse the document. The message is the parser's and may quote the document."""


def parse(data: bytes) -> etree._Element:
    """Parses UTF-8 bytes without a DOCTYPE and returns the root. Undeclared prefixes are accepted.

    Raises NotWellFormed, and MemoryError if libxml2 ran out of memory.
    """
    try:
        return etree.fromstring(data, make_parser(recover=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        if getattr(error, "code", 0) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        if "Namespace" not in str(error):
            raise NotWellFormed(_message(error)) from None
        problem = _message(error)
    return _with_undeclared_prefixes(data, problem)


def _message(error: Exception) -> str:
    """The parser's message without the position that lxml appends."""
    return _POSITION.sub("", str(error))


def _with_undeclared_prefixes(data: bytes, problem: str) -> etree._Element:
    """Parses a document again in recovery mode. Raises NotWellFormed if anything but undeclared prefixes is wrong with it."""
    parser = make_parser(recover=True)
    root = _recovered(data, parser)
    if root is None or any(entry.type != _UNDECLARED_PREFIX for entry in parser.error_log):
        raise NotWellFormed(problem)
    return root


def recovered_feed(data: bytes) -> RawFeed | None:
    """Reads broken XML by libxml2's recovery, as a last resort."""
    root = _recovered(data, make_parser(recover=True))
    return None if root is None else raw_feed(root, b"xml:base" in data)


def _recovered(data: bytes, parser: etree.XMLParser) -> etree._Element | None:
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def raw_feed(root: etree._Element, with_base: bool) -> RawFeed | None:
    """The raw values of a document, or None if its root is not that of a feed."""
    address, _, name = root.tag[1:].partition("}") if root.tag[0] == "{" else ("", "", root.tag)
    match name.rpartition(":")[2].lower():
        case "feed" | "entry" if address in (ATOM, ATOM_03) or _adopt_atom(root, address):
            return atom.read(root, with_base)
        case "rss" | "channel":
            return rss.read(root, address, with_base)
        case "rdf":
            return rss.read(root, address, with_base) if _is_rss(root) else None
        case "urlset":
            return sitemap.read(root, address)
        case "sitemapindex":
            return sitemap.read_index(root, address)
        case _:
            return None


def _adopt_atom(root: etree._Element, address: str) -> bool:
    """Whether the document is Atom with no namespace or a wrong one. If so, moves its elements into Atom's namespace."""
    if not any(str(child.tag).rpartition("}")[2] in ("entry", "title", "id", "updated") for child in root):
        return False
    wrong = f"{{{address}}}" if address else ""
    for element in root.iter():
        tag = str(element.tag)
        name = tag[len(wrong) :]
        if tag.startswith(wrong) and name[0] != "{" and ":" not in name:
            element.tag = f"{{{ATOM}}}{name}"
    return True


def _is_rss(root: etree._Element) -> bool:
    """Whether RDF has a channel or items, or is empty with RSS 1.0 as its default namespace."""
    named = any(str(child.tag).rpartition("}")[2].lower() in ("channel", "item") for child in root)
    return named or (len(root) == 0 and root.nsmap.get(None) == RSS_10)
