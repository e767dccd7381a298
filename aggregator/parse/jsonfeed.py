"""Maps JSON Feed 1.0 and 1.1 to raw values. Members of a wrong type are treated as missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from aggregator.parse.raw import Candidate, Link, Media, Piece, RawEntry, RawFeed

_LONGEST_NUMBER = 100
"""Digits. Python refuses to parse integers of more than 4,300, and no feed needs any of that size."""
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJson(Exception):
    """The text is not JSON, or it is nested too deeply."""


def read(text: str) -> RawFeed | None:
    """Reads a document. None if it is JSON but no feed. Raises NotJson."""
    text = text.strip("\ufeff \t\r\n")
    try:
        document, end = _DECODER.raw_decode(text)
        if _ESCAPED_SURROGATE.search(text):
            document = _drop_lone_surrogates(document)
    except (ValueError, RecursionError) as error:
        raise NotJson("nested too deeply" if isinstance(error, RecursionError) else str(error)) from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return None
    items = [item for item in document["items"] if isinstance(item, dict)]
    lost = len(document["items"]) - len(items)
    return RawFeed(
        format=_format(document),
        parts=items,
        make=_entry,
        title=_piece(document, "title", "text"),
        links=tuple(_links(document)),
        language=_string(document, "language"),
        authors=_authors(document),
        images=_strings(document, "icon", "favicon"),
        dropped={"invalid": lost} if lost else {},
        warnings=["something follows the end of the JSON"] if text[end:].strip() else [],
    )


def _drop_lone_surrogates(value: Any) -> Any:
    """The document without lone surrogates, which JSON can escape (RFC 8259 8.2) but UTF-8 can't encode."""
    if isinstance(value, str):
        return _SURROGATE.sub("", value)
    if isinstance(value, list):
        return [_drop_lone_surrogates(one) for one in value]
    if isinstance(value, dict):
        return {_drop_lone_surrogates(name): _drop_lone_surrogates(one) for name, one in value.items()}
    return value


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _LONGEST_NUMBER else float("inf")


_DECODER = json.JSONDecoder(parse_int=_integer)


def _format(document: dict[str, Any]) -> str:
    version = (_string(document, "version") or "").rstrip("/").rpartition("/")[2]
    return f"json feed {version}" if version in ("1", "1.0", "1.1") else "json feed"


def _links(document: dict[str, Any]) -> Iterator[Link]:
    if home := _string(document, "home_page_url"):
        yield Link(home)
    if own := _string(document, "feed_url"):
        yield Link(own, "self")
    hubs = document.get("hubs")
    for hub in hubs if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and (url := _string(hub, "url")):
            yield Link(url, "hub")


def _entry(item: dict[str, Any]) -> RawEntry:
    published, updated = _string(item, "date_published"), _string(item, "date_modified")
    return RawEntry(
        guid=_identity(item.get("id")),
        permalink=True,
        links=tuple(Link(url) for url in _strings(item, "url", "external_url")),
        title=_piece(item, "title", "text"),
        summary=_piece(item, "summary", "maybe"),
        content=_piece(item, "content_html", "html") or _piece(item, "content_text", "text"),
        published=tuple(date for date in (published, updated) if date),
        updated=(updated,) if updated else (),
        authors=_authors(item),
        categories=tuple((tag, None, None) for tag in _list_of_strings(item.get("tags"))),
        media=tuple(_media(item)),
        images=tuple(map(Candidate, _strings(item, "image", "banner_image"))),
        language=_string(item, "language"),
    )


def _identity(value: object) -> str | None:
    """An id as text. Numbers are converted (JSON Feed 1.1, items/id)."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int | float) else None


def _authors(holder: dict[str, Any]) -> tuple[str, ...]:
    """The names in `authors` (1.1) or `author` (1.0). A plain string counts as a name."""
    listed = holder.get("authors")
    people = listed if isinstance(listed, list) and listed else [holder.get("author")]
    names = [_string(one, "name") if isinstance(one, dict) else one if isinstance(one, str) else None for one in people]
    return tuple(name for name in names if name)


def _media(item: dict[str, Any]) -> Iterator[Media]:
    attachments = item.get("attachments")
    for one in attachments if isinstance(attachments, list) else ():
        if isinstance(one, dict) and (url := _string(one, "url")):
            yield Media(
                url,
                _string(one, "mime_type"),
                _digits(one, "size_in_bytes"),
                _digits(one, "duration_in_seconds"),
                _string(one, "title"),
            )


def _digits(holder: dict[str, Any], name: str) -> str | None:
    value = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return str(int(value))


def _piece(holder: dict[str, Any], name: str, kind: Any) -> Piece | None:
    value = holder.get(name)
    return Piece(value, kind) if isinstance(value, str) and value.strip() else None


def _string(holder: dict[str, Any], name: str) -> str | None:
    value = holder.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _strings(holder: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(value for name in names if (value := _string(holder, name)))


def _list_of_strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str) and one.strip()] if isinstance(value, list) else []
