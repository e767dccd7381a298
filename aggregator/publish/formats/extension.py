"""feedgen extensions that add elements which feedgen can't write itself, to feeds and entries of both XML formats.

In RSS, feedgen 1.0 writes one link, without `rel` and `type`, and no `updated`; in Atom, a source has only title and link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.util import xml_elem
from lxml import etree
from msgspec import Struct, field

ATOM = "http://www.w3.org/2005/Atom"
NAMESPACES = {
    "media": "http://search.yahoo.com/mrss/",
    "fh": "http://purl.org/syndication/history/1.0",
}
RSS_NAMESPACES = {
    "atom": ATOM,
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    **NAMESPACES,
}
PODCASTS = {
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
}
"""Declared where they are used, so that a feed without podcasts is none in the eyes of validators."""
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class Node(Struct):
    """An element to add. name: with its prefix (`media:thumbnail`); the prefix `atom:` is left out in Atom documents."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    children: tuple[Node, ...] = ()


def append(parent: Any, node: Node, *, atom: bool) -> None:
    """Adds an element and its children to an lxml element."""
    prefix, _, local = node.name.rpartition(":")
    bare = not prefix or (atom and prefix == "atom")
    if prefix in PODCASTS:
        element = etree.SubElement(parent, f"{{{PODCASTS[prefix]}}}{local}", dict(node.attributes), {prefix: PODCASTS[prefix]})
    else:
        element = xml_elem(local if bare else f"{{{RSS_NAMESPACES[prefix]}}}{local}", parent, **node.attributes)
    element.text = node.text
    for child in node.children:
        append(element, child, atom=atom)


class FeedNodes(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """Adds nodes to the feed or channel, after those that feedgen writes."""

    def __init__(self) -> None:
        self.nodes: tuple[Node, ...] = ()
        self.namespaces: Mapping[str, str] = NAMESPACES

    def extend_ns(self) -> dict[str, str]:
        return dict(self.namespaces)

    def extend_atom(self, feed: Any) -> Any:
        for node in self.nodes:
            append(feed, node, atom=True)
        return feed

    def extend_rss(self, feed: Any) -> Any:
        for node in self.nodes:
            append(feed[0], node, atom=False)
        return feed


class EntryNodes(BaseEntryExtension):  # type: ignore[misc]
    """Adds nodes to an entry or item. language: becomes the `xml:lang` of an Atom entry."""

    def __init__(self) -> None:
        self.nodes: tuple[Node, ...] = ()
        self.language: str | None = None

    def extend_atom(self, entry: Any) -> Any:
        if self.language is not None:
            entry.set(XML_LANG, self.language)
        for node in self.nodes:
            append(entry, node, atom=True)
        return entry

    def extend_rss(self, item: Any) -> Any:
        for node in self.nodes:
            append(item, node, atom=False)
        return item
