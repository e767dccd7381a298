"""pydantic's errors as problems at their places, in words that say what to write instead."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aggregator.config.document import Document, find
from aggregator.config.schema import Config
from aggregator.config.tree import Key, Node, Scalar, name_of
from aggregator.config.tree import Mapping as MapNode
from aggregator.errors import Problem

CONFIDENTIAL = frozenset({"headers", "token", "webhook", "proxy", "url", "opml", "database"})
"""Keys of which the value is never repeated in a message."""

HOMES = {
    "title": "site",
    "port": "server",
    "host": "server",
    "database": "storage",
    "keep": "storage",
    "timeout": "polling",
    "workers": "polling",
    "every": "defaults",
    "items": "publish",
    "token": "access",
}
"""Keys that people look for one level too high or too low, and where they belong."""


def explain(document: Document, error: ValidationError) -> list[Problem]:
    """One problem for each mistake; what only follows from another mistake is left out."""
    details = error.errors(include_url=False, include_context=True, include_input=False)
    meant = set(_meant(details))
    return [
        _problem(document, detail) for detail in details if not (detail["type"] == "missing" and _told(document, detail, meant))
    ]


def _meant(details: list[ErrorDetails]) -> Iterator[tuple[Key, ...]]:
    """The keys that misspelt ones stand for: those are then not missing."""
    for detail in details:
        if detail["type"] == "extra_forbidden" and (near := _near(detail["loc"])):
            yield (*detail["loc"][:-1], near)


def _told(document: Document, detail: ErrorDetails, meant: set[tuple[Key, ...]]) -> bool:
    """Whether a missing key is there, misspelt or without a value, which is told already."""
    node = find(document.root, detail["loc"][:-1])[0]
    return detail["loc"] in meant or (isinstance(node, MapNode) and detail["loc"][-1] in node.pairs)


def _problem(document: Document, detail: ErrorDetails) -> Problem:
    path = detail["loc"]
    node, key, missing = find(document.root, path)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return document.problem(key or node, _unknown(path))
    if kind == "missing":
        return document.problem(node, _missing(path))
    if path and path[-1] == "[key]":
        return document.problem(find(document.root, path[:-1])[1] or node, f"{_label(path[:-1])}: {_said(detail, node, path)}")
    return document.problem(node, f"{_label(path, missing)}: {_said(detail, node, path)}")


def _said(detail: ErrorDetails, node: Node, path: tuple[Key, ...]) -> str:
    context = detail.get("ctx", {})
    if isinstance(node, Scalar) and node.value is None and detail["type"] != "config":
        return "is empty; write a value, or remove it"
    match detail["type"]:
        case "config":
            return str(context["said"])
        case "string_type":
            return _not_text(node, path)
        case "int_type" | "int_parsing" | "int_from_float":
            return f"a whole number is needed, not {_quoted(node, path)}"
        case "bool_type":
            return f"true or false is needed, not {_quoted(node, path)}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "list_type":
            return f"must be a list (lines that begin with `- `), not {_kind(node)}"
        case "dict_type" | "model_type":
            return f"must be a map (`key: value`), not {_kind(node)}"
        case "literal_error":
            choices = str(context["expected"]).replace("'", "`")
            return f"must be {choices}, not {_quoted(node, path)}{_near_choice(node, choices)}"
        case "string_too_short":
            return "is empty"
        case _:
            return detail["msg"]


def _not_text(node: Node, path: tuple[Key, ...]) -> str:
    if not isinstance(node, Scalar):
        return f"must be text, not {_kind(node)}"
    if _confidential(path):
        return f"must be text, but YAML reads this as {name_of(node.value).split(' (')[0]}; put it in quotes"
    return f'must be text, but YAML reads `{node.text[:40]}` as {name_of(node.value)}; put it in quotes: "{node.text[:40]}"'


def _quoted(node: Node, path: tuple[Key, ...]) -> str:
    if not isinstance(node, Scalar):
        return _kind(node)
    return "this" if _confidential(path) or not node.text.isprintable() else f"`{node.text[:40]}`"


def _confidential(path: tuple[Key, ...]) -> bool:
    return not CONFIDENTIAL.isdisjoint(part for part in path if isinstance(part, str))


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return {True: "nothing", False: "a single value"}[node.value is None]
    return "a map" if isinstance(node, MapNode) else "a list"


def _near_choice(node: Node, expected: str) -> str:
    choices = expected.replace("`", "").replace(" or ", ", ").split(", ")
    near = difflib.get_close_matches(node.text if isinstance(node, Scalar) else "", choices, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


# --- keys
def _label(path: tuple[Key, ...], missing: tuple[Key, ...] = ()) -> str:
    """The key as it is known to its author: the last name on the way, with its section."""
    parts = path[: len(path) - len(missing)] if missing else path
    names = [part for part in parts if isinstance(part, str) and part not in ("source", "opml[list]", "switch", "map", "address")]
    if not names:
        return "the config"
    if isinstance(parts[-1], int) and len(names) == 1:
        return f"{names[0]}, entry {parts[-1] + 1}" if isinstance(parts[-1], int) else names[0]
    return f"{names[-2]}.{names[-1]}" if len(names) > 1 and names[-2] not in ("sources", "topics", "outputs") else names[-1]


def _unknown(path: tuple[Key, ...]) -> str:
    """What to say of a key that does not exist."""
    name, known = str(path[-1]), known_keys(path[:-1])
    near = _near(path)
    place = f"in `{_section(path)}`" if _section(path) else "at the top level"
    if near:
        return f"there is no key `{name}` {place}; did you mean `{near}`?"
    if name in HOMES and HOMES[name] in known:
        return f"there is no key `{name}` {place}; it belongs into `{HOMES[name]}:`"
    return f"there is no key `{name}` {place}; known are {', '.join(sorted(known))}"


def _section(path: tuple[Key, ...]) -> str:
    return next((part for part in reversed(path[:-1]) if isinstance(part, str) and part not in ("source", "map")), "")


def _near(path: tuple[Key, ...]) -> str | None:
    name, known = str(path[-1]).lower().replace("-", "_"), known_keys(path[:-1])
    if name in known and name != path[-1]:
        return name
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


def _missing(path: tuple[Key, ...]) -> str:
    hints = {
        "url": "an address is missing: add `url: https://…`",
        "sources": "`sources:` is missing: a list of feeds to poll",
        "slug": "`slug` is missing: the name of the feed in addresses",
        "query": "`query` is missing: the words to look for",
    }
    return hints.get(str(path[-1]), f"`{path[-1]}` is missing")


def known_keys(path: tuple[Key, ...]) -> list[str]:
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
        inner = [found for member in get_args(kind) for found in _inner(member, part)]
        return inner or [kind]
    if origin is list:
        return [get_args(kind)[0]] if isinstance(part, int) else _inner(get_args(kind)[0], part)
    if origin in (dict, Mapping):
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
