"""Reads the tags of HTML without building a tree, in linear time and memory whatever the markup.

It follows the tokenizer of the standard (WHATWG HTML 13.2.5), so that no comment or attribute hides a tag that a browser
would see.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from msgspec import Struct

RAW = frozenset(("script", "style", "iframe", "noembed", "noframes", "noscript", "xmp", "textarea", "title", "plaintext"))
"""Elements whose content is text up to their end tag (if scripting is on). Not so inside SVG and MathML."""

_SPACE = r"\t\n\f\r "
_NAME = rf"[^{_SPACE}/>][^{_SPACE}/>=]*+"
_VALUE = rf"\"[^\"]*+\"|'[^']*+'|[^{_SPACE}>\"'][^{_SPACE}>]*+"
_ATTRIBUTES = rf"(?:[{_SPACE}/]++|{_NAME}(?:[{_SPACE}]*+=[{_SPACE}]*+(?:{_VALUE})?+)?+)*+"
_TOKEN = re.compile(
    rf"<(?P<end>/?)(?P<name>[A-Za-z][^{_SPACE}/>]*+)(?P<attributes>{_ATTRIBUTES})>"
    r"|<!--(?:-?>|.*?--!?>)|<!(?!--)[^>]*+>|<\?[^>]*+>|</(?![A-Za-z])[^>]*+>|(?P<unfinished><[A-Za-z/!?])",
    re.S,
)
_ATTRIBUTE = re.compile(rf"({_NAME})(?:[{_SPACE}]*+=[{_SPACE}]*+({_VALUE})?+)?+")


class Tag(Struct):
    """A tag, and the text before it.

    name: in lower case; whole: the tag as written; content: what a raw element (RAW) holds up to its end tag.
    """

    before: str
    name: str
    is_end: bool
    attributes: str
    whole: str
    content: str = ""


def tags(markup: str) -> Iterator[Tag]:
    """The tags in order, then one without a name that carries the remaining text. Comments are skipped."""
    start = position = 0
    text = ""
    while (found := _TOKEN.search(markup, position)) is not None and found["unfinished"] is None:
        text += markup[start : found.start()]
        start = position = found.end()
        if not (name := (found["name"] or "").lower()):
            continue
        tag = Tag(text, name, bool(found["end"]), found["attributes"], found.group())
        if name in RAW and not tag.is_end:
            start = position = _end_of(name, markup, position)
            tag.content = markup[found.end() : start]
        yield tag
        text = ""
    # A tag that never ends is no text, but a comment or a page that was cut may hold the rest of the article.
    yield Tag(text + (markup[start : found.start()] if found else markup[start:]), "", False, "", "")


def _end_of(name: str, markup: str, position: int) -> int:
    """The position of a raw element's end tag."""
    end = re.compile(rf"</{name}[{_SPACE}/>]", re.I).search(markup, position) if name != "plaintext" else None
    return end.start() if end else len(markup)


def attributes(written: str) -> dict[str, str]:
    """Names, in lower case, with their decoded values. If a name occurs twice, the first counts (WHATWG HTML 13.2.5.33)."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(written):
        if value[:1] in ("'", '"'):
            value = value[1:-1]
        found.setdefault(name.lower(), html.unescape(value))
    return found


def count_attributes(written: str) -> int:
    return len(_ATTRIBUTE.findall(written))
