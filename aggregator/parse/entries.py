"""Turns raw values into entries: titles as text, clean HTML, dates as instants, one link. Sizes are capped, and cuts counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin

from msgspec import Struct

from aggregator.model import Category, Enclosure, Entry, Origin
from aggregator.parse.images import choose
from aggregator.parse.podcasts import valid_tags
from aggregator.parse.raw import Link, Media, Piece, RawEntry
from aggregator.text import dates, urls
from aggregator.text.chars import one_line, scrub, shorten
from aggregator.text.clean import Links, clean, flatten
from aggregator.text.html import decode_references, from_text, has_markup, text_of_longer
from aggregator.text.titles import title_text

MAX_ENTRIES = 2000
MAX_TEXT = 1 << 20
"""Characters of one entry's summary or content."""
MAX_TITLE = 500
MAX_NAMES = 50
"""Authors of one entry; also its categories, and its enclosures."""
MAX_NAME = 200
_TITLE_SENT = 8 * MAX_TITLE
"""Characters of a title, markup included, that are read."""
_TITLE_FROM_TEXT = 80
"""Characters of content that replace a missing title."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")
_ADDRESS_AND_NAME = re.compile(r"\s*\S+@\S+\s+\((?P<name>[^()]+)\)\s*|\s*(?P<before>[^<>()]*[^<>()\s])\s*[<(]\S+@[^<>()]*[>)]\s*")
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}")
_BEST_TYPES = {"text/html": 0, "application/xhtml+xml": 1, None: 1}


class DocumentContext(Struct):
    """What the entries of a document share while it is read.

    base: resolves relative addresses; authors: of the feed; dropped: counts by cap.
    """

    base: str
    authors: tuple[str, ...]
    dropped: dict[str, int]

    def count(self, cap: str, number: int = 1) -> None:
        self.dropped[cap] = self.dropped.get(cap, 0) + number


def entry_of(raw: RawEntry, context: DocumentContext, fingerprint: bytes) -> Entry:
    """Makes the entry of a raw entry."""
    base = resolved_base(raw.base, context.base)
    links = Links(base)
    url = _article_address(raw, links)
    inside = Links(_content_base(raw, url, context.base))
    summary = _html(raw.summary, inside, context)
    content = _html(raw.content, inside, context)
    if summary == content:
        summary = "" if content else summary
    text = text_of_longer(summary, content)
    return Entry(
        guid=(scrub(raw.guid).strip() or None) if raw.guid else None,
        url=url,
        title=_title(raw.title, text, context),
        summary=summary,
        content=content,
        text=text,
        published=_first_instant(raw.published),
        updated=_first_instant(raw.updated),
        authors=_people(raw.authors or context.authors, context),
        categories=_categories(raw, context),
        enclosures=_enclosures(raw.media, links, context),
        image=choose(raw.images, raw.media, links),
        language=language_tag(raw.language),
        comments=links.tidy(raw.comments),
        origin=_origin(raw, links),
        fingerprint=fingerprint,
        tags=valid_tags(raw.tags, links),
    )


def resolved_base(own: str | None, outer: str) -> str:
    """An `xml:base` resolved against the outer base, or the outer base if that gives no web address."""
    return (urls.resolve(outer, own) if own else None) or outer


def language_tag(text: str | None) -> str | None:
    """A language tag with hyphens (RFC 5646 2.1), or None if it is malformed."""
    tag = text.strip() if text else ""
    return tag.replace("_", "-") if tag and _LANGUAGE.fullmatch(tag) else None


def feed_title(piece: Piece | None) -> str | None:
    return shorten(title_text(piece.value[:_TITLE_SENT], piece.kind), MAX_TITLE) or None if piece else None


def alternate(links: Iterable[Link]) -> list[Link]:
    """Links to the page itself, best type first, otherwise in document order. `rel="ALTERNATE"` counts after `alternate`."""
    found = [link for link in links if link.rel in ("alternate", "")]
    return sorted(found, key=lambda link: (not link.as_registered, _BEST_TYPES.get(link.type, 2))) if len(found) > 1 else found


def first_address(links: Iterable[Link], against: Links) -> str | None:
    for link in links:
        place = Links(resolved_base(link.base, against.base or "")) if link.base else against
        url = place.tidy(link.href)
        if url:
            return url
    return None


def _article_address(raw: RawEntry, links: Links) -> str | None:
    """The article's address: the original of a redirect link, an alternate link, a guid that is an address, or an enclosure."""
    original = [link for link in raw.links if link.rel == "original"]
    found = first_address([*original, *alternate(raw.links)], links)
    if found is None and raw.guid and (raw.guid[:4].lower() == "http" or (raw.permalink and raw.guid[0] == "/")):
        found = links.tidy(raw.guid)
    return found or next((url for media in raw.media if (url := links.tidy(media.url))), None)


def link_as_sent(raw: RawEntry, base: str) -> str | None:
    """The article's address as the document gives it: made absolute but otherwise unchanged, with any scheme."""
    sent = next((link for link in (*alternate(raw.links), *raw.links) if link.rel in ("alternate", "", "original")), None)
    if sent is None:
        return raw.guid if raw.permalink and raw.guid else next((media.url for media in raw.media), None)
    try:
        return urljoin(urljoin(base, sent.base or raw.base or ""), sent.href)
    except ValueError:
        return sent.href


def _content_base(raw: RawEntry, url: str | None, outer: str) -> str:
    """The base of an entry's HTML: `xml:base`, else the article's address, or the feed's base if that is on another host."""
    if raw.base:
        return resolved_base(raw.base, outer)
    return url if url and _host(url) == _host(outer) else outer


def _host(url: str) -> str:
    """Scheme and host of an absolute address."""
    end = url.find("/", 8)
    return url[:end] if end > 0 else url


def _html(piece: Piece | None, inside: Links, context: DocumentContext) -> str:
    if piece is None or not piece.value:
        return ""
    links = Links(resolved_base(piece.base, inside.base or "")) if piece.base else inside
    value = piece.value
    if len(value) > MAX_TEXT:
        context.count("cap:text")
    if piece.kind == "text" or (piece.kind == "maybe" and not has_markup(value)):
        value = from_text(decode_references(_cut(value)))
    cleaned = clean(value, links, MAX_TEXT)
    flat = flatten(cleaned)
    if flat is not cleaned and flat != cleaned:
        context.count("cap:depth")
    return flat


def _cut(value: str) -> str:
    return value if len(value) <= MAX_TEXT else value[:MAX_TEXT]


def _title(piece: Piece | None, text: str, context: DocumentContext) -> str:
    title = title_text(piece.value[:_TITLE_SENT], piece.kind) if piece else ""
    if len(title) > MAX_TITLE:
        context.count("cap:title")
    return shorten(title, MAX_TITLE) if title else shorten(text, _TITLE_FROM_TEXT)


def _first_instant(candidates: tuple[str, ...]) -> float | None:
    return next((instant for text in candidates if (instant := dates.parse(text)) is not None), None)


def _people(names: tuple[str, ...], context: DocumentContext) -> tuple[str, ...]:
    """The distinct names. `desk@example.org (Name)` gives `Name`."""
    found: dict[str, None] = {}
    for name in _bounded(names, "cap:authors", context):
        parts = _ADDRESS_AND_NAME.fullmatch(name) if "@" in name and len(name) < 300 else None
        person = _clean_name(parts["name"] or parts["before"] if parts else name)
        if person:
            found.setdefault(person)
    return tuple(found)


def _categories(raw: RawEntry, context: DocumentContext) -> tuple[Category, ...]:
    found: dict[Category, None] = {}
    for term, scheme, label in _bounded(raw.categories, "cap:categories", context):
        word = _clean_name(term)
        if word:
            shown = _clean_name(label) if label else ""
            found.setdefault(Category(word, one_line(scheme, MAX_NAME) or None if scheme else None, shown or None))
    return tuple(found)


def _clean_name(text: str) -> str:
    """A name as one line of text, of at most `MAX_NAME` characters."""
    line = title_text(text if len(text) < 4 * MAX_NAME else text[: 4 * MAX_NAME])
    return line if len(line) <= MAX_NAME else shorten(line, MAX_NAME)


def _bounded(values: tuple, cap: str, context: DocumentContext) -> tuple:  # type: ignore[type-arg]
    if len(values) > MAX_NAMES:
        context.count(cap, len(values) - MAX_NAMES)
    return values[:MAX_NAMES]


def _enclosures(media: tuple[Media, ...], links: Links, context: DocumentContext) -> tuple[Enclosure, ...]:
    found: dict[str, Enclosure] = {}
    for one in _bounded(media, "cap:enclosures", context):
        url = links.tidy(one.url)
        if url and url not in found:
            found[url] = Enclosure(
                url, _media_type(one.type), _number(one.length), seconds_of(one.duration), _media_title(one.title)
            )
    return tuple(found.values())


def _media_title(title: str | None) -> str | None:
    return _clean_name(title) or None if title else None


def _media_type(text: str | None) -> str | None:
    kind = (text or "").partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) else None


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    return int(digits) or None if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def seconds_of(text: str | None) -> int | None:
    """The seconds of an `itunes:duration`, which is written as seconds, m:ss, or h:mm:ss."""
    parts = (text or "").strip().split(":")
    if not 1 <= len(parts) <= 3:
        return None
    total = 0
    for part in parts:
        whole = part.strip().partition(".")[0]
        if not (whole.isascii() and whole.isdigit() and len(whole) < 8):
            return None
        total = total * 60 + int(whole)
    return total or None


def _origin(raw: RawEntry, links: Links) -> Origin | None:
    if raw.origin is None:
        return None
    title, url = raw.origin
    origin = Origin(_clean_name(title) or None if title else None, links.tidy(url))
    return origin if origin.title or origin.url else None
