"""Turns titles into text, decoded exactly once, with all their words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import nh3

from aggregator.text.chars import one_line
from aggregator.text.html import BREAKING, COMMON, RAW_TEXT, Kind, decode_references, has_markup
from aggregator.text.nesting import bound_nesting

_CDATA, _END_OF_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.S), re.compile(r"\]\]>")
_COMMENT, _END_OF_COMMENT = re.compile(r"<!--.*?--!?>", re.S), re.compile(r"--!?>")
_SCRIPT, _END_OF_SCRIPT = re.compile(r"<script\b[^<>]*>.*?</script[^<>]*>", re.S | re.I), re.compile(r"</script[^<>]*>", re.I)
_XML = re.compile(r"<\?xml[^<>]*>", re.I)
"""Left by word processors. Other instructions (`<?php`) and declarations (`<!DOCTYPE html>`) are what a headline is about."""
_TAG_WITH_ATTRIBUTES = re.compile(r"<[a-z][a-z0-9]*+[\s/][^<>=]*+=[^<>]*+>", re.I)
_OPENING = re.compile(r"<(?=[!?]|[a-z][^<>=]*+(?:<|\Z))|<(?P<end>/?)(?P<name>[a-z][^\s/<>]*+)(?P<attributes>[^<>]*+)>", re.I)
"""The `<` of what is no tag, or a tag."""
_UNCLOSED = frozenset(("br", "hr", "img", "wbr", "p", "li", "dd", "dt", "td", "th", "tr"))
"""Elements of titles that need no end tag."""


def title_text(value: str, kind: Kind = "maybe") -> str:
    """A title as one line of text, decoded once.

    Tags of unknown elements are text, even in HTML: `List<String>` is often not escaped. So is an element without its end whose
    content would not be shown: `Why <style> beats <div>`. In plain text all tags stay except whole scripts and tags with
    attributes, which are forgotten markup that some readers would run. Character references are decoded in any case, because no
    headline means `AT&amp;T`.
    """
    if "<" not in value and "&" not in value:
        return one_line(value)
    if kind != "text" and "<" in value:
        value = _replaced(value, _CDATA, _END_OF_CDATA, r"\1")
        value = _XML.sub("", _replaced(value, _COMMENT, _END_OF_COMMENT, ""))
    if kind != "text" and has_markup(value):
        value = html.unescape(_without_tags(_escape_text(value)))
    elif kind == "html":
        value = html.unescape(value)
    else:
        value = decode_references(value)
    return one_line(_without_forgotten(value))


def _without_forgotten(value: str) -> str:
    """The text without forgotten markup, and without such as only appears when other is taken out."""
    while "<" in value:
        less = _TAG_WITH_ATTRIBUTES.sub("", _replaced(value, _SCRIPT, _END_OF_SCRIPT, ""))
        if less == value:
            break
        value = less
    return value


def _replaced(value: str, pattern: re.Pattern[str], end: re.Pattern[str], by: str) -> str:
    """Replaces a pattern that ends in `end`. Nothing is sought behind the last end, so that it takes linear time."""
    ends = [found.end() for found in end.finditer(value)]
    return pattern.sub(by, value[: ends[-1]]) + value[ends[-1] :] if ends else value


def _without_tags(value: str) -> str:
    """Markup without its tags, still escaped, as a browser would read it."""
    return nh3.clean(
        bound_nesting(BREAKING.sub(" ", value)), tags=set(), clean_content_tags=set(RAW_TEXT), attributes={}, link_rel=None
    )


def _escape_text(value: str) -> str:
    """Markup in which all that is to be read as text is escaped."""
    tags = [tag for tag in _OPENING.finditer(value) if tag["name"]]
    lone = {tag.start() for tag in _lone(tags)}
    is_about_tags = any(tag.start() in lone and _is_bare(tag) and _is_uncommon(tag) for tag in tags)

    def escape(tag: re.Match[str]) -> str:
        if tag["name"] and tag.start() not in lone:
            return tag.group()
        return _escape_lone(tag, is_about_tags)

    return _OPENING.sub(escape, value)


def _lone(tags: list[re.Match[str]]) -> Iterator[re.Match[str]]:
    """The tags whose start or end is missing."""
    opened: dict[str, list[re.Match[str]]] = {}
    for tag in tags:
        same = opened.setdefault(tag["name"].lower(), [])
        if not tag["end"]:
            same.append(tag)
        elif same:
            same.pop()
        else:
            yield tag
    for left in opened.values():
        yield from left


def _is_bare(tag: re.Match[str]) -> bool:
    return not tag["attributes"].strip(" /\t\r\n")


def _is_uncommon(tag: re.Match[str]) -> bool:
    name = tag["name"].lower()
    return name in RAW_TEXT or name not in COMMON


def _escape_lone(tag: re.Match[str], is_about_tags: bool) -> str:
    """A lone tag as it is, as text, or nothing. is_about_tags: the title has no markup that is left open."""
    if tag["name"] and not _is_bare(tag):
        return "" if tag["name"].lower() in RAW_TEXT else tag.group()  # with attributes it is meant as markup
    is_text = not tag["name"] or _is_uncommon(tag) or (is_about_tags and tag["name"].lower() not in _UNCLOSED)
    return "&lt;" + tag.group()[1:] if is_text else tag.group()
