"""pydantic's errors as problems at their places, in words that say what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aggregator.config.document import Document, find
from aggregator.config.keys import label, missing_words, near_key, unknown_words
from aggregator.config.tree import Key, Node, Scalar, name_of
from aggregator.config.tree import Mapping as MapNode
from aggregator.errors import Problem

CONFIDENTIAL = frozenset({"headers", "token", "webhook", "proxy", "url", "opml", "database"})
"""Keys of which the value is never repeated in a message."""


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
        if detail["type"] == "extra_forbidden" and (near := near_key(detail["loc"])):
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
        return document.problem(key or node, unknown_words(path))
    if kind == "missing":
        return document.problem(node, missing_words(path))
    if path and path[-1] == "[key]":
        return document.problem(find(document.root, path[:-1])[1] or node, f"{label(path[:-1])}: {_said(detail, node, path)}")
    return document.problem(node, f"{label(path, missing)}: {_said(detail, node, path)}")


def _said(detail: ErrorDetails, node: Node, path: tuple[Key, ...]) -> str:
    context = detail.get("ctx", {})
    if isinstance(node, Scalar) and node.value is None and detail["type"] != "config":
        return "is empty; write a value, or remove it"
    match detail["type"]:
        case "config":
            return str(context["said"]) + ("; or write true or false" if path[-1] == "=address" else "")
        case "string_type":
            return _not_text(node, path)
        case "int_type" | "int_parsing" | "int_from_float":
            return f"a whole number is needed, not {_quoted(node, path)}{_as_number(node)}"
        case "bool_type":
            return f"true or false is needed, not {_quoted(node, path)}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "list_type":
            return f"must be a list, not {_kind(node)}; {_as_list(node, path)}"
        case "dict_type" | "model_type":
            return f"must be {_WANTED.get(str(path[-1]), 'a map (`key: value`)')}, not {_kind(node)}"
        case "literal_error":
            choices = str(context["expected"]).replace("'", "`")
            return f"must be {choices}, not {_quoted(node, path)}{_near_choice(node, choices)}"
        case "string_too_short":
            return "is empty"
        case _:
            return detail["msg"]


_WANTED = {"=source": "an address or a map", "=map": "false, or a map such as {level: event}"}
"""What members of unions stand for."""


def _as_list(node: Node, path: tuple[Key, ...]) -> str:
    if not isinstance(node, Scalar) or _confidential(path) or not re.fullmatch(r"[\w.*-]{1,40}", node.text):
        return "write each entry on a line that begins with `- `"
    return f"write `[{node.text}]`"


def _as_number(node: Node) -> str:
    """What hinders a value that has the digits of a number."""
    if not isinstance(node, Scalar) or not re.fullmatch(r"[+0-9][0-9_]{0,11}", node.text):
        return ""
    plain = node.text.lstrip("+").replace("_", "").lstrip("0") or "0"
    return f"; write {plain}" + ("" if node.style is None else " without quotes")


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
