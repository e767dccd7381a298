"""The list of the public feeds as OPML 2.0, to be subscribed to at once."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.publish.fragments import DECLARATION
from aggregator.publish.head import Head
from aggregator.settings import Site
from aggregator.text.chars import one_line


def document(site: Site, heads: Iterable[Head]) -> bytes:
    """The document. Private feeds must not be among the heads. No dates: the bytes follow from the config alone."""
    title = one_line(site.title) or "News"
    lines = [_outline(head) for head in heads]
    text = f'<opml version="2.0">\n<head><title>{_text(title)}</title></head>\n<body>\n{"".join(lines)}</body>\n</opml>\n'
    return DECLARATION + text.encode()


def _outline(head: Head) -> str:
    attributes = {
        "type": "rss",
        "text": head.title,
        "title": head.title,
        "description": head.description,
        "xmlUrl": head.self_url("atom"),
        "htmlUrl": head.home,
        "language": head.language,
        "category": "/topics" if head.output.topic is not None else "/feeds",
    }
    return f"<outline {' '.join(f'{name}={_quoted(value)}' for name, value in attributes.items())}/>\n"


def _quoted(value: str) -> str:
    """As an attribute's value, in the quotes that it has none of. (Not the standard library's: that loads an HTTP client.)"""
    escaped = _text(value).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    if '"' not in escaped:
        return f'"{escaped}"'
    return f"'{escaped}'" if "'" not in escaped else f'"{escaped.replace(chr(34), "&quot;")}"'


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
