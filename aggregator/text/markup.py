"""The tags of HTML, read without making a tree: linear in time and memory, whatever the markup.

Cut as the HTML standard's tokenizer does (WHATWG HTML 13.2.5), so that no comment and no attribute hides a tag from us that a
browser sees.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from msgspec import Struct

RAW = frozenset(("script", "style", "iframe", "noembed", "noframes", "noscript", "xmp", "textarea", "title", "plaintext"))
"""Elements whose content is text up to their end tag, where scripts run. Not so inside SVG and MathML."""

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
    """A tag of `before`'s text and what it is.

    before: the text in front of it; name: in lower case; whole: as written; content: of a raw element, up to its end tag.
    """

    before: str
    name: str
    is_end: bool
    attributes: str
    whole: str
    content: str = ""


def tags(markup: str) -> Iterator[Tag]:
    """The tags in their order, and at last one without a name, which carries the text behind them. Comments are left out."""
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
    """Where the end tag of a raw element begins."""
    end = re.compile(rf"</{name}[{_SPACE}/>]", re.I).search(markup, position) if name != "plaintext" else None
    return end.start() if end else len(markup)


def attributes(written: str) -> dict[str, str]:
    """Names in lower case and values, decoded. Of two of one name the first counts."""
    found: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(written):
        if value[:1] in ("'", '"'):
            value = value[1:-1]
        found.setdefault(name.lower(), html.unescape(value))
    return found


def count_attributes(written: str) -> int:
    return len(_ATTRIBUTE.findall(written))
