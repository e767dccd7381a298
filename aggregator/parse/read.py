"""Reads a document of any format: bytes to a `Feed` or a `Fault`. Its time is unbounded; the package `reading` can stop it.

Well-formed XML takes the fast path. Other XML is mended and tried again; if it is still not well-formed, feedparser reads it,
and if that fails, libxml2's recovery does.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from aggregator.model import Entry, Fault, FaultKind, Feed, Fetched
from aggregator.parse import detect, feedparser, jsonfeed, xml_feed
from aggregator.parse.entries import (
    MAX_ENTRIES,
    DocumentContext,
    alternate,
    entry_of,
    feed_title,
    first_address,
    language_tag,
    resolved_base,
)
from aggregator.parse.hints import hints_of
from aggregator.parse.raw import FINGERPRINT_BYTES, Link, RawEntry, RawFeed, fingerprint, seed_of
from aggregator.parse.sitemap import PLAIN, choose_sitemaps
from aggregator.text import charset
from aggregator.text.chars import one_line
from aggregator.text.charset import Decoded
from aggregator.text.clean import MAX_DEPTH, Links
from aggregator.text.mend import drop_deep_tags, mend_markup
from aggregator.text.prolog import declares_entities, split_sections, without_doctype

_MAX_WARNINGS = 10
_LONGEST_TAG = 100_000
"""Bytes of a tag. libxml2 needs a hundred times the size of a tag's attributes in memory."""
_LONG_TAG = re.compile(rb"<[A-Za-z][^<>]{%d}" % _LONGEST_TAG)
_LONGEST_INDEX = 1_000_000
"""Bytes of a sitemap index. It stays in memory while its sitemaps are fetched and read; those of agencies have 100 kB."""
_BATCH = 50
"""Entries read in one batch, step by step. One at a time they take a fifth longer, because each step's code evicts the others'
from the processor's caches. All at once they would be held in memory twice."""
_LONGEST_DIGESTED = 2_000_000
"""Bytes of a document whose entries get digests. An element that is written anew can take five times its size."""
_OPENING = re.compile(rb"<(?:[A-Za-z0-9_]{1,20}:)?(?:item|entry)[\s>]", re.I)
_CLOSING = re.compile(rb"</(?:[A-Za-z0-9_]{1,20}:)?(?:item|entry)\s{0,9}>", re.I)


def read_document(document: Fetched, known: Collection[bytes] = frozenset()) -> Feed | Fault:
    """Reads a document of any format. Entries whose fingerprint is in `known` are returned as fingerprints only.

    No document makes it raise.
    """
    opened = open_document(document)
    return opened if isinstance(opened, Fault) else feed_of(opened, document, known)


class Opened(Struct, frozen=True):
    """A document as raw values. `feed_of` can consume its entries once."""

    raw: RawFeed
    decoded: Decoded


def open_document(document: Fetched) -> Opened | Fault:
    """Finds the charset and format of a document and reads its raw values."""
    decoded = charset.decode(document.body, document.header("content-type"))
    found = detect.kind_of(decoded.utf8)
    if isinstance(found, Fault):
        return found
    raw = _read_json(decoded) if found.json else _read_xml(decoded, found)
    if isinstance(raw, Fault):
        return raw
    if len(decoded.utf8) > _LONGEST_DIGESTED:
        raw.digest = None
    return Opened(raw, decoded)


def _read_json(decoded: Decoded) -> RawFeed | Fault:
    try:
        raw = jsonfeed.read(decoded.text)
    except jsonfeed.NotJson as error:
        return Fault(FaultKind.PARSE, one_line(f"broken JSON: {error}", 200))
    return raw or Fault(FaultKind.NOT_A_FEED, "JSON that is not a feed: it has no list of items")


def _read_xml(decoded: Decoded, found: detect.Found) -> RawFeed | Fault:
    if found.prolog.entities:
        return Fault(FaultKind.PARSE, "the document declares entities, which are never expanded")
    data = without_doctype(decoded.utf8, found.prolog)
    if found.prolog.root.lower() == "sitemapindex" and len(data) > _LONGEST_INDEX:
        return Fault(FaultKind.PARSE_LIMIT, f"a sitemap index of more than {_LONGEST_INDEX} bytes")
    if (
        len(data) > _LONGEST_TAG
        and _LONG_TAG.search(data)
        and any(_LONG_TAG.search(part) for part, kept in split_sections(data) if not kept)
    ):
        return Fault(FaultKind.PARSE_LIMIT, f"a tag of more than {_LONGEST_TAG} characters")
    try:
        return _require_feed(xml_feed.raw_feed(xml_feed.parse(data), b"xml:base" in data), found)
    except xml_feed.NotWellFormed as error:
        problem = one_line(str(error), 200)
    return _read_broken(data, found, problem)


def _read_broken(data: bytes, found: detect.Found, problem: str) -> RawFeed | Fault:
    """Reads XML that is not well-formed: mends it, or else uses feedparser."""
    if declares_entities(data):
        return Fault(FaultKind.PARSE, "the document declares entities, which are never expanded")
    data, deep = drop_deep_tags(mend_markup(data), MAX_DEPTH) if "depth" in problem else (mend_markup(data), 0)
    try:
        raw = _require_feed(xml_feed.raw_feed(xml_feed.parse(data), b"xml:base" in data), found)
    except xml_feed.NotWellFormed:
        raw = _read_tolerantly(data, found, problem)
    if isinstance(raw, RawFeed):
        raw.warnings.append(f"not well-formed: {problem}")
        if deep:
            raw.dropped["cap:depth"] = deep
    return raw


def _read_tolerantly(data: bytes, found: detect.Found, problem: str) -> RawFeed | Fault:
    if _OPENING.search(data) and not _CLOSING.search(data):
        return Fault(FaultKind.PARSE, f"not well-formed, and none of its entries is complete: {problem}")
    raw = (None if found.is_sitemap else feedparser.read(data)) or xml_feed.recovered_feed(data)
    return raw or Fault(FaultKind.PARSE, f"not well-formed, and no feed can be made out in it: {problem}")


def _require_feed(raw: RawFeed | None, found: detect.Found) -> RawFeed | Fault:
    if raw is None:
        return Fault(FaultKind.NOT_A_FEED, one_line(f"XML that is not a feed: its root is <{found.prolog.root}>", 200))
    if raw.format == PLAIN:
        words = "a sitemap without headlines: it lists addresses, but no news:title. Only news sitemaps can be read as feeds"
        return Fault(FaultKind.NOT_A_FEED, words)
    return raw


def feed_of(opened: Opened, document: Fetched, known: Collection[bytes] = frozenset()) -> Feed:
    """Makes a feed of raw values: its own fields and its entries."""
    raw, decoded = opened.raw, opened.decoded
    sitemaps, notes = choose_sitemaps(raw.sitemaps, document.url)
    outer = resolved_base(raw.base, document.url)
    home = first_address(alternate(raw.links), Links(outer))
    context = DocumentContext(resolved_base(raw.base, home or document.url), raw.authors, raw.dropped)
    entries, unchanged = _entries(raw, context, known)
    warnings = [decoded.warning] if decoded.warning else []
    return Feed(
        format=raw.format,
        entries=entries,
        title=feed_title(raw.title),
        url=home,
        language=language_tag(raw.language),
        charset=decoded.charset,
        image=next((url for image in raw.images if (url := Links(context.base).tidy(image))), None),
        hints=hints_of(raw),
        hub=_find_link(raw.links, "hub", outer),
        self_url=_find_link(raw.links, "self", outer),
        moved_to=Links(None).tidy(raw.moved_to),
        unchanged=unchanged,
        dropped=dict(raw.dropped),
        warnings=tuple(one_line(warning, 300) for warning in [*warnings, *raw.warnings, *notes][:_MAX_WARNINGS]),
        sitemaps=sitemaps,
    )


def _entries(raw: RawFeed, context: DocumentContext, known: Collection[bytes]) -> tuple[tuple[Entry, ...], tuple[bytes, ...]]:
    seed = seed_of(context.base, *context.authors)
    entries: list[Entry] = []
    unchanged: list[bytes] = []
    marks = _KnownMarks(known)
    if len(raw.parts) > MAX_ENTRIES:
        context.count("cap:entries", len(raw.parts) - MAX_ENTRIES)
    parts = raw.parts[:MAX_ENTRIES]
    for start in range(0, len(parts), _BATCH):
        fresh: list[tuple[RawEntry, bytes]] = []
        for part in parts[start : start + _BATCH]:
            digest = raw.digest(part, seed) if raw.digest else b""
            if digest in marks.by_digest:
                unchanged.append(marks.by_digest[digest])
                continue
            one = raw.make(part)
            values = fingerprint(one, seed)
            if values in marks.by_values:
                unchanged += marks.by_values[values]
            else:
                fresh.append((one, values + digest))
        entries += [entry_of(one, context, mark) for one, mark in fresh]
    return tuple(entries), tuple(unchanged)


class _KnownMarks:
    """Fingerprints that the caller knows. by_digest: by the digest in them; by_values: by the hash of values."""

    def __init__(self, known: Collection[bytes]) -> None:
        self.by_digest = {mark[FINGERPRINT_BYTES:]: mark for mark in known if len(mark) > FINGERPRINT_BYTES}
        self.by_values: dict[bytes, list[bytes]] = {}
        for mark in known:
            self.by_values.setdefault(mark[:FINGERPRINT_BYTES], []).append(mark)


def _find_link(links: tuple[Link, ...], relation: str, base: str) -> str | None:
    return first_address((link for link in links if link.rel == relation), Links(base))
