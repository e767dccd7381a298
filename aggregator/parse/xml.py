"""The fast path: well-formed RSS, RDF and Atom through lxml. Bounded by libxml2's own limits (depth 256, texts of 10 MB)."""

from __future__ import annotations

import re

from lxml import etree

from aggregator.parse import atom, rss
from aggregator.parse.raw import RawFeed
from aggregator.parse.vocabulary import ATOM, ATOM_03, RSS_10
from aggregator.text.xml import make_parser

_UNDECLARED_PREFIX = 201
"""libxml2's XML_NS_ERR_UNDEFINED_NAMESPACE: a name that means what everybody means by it."""
_NO_FILE = re.compile(r" \(<string>, line \d+\)$")


class NotWellFormed(Exception):
    """lxml can't read it. The text is the parser's, which may quote the document."""


def parse(data: bytes) -> etree._Element:
    """The root of UTF-8 bytes without a DOCTYPE. Prefixes that were never declared are let through.

    Raises NotWellFormed, and MemoryError where libxml2 got none.
    """
    try:
        return etree.fromstring(data, make_parser(recover=False))
    except (etree.XMLSyntaxError, ValueError) as error:
        if getattr(error, "code", 0) == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        if "Namespace" not in str(error):
            raise NotWellFormed(_told(error)) from None
        problem = _told(error)
    return _with_undeclared_prefixes(data, problem)


def _told(error: Exception) -> str:
    """The parser's words, without the name of the file that it had none of."""
    return _NO_FILE.sub("", str(error))


def _with_undeclared_prefixes(data: bytes, problem: str) -> etree._Element:
    """Recovered, if nothing else is wrong with it."""
    parser = make_parser(recover=True)
    root = _recovered(data, parser)
    if root is None or any(entry.type != _UNDECLARED_PREFIX for entry in parser.error_log):
        raise NotWellFormed(problem)
    return root


def recovered_feed(data: bytes) -> RawFeed | None:
    """What libxml2 makes of broken XML: the last resort."""
    root = _recovered(data, make_parser(recover=True))
    return None if root is None else raw_feed(root, b"xml:base" in data)


def _recovered(data: bytes, parser: etree.XMLParser) -> etree._Element | None:
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def raw_feed(root: etree._Element, with_base: bool) -> RawFeed | None:
    """The document as raw values, or None where its root is none of a feed's."""
    address, _, name = root.tag[1:].partition("}") if root.tag[0] == "{" else ("", "", root.tag)
    match name.rpartition(":")[2].lower():
        case "feed" | "entry" if address in (ATOM, ATOM_03) or _adopted(root, address):
            return atom.read(root, with_base)
        case "rss" | "channel":
            return rss.read(root, address, with_base)
        case "rdf":
            return rss.read(root, address, with_base) if _is_rss(root) else None
        case _:
            return None


def _adopted(root: etree._Element, address: str) -> bool:
    """Whether it is Atom under no namespace, or a wrong one; its elements are put into the right one then."""
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
    """RDF that holds a channel or items, or that is empty and has RSS 1.0 as its default namespace."""
    named = any(str(child.tag).rpartition("}")[2].lower() in ("channel", "item") for child in root)
    return named or (len(root) == 0 and root.nsmap.get(None) == RSS_10)
