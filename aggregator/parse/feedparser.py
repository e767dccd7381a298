"""The tolerant path: reads XML that is not well-formed even after mending, with feedparser, into raw values.

Its sanitiser and link resolution are off, since ours are stricter, and dates are parsed again from their text. It gets a
stream of bytes, because it would open a string as a file or address. Some input costs it quadratic time, so it must run
in a process that can be killed (see the package `reading`).
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import feedparser

from aggregator.parse import images
from aggregator.parse.modules import relation_of
from aggregator.parse.raw import Candidate, Link, Media, Piece, RawEntry, RawFeed

_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_FORMATS = {"rss090": "rss 0.90", "rss091n": "rss 0.91", "rss091u": "rss 0.91", "rss10": "rss 1.0", "rss20": "rss 2.0"} | {
    f"rss{number}": f"rss 0.{number[1:]}" for number in ("092", "093", "094")
} | {"atom10": "atom 1.0", "atom03": "atom 0.3", "atom": "atom 1.0", "rss": "rss"}  # fmt: skip
_ITUNES_SCHEME = "http://www.itunes.com/"


def read(data: bytes) -> RawFeed | None:
    """Reads UTF-8 bytes without a DOCTYPE. None if feedparser finds no feed or fails.

    feedparser raises errors of many kinds for closing tags without opening ones, in GeoRSS and elsewhere.
    """
    try:
        parsed = feedparser.parse(BytesIO(data), response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        return None
    if not parsed.version and not parsed.entries:
        return None
    feed = parsed.feed
    return RawFeed(
        format=_FORMATS.get(parsed.version, "unknown"),
        parts=parsed.entries,
        make=_entry,
        title=_piece(feed.get("title_detail")),
        links=tuple(_links(feed)),
        language=_text(feed, "language"),
        authors=_people(feed) if parsed.version.startswith("atom") else (),
        images=tuple(filter(None, [_text(feed.get("image") or {}, "href"), _text(feed, "logo"), _text(feed, "icon")])),
        ttl=_text(feed, "ttl"),
        period=_text(feed, "sy_updateperiod"),
        frequency=_text(feed, "sy_updatefrequency"),
        moved_to=_text(feed, "newlocation") or _text(feed, "itunes_new-feed-url"),
    )


def _entry(entry: Any) -> RawEntry:
    content = next((piece for one in entry.get("content", ()) if (piece := _piece(one))), None)
    summary = _piece(entry.get("summary_detail"))
    updated = _texts(entry, "updated")
    return RawEntry(
        guid=_text(entry, "id"),
        permalink=bool(entry.get("guidislink")),
        links=tuple(_links(entry)),
        title=_piece(entry.get("title_detail")),
        summary=None if content and summary and summary.value == content.value else summary,
        content=content,
        published=(*_texts(entry, "published"), *_texts(entry, "created"), *updated),
        updated=updated,
        authors=_people(entry),
        categories=tuple(_categories(entry)),
        media=tuple(_media(entry)),
        images=tuple(_images(entry)),
        language=_text(entry, "language"),
        comments=_comments(entry),
        origin=_origin(entry.get("source")),
    )


def _piece(detail: Any) -> Piece | None:
    """feedparser guesses a type where there is none, so only its HTML types are trusted; the rest is `maybe`."""
    value = detail.get("value") if detail else None
    if not isinstance(value, str) or not value.strip():
        return None
    kind = detail.get("type") or ""
    return Piece(value, "html" if "html" in kind else "maybe", detail.get("base") or None)


def _text(holder: Any, name: str) -> str | None:
    """A text field. Bypasses feedparser's own lookup, which returns another field if this one is missing."""
    value = dict.get(holder, name)
    return value.strip() or None if isinstance(value, str) else None


def _texts(holder: Any, name: str) -> tuple[str, ...]:
    text = _text(holder, name)
    return (text,) if text else ()


def _links(holder: Any) -> Iterator[Link]:
    if original := _text(holder, "feedburner_origlink"):
        yield Link(original, "original")
    for link in holder.get("links", ()):
        if href := _text(link, "href"):
            yield Link(href, relation_of(_text(link, "rel"))[0], _text(link, "type"))


def _people(holder: Any) -> tuple[str, ...]:
    people = [_text(one, "name") or _text(one, "email") for one in holder.get("authors", ()) if isinstance(one, dict)]
    named = tuple(person for person in people if person)
    return named or _texts(holder, "author")


def _categories(entry: Any) -> Iterator[tuple[str, str | None, str | None]]:
    for tag in entry.get("tags", ()):
        term, scheme = _text(tag, "term") or _text(tag, "label"), _text(tag, "scheme")
        if term and scheme != _ITUNES_SCHEME:
            yield term, scheme, _text(tag, "label")


def _media(entry: Any) -> Iterator[Media]:
    duration = _text(entry, "itunes_duration")
    for link in entry.get("links", ()):
        if link.get("rel") == "enclosure" and (href := _text(link, "href")):
            yield Media(href, _text(link, "type"), _text(link, "length"), duration, _text(link, "title"))
            duration = None
    for one in entry.get("media_content", ()):
        kind = _text(one, "type") or ""
        if (url := _text(one, "url")) and not _is_picture(one, url):
            yield Media(url, kind or None, _text(one, "filesize"), _text(one, "duration"))


def _is_picture(one: Any, url: str) -> bool:
    return images.is_picture(url, lambda name: _text(one, name))


def _images(entry: Any) -> Iterator[Candidate]:
    for one in entry.get("media_content", ()):
        if (url := _text(one, "url")) and _is_picture(one, url):
            yield Candidate(url, _text(one, "width"), _text(one, "height"))
    for one in entry.get("media_thumbnail", ()):
        if url := _text(one, "url"):
            yield Candidate(url, _text(one, "width"), _text(one, "height"), preview=True)
    if cover := _text(entry.get("image") or {}, "href"):
        yield Candidate(cover, preview=True)


def _comments(entry: Any) -> str | None:
    replies = (link for link in entry.get("links", ()) if link.get("rel") == "replies" and "html" in (link.get("type") or "html"))
    return _text(entry, "comments") or next((href for link in replies if (href := _text(link, "href"))), None)


def _origin(source: Any) -> tuple[str | None, str | None] | None:
    if not source:
        return None
    links = {link.get("rel"): _text(link, "href") for link in source.get("links", ())}
    title, url = (
        _text(source, "title"),
        links.get("alternate") or _text(source, "href") or links.get("self") or _text(source, "id"),
    )
    return (title, url) if title or url else None
