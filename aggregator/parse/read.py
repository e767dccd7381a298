"""The whole way of a document: bytes to a `Feed` or a `Fault`. In the calling process, without bounds on time: see `reading`.

Well-formed XML goes the fast path; what is not is mended and tried again; what is still not goes to feedparser, and what this
fails on to libxml2's own recovery.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import islice

from msgspec import Struct

from aggregator.model import Entry, Fault, FaultKind, Feed, Fetched, Instant
from aggregator.parse import detect, jsonfeed
from aggregator.parse.entries import (
    MAX_ENTRIES,
    Reading,
    alternate,
    entry_of,
    feed_title,
    first_address,
    language_tag,
    resolved_base,
)
from aggregator.parse.hints import hints_of
from aggregator.parse.raw import Link, RawFeed, fingerprint, seed_of
from aggregator.text import charset
from aggregator.text.chars import one_line
from aggregator.text.charset import Decoded
from aggregator.text.clean import MAX_DEPTH, Links
from aggregator.text.prolog import declares_entities, split_sections, without_doctype

_MAX_WARNINGS = 10
_LONGEST_TAG = 100_000
"""Bytes; libxml2 needs a hundred times a tag's attributes in memory."""
_LONG_TAG = re.compile(rb"<[A-Za-z][^<>]{%d}" % _LONGEST_TAG)
_TOGETHER = 50
"""Entries that take each step side by side: one by one they need a fifth more time, because each step's code pushes the others'
out of the processor's caches. All at once they would be held twice."""
_OPENING = re.compile(rb"<(?:[A-Za-z0-9_]{1,20}:)?(?:item|entry)[\s>]", re.I)
_CLOSING = re.compile(rb"</(?:[A-Za-z0-9_]{1,20}:)?(?:item|entry)\s{0,9}>", re.I)


def read_document(
    document: Fetched, known: Collection[bytes] = frozenset(), now: Instant = 0.0, *, tolerant: bool = True
) -> Feed | Fault:
    """Reads a document of any format. Entries whose fingerprint is in `known` come back as fingerprints alone.

    tolerant: False leaves feedparser out, so that the time is bounded by the document's size; what needs it is then a fault
    of kind PARSE_LIMIT. Raises nothing for what a document may hold.
    """
    opened = open_document(document, tolerant)
    return opened if isinstance(opened, Fault) else feed_of(opened, document, known)


class Opened(Struct, frozen=True):
    """A document as raw values, whose entries are read once, by `feed_of`."""

    raw: RawFeed
    decoded: Decoded


def open_document(document: Fetched, tolerant: bool = True) -> Opened | Fault:
    """Charset, format and raw values of a document."""
    decoded = charset.decode(document.body, document.header("content-type"))
    found = detect.kind_of(decoded.utf8)
    if isinstance(found, Fault):
        return found
    raw = _json(decoded) if found.json else _xml(decoded, found, tolerant)
    return raw if isinstance(raw, Fault) else Opened(raw, decoded)


def _json(decoded: Decoded) -> RawFeed | Fault:
    try:
        raw = jsonfeed.read(decoded.text)
    except jsonfeed.NotJson as error:
        return Fault(FaultKind.PARSE, one_line(f"broken JSON: {error}", 200))
    return raw or Fault(FaultKind.NOT_A_FEED, "JSON that is not a feed: it has no list of items")


def _xml(decoded: Decoded, found: detect.Found, tolerant: bool) -> RawFeed | Fault:
    from aggregator.parse import xml

    if found.prolog.entities:
        return Fault(FaultKind.PARSE, "the document declares entities, which are never expanded")
    data = without_doctype(decoded.utf8, found.prolog)
    if (
        len(data) > _LONGEST_TAG
        and _LONG_TAG.search(data)
        and any(_LONG_TAG.search(part) for part, kept in split_sections(data) if not kept)
    ):
        return Fault(FaultKind.PARSE_LIMIT, f"a tag of more than {_LONGEST_TAG} characters")
    try:
        return _rooted(xml.raw_feed(xml.parse(data), b"xml:base" in data), found)
    except xml.NotWellFormed as error:
        problem = one_line(str(error), 200)
    return _broken(data, found, problem, tolerant)


def _broken(data: bytes, found: detect.Found, problem: str, tolerant: bool) -> RawFeed | Fault:
    """Mended, or else by feedparser."""
    from aggregator.parse import xml
    from aggregator.text.mend import drop_deep_tags, mend_markup

    if declares_entities(data):
        return Fault(FaultKind.PARSE, "the document declares entities, which are never expanded")
    data, deep = drop_deep_tags(mend_markup(data), MAX_DEPTH) if "depth" in problem else (mend_markup(data), 0)
    try:
        raw = _rooted(xml.raw_feed(xml.parse(data), b"xml:base" in data), found)
    except xml.NotWellFormed:
        raw = _tolerantly(data, problem, tolerant)
    if isinstance(raw, RawFeed):
        raw.warnings.append(f"not well-formed: {problem}")
        if deep:
            raw.dropped["cap:depth"] = deep
    return raw


def _tolerantly(data: bytes, problem: str, tolerant: bool) -> RawFeed | Fault:
    if _OPENING.search(data) and not _CLOSING.search(data):
        return Fault(FaultKind.PARSE, f"not well-formed, and none of its entries is complete: {problem}")
    if not tolerant:
        return Fault(FaultKind.PARSE_LIMIT, f"not well-formed: {problem}")
    from aggregator.parse import feedparser, xml

    raw = feedparser.read(data) or xml.recovered_feed(data)
    return raw or Fault(FaultKind.PARSE, f"not well-formed, and no feed can be made out in it: {problem}")


def _rooted(raw: RawFeed | None, found: detect.Found) -> RawFeed | Fault:
    return raw or Fault(FaultKind.NOT_A_FEED, one_line(f"XML that is not a feed: its root is <{found.prolog.root}>", 200))


def feed_of(opened: Opened, document: Fetched, known: Collection[bytes] = frozenset()) -> Feed:
    """The feed that raw values say: its own fields, and its entries one by one."""
    raw, decoded = opened.raw, opened.decoded
    outer = resolved_base(raw.base, document.url)
    home = first_address(alternate(raw.links), Links(outer))
    reading = Reading(resolved_base(raw.base, home or document.url), raw.authors, raw.dropped)
    entries, unchanged = _entries(raw, reading, known)
    warnings = [decoded.warning] if decoded.warning else []
    return Feed(
        format=raw.format,
        entries=entries,
        title=feed_title(raw.title),
        url=home,
        language=language_tag(raw.language),
        charset=decoded.charset,
        image=next((url for image in raw.images if (url := Links(reading.base).tidy(image))), None),
        hints=hints_of(raw),
        hub=_related(raw.links, "hub", outer),
        self_url=_related(raw.links, "self", outer),
        moved_to=Links(None).tidy(raw.moved_to),
        unchanged=unchanged,
        dropped=dict(raw.dropped),
        warnings=tuple(one_line(warning, 300) for warning in [*warnings, *raw.warnings][:_MAX_WARNINGS]),
    )


def _entries(raw: RawFeed, reading: Reading, known: Collection[bytes]) -> tuple[tuple[Entry, ...], tuple[bytes, ...]]:
    seed = seed_of(reading.base, *reading.authors)
    entries: list[Entry] = []
    unchanged: list[bytes] = []
    if raw.total > MAX_ENTRIES:
        reading.count("cap:entries", raw.total - MAX_ENTRIES)
    bounded = islice(raw.entries, MAX_ENTRIES)
    while together := list(islice(bounded, _TOGETHER)):
        for one, mark in [(one, fingerprint(one, seed)) for one in together]:
            if mark in known:
                unchanged.append(mark)
            else:
                entries.append(entry_of(one, reading, mark))
    return tuple(entries), tuple(unchanged)


def _related(links: tuple[Link, ...], relation: str, base: str) -> str | None:
    return first_address((link for link in links if link.rel == relation), Links(base))
