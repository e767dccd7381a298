"""Keys of the config: how a place is named in a message, which keys there are, and which one was meant."""

from __future__ import annotations

import difflib
import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from aggregator.config.schema import Config
from aggregator.config.tree import Key

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


def label(path: tuple[Key, ...], missing: tuple[Key, ...] = ()) -> str:
    """The key as it is known to its author: the last name on the way, with its section."""
    parts = path[: len(path) - len(missing)] if missing else path
    names = [part for part in parts if isinstance(part, str) and part[0] != "="]
    if not names:
        return "the config"
    if isinstance(parts[-1], int) and len(names) == 1:
        return f"{names[0]}, entry {parts[-1] + 1}" if isinstance(parts[-1], int) else names[0]
    return ".".join(names[1:] if names[0] in ("sources", "topics", "outputs") and len(names) > 1 else names)


def unknown_words(path: tuple[Key, ...]) -> str:
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


def _section(path: tuple[Key, ...]) -> str:
    return next((part for part in reversed(path[:-1]) if isinstance(part, str) and part[0] != "="), "")


def near_key(path: tuple[Key, ...]) -> str | None:
    """The key that was probably meant by an unknown one."""
    name, known = str(path[-1]).lower().replace("-", "_"), _known(path[:-1])
    if name in known:
        return name if name != path[-1] else None
    if HOMES.get(name) in known:
        return None
    if SYNONYMS.get(name) in known:
        return SYNONYMS[name]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


def missing_words(path: tuple[Key, ...]) -> str:
    """What to say of a key that must be there."""
    hints = {
        "url": "an address is missing: add `url: https://…`",
        "sources": "`sources:` is missing: a list of feeds to poll",
        "slug": "`slug` is missing: the name of the feed in addresses",
        "query": "`query` is missing: the words to look for",
    }
    return hints.get(str(path[-1]), f"`{path[-1]}` is missing")


def _known(path: tuple[Key, ...]) -> list[str]:
    """The keys that a map at this path may have."""
    kinds: list[Any] = [Config]
    for part in path:
        kinds = [inner for kind in kinds for inner in _inner(kind, part)]
    models = [model for kind in kinds for model in _models(kind)]
    return sorted({info.alias or name for model in models for name, info in model.model_fields.items()})


def _inner(kind: Any, part: Key) -> list[Any]:
    """What a part of a path leads to, from an annotation; names of union members lead to the same again."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _inner(get_args(kind)[0], part)
    if origin in (Union, types.UnionType):
        if tagged := [member for member in get_args(kind) if Tag(str(part)) in get_args(member)[1:]]:
            return tagged
        inner = [found for member in get_args(kind) for found in _inner(member, part)]
        return inner or [kind]
    if origin is list:
        return [get_args(kind)[0]] if isinstance(part, int) else _inner(get_args(kind)[0], part)
    if origin is dict:
        return [get_args(kind)[1]]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            if part == (info.alias or name):
                return [info.annotation]
    return []


def _models(kind: Any) -> list[type[BaseModel]]:
    """The models that a value of this annotation may be."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    if get_origin(kind) in (Annotated, Union, types.UnionType):
        return [model for member in get_args(kind) for model in _models(member)]
    return []
