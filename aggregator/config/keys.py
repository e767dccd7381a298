"""Keys of the config: how a place is named in a message, which keys there are, and which one was meant."""

from __future__ import annotations

import difflib
from typing import Any

from aggregator.config.kinds import Either, Kind, ListOf, MapOf, OrNothing, Path
from aggregator.config.schema import Config
from aggregator.config.section import Part, Section

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


def missing_words(path: Path) -> str:
    """What to say of a key that must be there."""
    hints = {
        "url": "an address is missing: add `url: https://…`",
        "sources": "`sources:` is missing: a list of feeds to poll",
        "slug": "`slug` is missing: the name of the feed in addresses",
        "query": "`query` is missing: the words to look for",
    }
    return hints.get(str(path[-1]), f"`{path[-1]}` is missing")


def _known(path: Path) -> list[str]:
    """The keys that a map at this path may have."""
    kinds: list[Kind[Any]] = [Part(Config)]
    for part in path:
        kinds = [inner for kind in kinds for inner in _inner(kind, part)]
    return sorted({name for kind in kinds for section in _sections(kind) for name in section.known})


def _inner(kind: Kind[Any], part: str | int) -> list[Kind[Any]]:
    """What a part of a path leads to; names of one of several kinds lead to that kind."""
    match kind:
        case Either():
            named = dict(kind.kinds)
            return [named[part]] if part in named else [found for one in named.values() for found in _inner(one, part)]
        case OrNothing():
            return _inner(kind.kind, part)
        case ListOf():
            return [kind.item] if isinstance(part, int) else _inner(kind.item, part)
        case MapOf():
            return [kind.value]
        case Part():
            return [kind.section.known[str(part)][1].kind] if part in kind.section.known else []
        case _:
            return []


def _sections(kind: Kind[Any]) -> list[type[Section]]:
    """The sections that a value may be."""
    match kind:
        case Part():
            return [kind.section]
        case Either():
            return [section for _, one in kind.kinds for section in _sections(one)]
        case _:
            return []
