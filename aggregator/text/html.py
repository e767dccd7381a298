"""Text out of HTML: of cleaned content, and of titles, which are decoded once as their format demands."""

from __future__ import annotations

import html
import re
from typing import Literal

import nh3

from aggregator.text.chars import one_line
from aggregator.text.nesting import bounded

Kind = Literal["text", "html", "maybe"]
"""How markup in a value is meant. maybe: nobody said (RSS titles, Atom without a type); the value itself decides."""

_RAW_TEXT_NAMES = """
    script style iframe object embed applet noscript noembed noframes template svg math title textarea select option
    datalist button xmp plaintext listing frameset canvas audio video
"""
RAW_TEXT = frozenset(_RAW_TEXT_NAMES.split())
"""Elements whose content is no text of the article."""

_TAG = re.compile(r"<[^<>]*>")
_BLOCK_TAG = (
    r"</?(?:p|div|br|h[1-6]|li|[uod]l|dt|dd|t[rdh]|table|caption|blockquote|pre|hr|figure|figcaption|section|article|aside|header"
    r"|footer|address|details|summary|main|nav|center|img)\b[^<>]*>\s*+"
)
_BREAKING = re.compile(f"{_BLOCK_TAG}(?:{_BLOCK_TAG})*")
_MARKUP = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|ol|p|pre|q|s|script|small"
    r"|span|strike|strong|style|sub|sup|table|tbody|td|th|tr|tt|u|ul|wbr)(?:\s[^<>]*)?/?>",
    re.I,
)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FORGOTTEN = re.compile(
    r"<script\b[^<>]*>[^<]*</script[^<>]*>|</?script\b[^<>]*>|<[!?][^<>]*>|<[a-z][a-z0-9]*+[\s/][^<>=]*+=[^<>]*+>", re.I
)


def has_markup(value: str) -> bool:
    """Whether there is a tag of a common HTML element in it: `x < y` and `vector<int>` are text."""
    return "<" in value and _MARKUP.search(value) is not None


def text_of(cleaned: str) -> str:
    """The text of HTML that `clean` has made, on one line. Words of different blocks are kept apart."""
    if "<" in cleaned:
        cleaned = _BREAKING.sub(" ", cleaned)
        if "<" in cleaned:
            cleaned = _TAG.sub("", cleaned)
    if "&" in cleaned:
        cleaned = unescaped(cleaned)
    return one_line(cleaned)


def text_of_longer(summary: str, content: str) -> str:
    """The text of an entry: that of its content, or of its summary where this is longer."""
    return text_of(max(content, summary, key=len))


def unescaped(cleaned: str) -> str:
    """Undoes the five references that cleaned HTML has."""
    cleaned = cleaned.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0").replace("&quot;", '"')
    return cleaned.replace("&amp;", "&")


def title_text(value: str, kind: Kind = "maybe") -> str:
    """A title as one line of text, decoded once.

    A tag of no common element is text, even in HTML: `List<String>` is often not escaped. In plain text all tags stay, but
    for scripts, declarations and those with attributes: these are markup that somebody forgot to take out, and many readers
    would run them. Character references are decoded in any case: `AT&amp;T` is never what a headline wants to say.
    """
    if "<" not in value and "&" not in value:
        return one_line(value)
    if kind != "text" and has_markup(value):
        value = html.unescape(_stripped(value))
    elif kind == "html":
        value = html.unescape(value)
    else:
        value = decoded_once(value)
    if "<" in value:
        value = _FORGOTTEN.sub("", value)
    return one_line(value)


def decoded_once(value: str) -> str:
    """Plain text with its character references decoded, those with a semicolon alone: `R&D` and `?a=1&copy=2` stay."""
    return _REFERENCE.sub(lambda found: html.unescape(found.group()), value) if "&" in value else value


def _stripped(value: str) -> str:
    """Markup without its elements, still escaped: read as a browser reads it."""
    return nh3.clean(
        bounded(_BREAKING.sub(" ", value)), tags=set(), clean_content_tags=set(RAW_TEXT), attributes={}, link_rel=None
    )


def from_text(value: str) -> str:
    """Plain text as HTML: escaped, blank lines make paragraphs, other line ends breaks."""
    escaped = html.escape(value.strip(), quote=False)
    if "\n" not in escaped:
        return escaped
    paragraphs = re.split(r"\r?\n[ \t]*\r?\n\s*", escaped)
    broken = [re.sub(r"\r?\n", "<br>", part) for part in paragraphs if part.strip()]
    return broken[0] if len(broken) == 1 else "".join(f"<p>{part}</p>" for part in broken)
