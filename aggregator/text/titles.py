"""Turns titles into text, decoded exactly once."""

from __future__ import annotations

import html
import re

import nh3

from aggregator.text.chars import one_line
from aggregator.text.html import BREAKING, RAW_TEXT, Kind, decode_references, has_markup
from aggregator.text.nesting import bound_nesting

_FORGOTTEN = re.compile(
    r"<script\b[^<>]*>[^<]*</script[^<>]*>|</?script\b[^<>]*>|<[!?][^<>]*>|<[a-z][a-z0-9]*+[\s/][^<>=]*+=[^<>]*+>", re.I
)


def title_text(value: str, kind: Kind = "maybe") -> str:
    """A title as one line of text, decoded once.

    Tags of unknown elements are text, even in HTML: `List<String>` is often not escaped. In plain text all tags stay except
    scripts, declarations and tags with attributes, which are forgotten markup that some readers would run. Character
    references are decoded in any case, because no headline means `AT&amp;T`.
    """
    if "<" not in value and "&" not in value:
        return one_line(value)
    if kind != "text" and has_markup(value):
        value = html.unescape(_without_tags(value))
    elif kind == "html":
        value = html.unescape(value)
    else:
        value = decode_references(value)
    if "<" in value:
        value = _FORGOTTEN.sub("", value)
    return one_line(value)


def _without_tags(value: str) -> str:
    """Markup without its tags, still escaped, as a browser would read it."""
    return nh3.clean(
        bound_nesting(BREAKING.sub(" ", value)), tags=set(), clean_content_tags=set(RAW_TEXT), attributes={}, link_rel=None
    )
