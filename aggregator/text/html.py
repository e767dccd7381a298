"""Turns HTML into text, and text into HTML. No parser is needed; `clean` and `titles` use one."""

from __future__ import annotations

import html
import re
from typing import Literal

from aggregator.text.chars import one_line

Kind = Literal["text", "html", "maybe"]
"""The declared type of a value. maybe: not declared (RSS titles, Atom without a type), so the value itself decides."""

_RAW_TEXT_NAMES = """
    script style iframe object embed applet noscript noembed noframes template svg math title textarea select option
    datalist button xmp plaintext listing frameset canvas audio video
"""
RAW_TEXT = frozenset(_RAW_TEXT_NAMES.split())
"""Elements whose content is not part of an article's text."""

_RAW_START = re.compile(rf"<({'|'.join(sorted(RAW_TEXT))})\b", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_BLOCK_TAG = (
    r"</?(?:p|div|br|h[1-6]|li|[uod]l|dt|dd|t[rdh]|table|caption|blockquote|pre|hr|figure|figcaption|section|article|aside|header"
    r"|footer|address|details|summary|main|nav|center|img)\b[^<>]*>\s*+"
)
BREAKING = re.compile(f"{_BLOCK_TAG}(?:{_BLOCK_TAG})*")
_COMMON_NAMES = """
    a abbr b big blockquote br center cite code dd del div dl dt em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s script
    small span strike strong style sub sup table tbody td th tr tt u ul wbr
"""
COMMON = frozenset(_COMMON_NAMES.split())
"""Elements that show that a text of no declared type is HTML."""
_MARKUP = re.compile(rf"</?(?:{'|'.join(sorted(COMMON))})(?:\s[^<>]*)?/?>", re.I)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def has_markup(value: str) -> bool:
    """True if the value has a tag of a common HTML element; `x < y` and `vector<int>` are text."""
    return "<" in value and _MARKUP.search(value) is not None


def text_of(cleaned: str) -> str:
    """The text of HTML from `clean`, on one line, with a space between blocks."""
    if "<" in cleaned:
        cleaned = BREAKING.sub(" ", cleaned)
        if "<" in cleaned:
            cleaned = _TAG.sub("", cleaned)
    if "&" in cleaned:
        cleaned = unescape(cleaned)
    return one_line(cleaned)


def text_of_longer(summary: str, content: str) -> str:
    """The text of an entry: of its content or its summary, whichever is longer."""
    return text_of(max(content, summary, key=len))


def plain_text(value: str) -> str:
    """The text of HTML that is not cleaned, on one line, for display as text. It reads no structure, so it is no sanitizer."""
    return one_line(decode_references(_TAG.sub("", BREAKING.sub(" ", without_raw_text(value)))))


def without_raw_text(value: str) -> str:
    """HTML without elements whose content is no text, as scripts. One that never ends takes the rest along."""
    kept, at = [], 0
    while (opened := _RAW_START.search(value, at)) is not None:
        kept.append(value[at : opened.start()])
        closed = re.compile(rf"</{opened[1]}\b[^<>]*>", re.IGNORECASE).search(value, opened.end())
        if closed is None:
            return "".join(kept)
        at = closed.end()
    return "".join((*kept, value[at:]))


def unescape(cleaned: str) -> str:
    """Decodes the five character references that `clean` writes."""
    cleaned = cleaned.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0").replace("&quot;", '"')
    return cleaned.replace("&amp;", "&")


def decode_references(value: str) -> str:
    """Decodes character references in plain text, only those with a semicolon: `R&D` and `?a=1&copy=2` stay."""
    return _REFERENCE.sub(lambda found: html.unescape(found.group()), value) if "&" in value else value


def from_text(value: str) -> str:
    """Plain text as HTML: escaped, with paragraphs at blank lines and breaks at other line ends."""
    escaped = html.escape(value.strip(), quote=False)
    if "\n" not in escaped:
        return escaped
    paragraphs = re.split(r"\r?\n[ \t]*\r?\n\s*", escaped)
    broken = [re.sub(r"\r?\n", "<br>", part) for part in paragraphs if part.strip()]
    return broken[0] if len(broken) == 1 else "".join(f"<p>{part}</p>" for part in broken)
