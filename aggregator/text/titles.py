"""Titles as text, decoded once as their format demands."""

from __future__ import annotations

import html
import re

import nh3

from aggregator.text.chars import one_line
from aggregator.text.html import BREAKING, RAW_TEXT, Kind, decoded_once, has_markup
from aggregator.text.nesting import bounded

_FORGOTTEN = re.compile(
    r"<script\b[^<>]*>[^<]*</script[^<>]*>|</?script\b[^<>]*>|<[!?][^<>]*>|<[a-z][a-z0-9]*+[\s/][^<>=]*+=[^<>]*+>", re.I
)


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


def _stripped(value: str) -> str:
    """Markup without its elements, still escaped: read as a browser reads it."""
    return nh3.clean(
        bounded(BREAKING.sub(" ", value)), tags=set(), clean_content_tags=set(RAW_TEXT), attributes={}, link_rel=None
    )
