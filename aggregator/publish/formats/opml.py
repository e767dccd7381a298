"""The list of public feeds as OPML 2.0, for subscribing to all at once."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from aggregator.publish.formats.fragments import DECLARATION
from aggregator.publish.formats.head import Head
from aggregator.settings import Site
from aggregator.text.chars import one_line


def document(site: Site, heads: Iterable[Head]) -> bytes:
    """The document. heads: of public feeds only. It has no dates, so its bytes depend on the config alone."""
    opml = etree.Element("opml", version="2.0")
    head, body = etree.SubElement(opml, "head"), etree.SubElement(opml, "body")
    etree.SubElement(head, "title").text = one_line(site.title) or "News"
    for one in heads:
        etree.SubElement(body, "outline", _attributes(one)).tail = "\n"
    opml.text = head.tail = body.text = body.tail = "\n"
    return DECLARATION + etree.tostring(opml, encoding="utf-8") + b"\n"


def _attributes(head: Head) -> dict[str, str]:
    return {
        "type": "rss",
        "text": head.title,
        "title": head.title,
        "description": head.description,
        "xmlUrl": head.self_url("atom"),
        "htmlUrl": head.home,
        "language": head.language,
        "category": "/topics" if head.output.topic is not None else "/feeds",
    }
