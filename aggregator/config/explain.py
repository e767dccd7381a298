"""What was refused as problems at their places, in words that say what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from aggregator.config.document import Document, find
from aggregator.config.keys import is_secret, label, missing_words, near_key, unknown_words
from aggregator.config.kinds import IN_KEY, Path, Refused
from aggregator.config.tree import Mapping as MapNode
from aggregator.config.tree import Node, Scalar, name_of
from aggregator.errors import Problem


def explain(document: Document, refused: list[tuple[Path, Refused]]) -> list[Problem]:
    """One problem for each mistake; what only follows from another mistake is left out."""
    meant = set(_meant(refused))
    return [
        _problem(document, path, one) for path, one in refused if one.mistake != "missing" or not _told(document, path, meant)
    ]


def _meant(refused: list[tuple[Path, Refused]]) -> Iterator[Path]:
    """The keys that misspelt ones stand for: those are then not missing."""
    for path, one in refused:
        if one.mistake == "unknown" and (near := near_key(path)):
            yield (*path[:-1], near)


def _told(document: Document, path: Path, meant: set[Path]) -> bool:
    """Whether a missing key is there, misspelt or without a value, which is told already."""
    node = find(document.root, path[:-1])[0]
    return path in meant or (isinstance(node, MapNode) and path[-1] in node.pairs)


def _problem(document: Document, path: Path, refused: Refused) -> Problem:
    node, key, missing = find(document.root, path)
    if refused.mistake == "unknown":
        return document.problem(key or node, unknown_words(path))
    if refused.mistake == "missing":
        return document.problem(node, missing_words(path))
    if path and path[-1] == IN_KEY:
        return document.problem(find(document.root, path[:-1])[1] or node, f"{label(path[:-1])}: {_said(refused, node, path)}")
    return document.problem(node, f"{label(path, missing)}: {_said(refused, node, path)}")


def _said(refused: Refused, node: Node, path: Path) -> str:
    if isinstance(node, Scalar) and node.value is None and refused.mistake != "said":
        return "is empty; write a value, or remove it"
    match refused.mistake:
        case "said":
            return refused.said + ("; or write true or false" if path[-1] == "=address" else "")
        case "text":
            return _not_text(node, path)
        case "whole":
            return f"a whole number is needed, not {_quoted(node, path)}{_as_number(node)}"
        case "switch":
            return f"true or false is needed, not {_quoted(node, path)}"
        case "low":
            return f"must be at least {refused.said}"
        case "high":
            return f"must be at most {refused.said}"
        case "list":
            return f"must be a list, not {_kind(node)}; {_as_list(node, path)}"
        case "map":
            return f"must be {_WANTED.get(str(path[-1]), 'a map (`key: value`)')}, not {_kind(node)}"
        case "choice":
            return f"must be {refused.said}, not {_quoted(node, path)}{_near_choice(node, refused.said)}"
        case _:
            return "is empty"


_WANTED = {
    "access": 'a map with the token, such as `access: {token: "${FEED_TOKEN}"}`',
    "admin": 'a map with the token, such as `admin: {token: "${ADMIN_TOKEN}"}`',
    "mcp": 'a map with the token, such as `mcp: {token: "${MCP_TOKEN}"}`',
    "=source": "an address or a map",
    "=map": "false, or a map such as {level: event}",
}
"""What is wanted in words: members of unions, and sections that people write as one value."""


def _as_list(node: Node, path: Path) -> str:
    if not isinstance(node, Scalar) or is_secret(path) or not re.fullmatch(r"[\w.*-]{1,40}", node.text):
        return "write each entry on a line that begins with `- `"
    return f"write `[{node.text}]`"


def _as_number(node: Node) -> str:
    """What hinders a value that has the digits of a number."""
    if not isinstance(node, Scalar) or not re.fullmatch(r"[+0-9][0-9_]{0,11}", node.text):
        return ""
    plain = node.text.lstrip("+").replace("_", "").lstrip("0") or "0"
    return f"; write {plain}" + ("" if node.style is None else " without quotes")


def _not_text(node: Node, path: Path) -> str:
    if not isinstance(node, Scalar):
        return f"must be text, not {_kind(node)}"
    if is_secret(path):
        return f"must be text, but YAML reads this as {name_of(node.value).split(' (')[0]}; put it in quotes"
    return f'must be text, but YAML reads `{node.text[:40]}` as {name_of(node.value)}; put it in quotes: "{node.text[:40]}"'


def _quoted(node: Node, path: Path) -> str:
    if not isinstance(node, Scalar):
        return _kind(node)
    return "this" if is_secret(path) or not node.text.isprintable() else f"`{node.text[:40]}`"


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return {True: "nothing", False: "a single value"}[node.value is None]
    return "a map" if isinstance(node, MapNode) else "a list"


def _near_choice(node: Node, expected: str) -> str:
    choices = expected.replace("`", "").replace(" or ", ", ").split(", ")
    near = difflib.get_close_matches(node.text if isinstance(node, Scalar) else "", choices, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
