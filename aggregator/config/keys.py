"""Keys of the config: how a place is named in a message, what may stand there, and which key was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aggregator.config.kinds import Either, Filled, Kind, ListOf, MapOf, OrNothing, Path
from aggregator.config.schema import Config
from aggregator.config.section import Key, Part, Section

HOMES = {
    "title": "site",
    "contact": "site",
    "timezone": "site",
    "port": "server",
    "host": "server",
    "database": "storage",
    "backup": "storage",
    "retention": "storage",
    "timeout": "polling",
    "workers": "polling",
    "per_host": "polling",
    "readers": "polling",
    "every": "defaults",
    "items": "publish",
    "directory": "publish",
    "proxy": "network",
    "user_agent": "network",
    "token": "access",
}
"""Keys that people look for one level too high, and the section where they belong."""

SYNONYMS = {
    "feeds": "sources",
    "feed": "sources",
    "subscriptions": "sources",
    "name": "title",
    "link": "url",
    "href": "url",
    "address": "url",
    "xmlurl": "url",
    "interval": "every",
    "refresh": "every",
    "schedule": "every",
    "cron": "every",
    "category": "group",
    "folder": "group",
    "filter": "keep",
    "include": "keep",
    "exclude": "drop",
    "block": "drop",
    "limit": "items",
    "count": "items",
    "search": "query",
    "rule": "query",
    "filters": "topics",
    "rules": "tags",
    "useragent": "user_agent",
    "disabled": "enabled",
    "password": "token",
    "threads": "workers",
    "concurrency": "workers",
    "path": "database",
    "tests": "expect",
}
"""What other programs call a key."""


def label(path: Path, missing: Path = ()) -> str:
    """The key as it is known to its author: the last name on the way, with its section."""
    parts = path[: len(path) - len(missing)] if missing else path
    names = [part for part in parts if isinstance(part, str) and not part.startswith("=")]
    if not names:
        return "the config"
    if isinstance(parts[-1], int) and len(names) == 1:
        return f"{names[0]}, entry {parts[-1] + 1}" if isinstance(parts[-1], int) else names[0]
    return ".".join(names[1:] if names[0] in ("sources", "topics", "outputs") and len(names) > 1 else names)


def unknown_words(path: Path) -> str:
    """What to say of a key that does not exist."""
    name, known = str(path[-1]), _known(path[:-1])
    near = near_key(path)
    if name == "opml" and "=source" in path:
        return "a source has either `url` or `opml`, not both"
    if "=opml" in path and name in _known(("sources", 0, "=source")):
        return f"`{name}` has no meaning beside `opml`: a list has many sources"
    place = f"in `{_section(path)}`" if _section(path) else "at the top level"
    if path[0] == "topics" and len(path) == 3 and name in _known(("outputs", 0)):
        return f"there is no key `{name}` {place}; it belongs into `outputs`, at one with the slug of the topic"
    if near:
        return f"there is no key `{name}` {place}; did you mean `{near}`?"
    if name in HOMES and HOMES[name] in known:
        return f"there is no key `{name}` {place}; it belongs into `{HOMES[name]}:`"
    return f"there is no key `{name}` {place}; known are {', '.join(sorted(known))}"


def _section(path: Path) -> str:
    return next((part for part in reversed(path[:-1]) if isinstance(part, str) and not part.startswith("=")), "")


def near_key(path: Path) -> str | None:
    """The key that was probably meant by an unknown one."""
    name, known = str(path[-1]).lower().replace("-", "_"), _known(path[:-1])
    if name in known:
        return name if name != path[-1] else None
    if HOMES.get(name) in known:
        return None
    if SYNONYMS.get(name) in known:
        return SYNONYMS[name]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


FIRST_SOURCE = "`aggregator add URL` writes the first one, `sources: []` means none"
"""What to do where there are no sources."""


def missing_words(path: Path) -> str:
    """What to say of a key that must be there."""
    hints = {
        "url": "an address is missing: add `url: https://…`",
        "sources": f"`sources:` is missing: a list of feeds to poll; {FIRST_SOURCE}",
        "slug": "`slug` is missing: the name of the feed in addresses",
        "query": "`query` is missing: the words to look for",
        "token": '`token` is missing: the secret that gives access; write `token: "${FEED_TOKEN}"` and set that variable',
    }
    return hints.get(str(path[-1]), f"`{path[-1]}` is missing")


def is_secret(path: Path) -> bool:
    """Whether a message must not repeat what stands there."""
    return any(
        ((key := _key(path[:end])) is not None and key.secret) or any(map(_holds_secret, _kinds(path[:end])))
        for end in range(1, len(path) + 1)
    )


def _holds_secret(kind: Kind[Any]) -> bool:
    return isinstance(kind, Filled) or (isinstance(kind, MapOf) and isinstance(kind.value, Filled))


def may_be_null(path: Path) -> bool:
    """Whether the key may be written without a value: where null has a meaning, and of whole sections, which may be emptied."""
    key = _key(path)
    if len(path) == 1 and (str(path[0]).startswith("x-") or (key is not None and isinstance(key.default, _EMPTY_SECTIONS))):
        return True
    return (key is not None and key.nullable) or any(isinstance(kind, OrNothing) for kind in _kinds(path))


_EMPTY_SECTIONS = (Section, dict, tuple)
"""Defaults of the keys at the top of which all lines may be commented out."""


def _known(path: Path) -> list[str]:
    """The keys that a map at this path may have."""
    return sorted({name for section in _sections(_kinds(path)) for name in section.known})


def _key(path: Path) -> Key[Any] | None:
    """The key that a path ends with."""
    return next((section.known[str(path[-1])][1] for section in _sections(_kinds(path[:-1])) if path[-1] in section.known), None)


def _kinds(path: Path) -> Sequence[Kind[Any]]:
    """What the value at a path may be."""
    kinds: Sequence[Kind[Any]] = (Part(Config),)
    for part in path:
        kinds = [inner for kind in kinds for inner in kind.inner(part)]
    return kinds


def _sections(kinds: Iterable[Kind[Any]]) -> Iterator[type[Section]]:
    """The sections that a value may be, or the items of a list."""
    for kind in kinds:
        match kind:
            case Part():
                yield kind.section
            case ListOf():
                yield from _sections((kind.item,))
            case Either():
                yield from _sections(one for _, one in kind.kinds)
