"""The tags of podcast episodes that are passed on: known names alone, with valid values (Apple's tags, Podcasting 2.0).

Sources: Apple's "A Podcaster's Guide to RSS"; the podcast namespace of podcastindex.org, version 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from aggregator.text.chars import one_line

MOST_TAGS = 30
"""Tags of one episode: transcripts in ten languages and twenty persons."""
LONGEST = 200
"""Characters of a text or an attribute that is no address."""

Check: TypeAlias = Callable[[str], str | None]
"""Returns a valid form of a value, or None."""
CheckedTag: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...]]
"""Name, text, and attributes."""

_NUMBER = re.compile(r"0*([1-9][0-9]{0,8})")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_DURATION = re.compile(r"[0-9]{1,6}(?::[0-5]?[0-9]){0,2}(?:\.[0-9]+)?")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,49}")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_GEO = re.compile(r"geo:[-0-9.,;=A-Za-z]{1,80}")
_EXPLICIT = {"true": "true", "yes": "true", "explicit": "true", "false": "false", "no": "false", "clean": "false"}
"""Today's words of Apple's, and those of older feeds."""


def _of(pattern: re.Pattern[str]) -> Check:
    return lambda value: value if pattern.fullmatch(value) else None


def _number(value: str) -> str | None:
    found = _NUMBER.fullmatch(value)
    return found[1] if found else None


def _text(value: str) -> str | None:
    return value or None


def _type(value: str) -> str | None:
    kind = value.partition(";")[0].strip().lower()
    return kind if _TYPE.fullmatch(kind) else None


def _seconds(value: str) -> str | None:
    """An `itunes:duration` in seconds, whether it was written so, as m:ss, or as h:mm:ss."""
    if not _DURATION.fullmatch(value):
        return None
    total = 0
    for part in value.partition(".")[0].split(":"):
        total = total * 60 + int(part)
    return str(total) if total else None


_ADDRESS = "address"
"""Stands for the check of addresses that the caller gives."""
_Attributes: TypeAlias = Mapping[str, Check | str]
_NOTHING: _Attributes = {}
_LINK: _Attributes = {"url": _ADDRESS, "type": _type}
_TAGS: Mapping[str, tuple[Check | None, _Attributes, tuple[str, ...]]] = {
    "itunes:duration": (_seconds, _NOTHING, ()),
    "itunes:episode": (_number, _NOTHING, ()),
    "itunes:season": (_number, _NOTHING, ()),
    "itunes:episodeType": (lambda value: value.lower() if value.lower() in ("full", "trailer", "bonus") else None, _NOTHING, ()),
    "itunes:explicit": (lambda value: _EXPLICIT.get(value.lower()), _NOTHING, ()),
    "itunes:image": (None, {"href": _ADDRESS}, ("href",)),
    "podcast:transcript": (None, {**_LINK, "language": _of(_CODE), "rel": _of(_CODE)}, ("url", "type")),
    "podcast:chapters": (None, _LINK, ("url", "type")),
    "podcast:person": (_text, {"role": _text, "group": _text, "img": _ADDRESS, "href": _ADDRESS}, ()),
    "podcast:season": (_number, {"name": _text}, ()),
    "podcast:episode": (_of(re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")), {"display": _text}, ()),
    "podcast:soundbite": (
        lambda value: value,
        {"startTime": _of(_SECONDS), "duration": _of(_SECONDS)},
        ("startTime", "duration"),
    ),
    "podcast:location": (_text, {"geo": _of(_GEO), "osm": _of(re.compile(r"[NWR][0-9]{1,12}(?:#[0-9]{1,6})?"))}, ()),
    "podcast:license": (_text, {"url": _ADDRESS}, ()),
    "podcast:socialInteract": (
        None,
        {"uri": _ADDRESS, "protocol": _of(_CODE), "accountId": _text, "accountUrl": _ADDRESS, "priority": _number},
        ("uri", "protocol"),
    ),
}
"""Name → check of its text (None: it has none), checks of its attributes, and which of these it must have."""
NAMES: Mapping[str, str] = {name.lower(): name for name in _TAGS}
"""Field of the reader (in lower case) → name. Unique names: all of Apple's, season and episode."""
PICTURES = frozenset((("itunes:image", "href"), ("podcast:person", "img")))
"""Tags and their attributes that are addresses of pictures."""
REPEATED = frozenset(("podcast:transcript", "podcast:person", "podcast:soundbite", "podcast:socialInteract"))
"""Tags that an episode may have several times."""


def attributes_of(name: str) -> tuple[str, ...]:
    """The attributes of a known tag that are read."""
    return tuple(_TAGS[name][1])


def checked(name: str, text: str, attributes: Mapping[str, str], address: Check) -> CheckedTag | None:
    """The tag with valid values alone, or None if it is unknown or lacks what it must have. address: checks addresses."""
    if name not in _TAGS:
        return None
    check, known, needed = _TAGS[name]
    value = check(one_line(text, LONGEST)) if check else ""
    found = {key: valid for key, rule in known.items() if (valid := _attribute(attributes.get(key), rule, address))}
    if value is None or any(key not in found for key in needed):
        return None
    return name, value, tuple(found.items())


def _attribute(value: str | None, rule: Check | str, address: Check) -> str | None:
    if not value:
        return None
    return address(value) if isinstance(rule, str) else rule(one_line(value, LONGEST))
