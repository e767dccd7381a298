"""A config file as a tree with places: where in it a value or a character of a query stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from aggregator.config.tree import Key, Mapping, Node, Scalar, Sequence
from aggregator.errors import Problem
from aggregator.text.masks import mask_text

ESCAPES = {"x": 2, "u": 4, "U": 8}
"""Digits that follow these escapes in double quotes."""


class Document(Struct, frozen=True):
    """The text of a file and the tree read from it. name: as the user named the file."""

    name: str
    text: str
    root: Mapping

    def problem(self, at: Node, message: str) -> Problem:
        return Problem(self.name, at.line, at.column, mask_text(message))

    def query_problem(self, at: Scalar, offset: int, message: str) -> Problem:
        """A problem at one character of a text value."""
        index = index_of(self.text, at, offset)
        line = self.text.count("\n", at.start, index) + at.line
        begins = self.text.rfind("\n", 0, index) + 1
        return Problem(self.name, line, index - begins + 1, message)


def plain(node: Node) -> Any:
    """The tree as lists, dicts and scalars, for validation."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, (_, value) in node.pairs.items()}


def nodes(node: Node | None) -> list[Node]:
    """The items of a list; nothing for anything else."""
    return node.items if isinstance(node, Sequence) else []


def pairs(node: Node | None) -> Iterator[tuple[str, Scalar, Node]]:
    """Key, the key's node and the value's of a map; nothing for anything else."""
    if isinstance(node, Mapping):
        for key, (at, value) in node.pairs.items():
            yield key, at, value


def text_of(node: Node | None) -> str | None:
    """The text of a scalar that is meant as text."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) else None


def find(root: Node, path: tuple[Key, ...]) -> tuple[Node, Scalar | None, tuple[Key, ...]]:
    """The node at a path, the key that leads to it, and what of the path is not in the file.

    Parts of the path of a mistake that are not in the file (`=name` of one of several kinds) are skipped on the way.
    """
    node, key = root, None
    missing: list[Key] = []
    for part in path:
        if isinstance(node, Mapping) and part in node.pairs:
            key, node = node.pairs[str(part)]
            missing = []
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            key, node = None, node.items[part]
            missing = []
        else:
            missing.append(part)
    return node, key, tuple(missing)


def index_of(text: str, scalar: Scalar, offset: int) -> int:
    """Index in the file's text of the character at `offset` of a scalar's value.

    YAML folds lines, drops indentation and has escapes, but never reorders: blanks apart, the characters of the value
    stand in the text in their order. So both are walked side by side.
    """
    if scalar.style == "*":
        return scalar.start
    index, end = _content(text, scalar)
    place, seen = index, 0
    while seen < offset and index < end:
        if scalar.text[seen].isspace():
            seen += 1
            index = place = _past_blank(text, scalar, max(index, place), end)
            continue
        index = place = _past_blanks(text, scalar, max(index, place), end)
        index = place = _past_character(text, scalar, index)
        seen += 1
    if seen < len(scalar.text) and not scalar.text[seen].isspace():
        place = _past_blanks(text, scalar, place, end)
    return min(place, end)


def _content(text: str, scalar: Scalar) -> tuple[int, int]:
    """Where a scalar's characters begin and end: without quotes, without the header line of a block."""
    if scalar.style in ("'", '"'):
        return text.index(scalar.style, scalar.start) + 1, scalar.end - 1
    if scalar.style in ("|", ">"):
        return text.find("\n", scalar.start) + 1, scalar.end
    return scalar.start, scalar.end


def _past_blanks(text: str, scalar: Scalar, index: int, end: int) -> int:
    """The index behind blanks, line breaks and, in double quotes, backslashes that join lines."""
    while index < end and (text[index].isspace() or (scalar.style == '"' and text.startswith("\\\n", index))):
        index += 1
    return index


def _past_blank(text: str, scalar: Scalar, index: int, end: int) -> int:
    """The index behind a blank of the value, which may be written as an escape, a blank, or a line break to come."""
    if scalar.style == '"' and text[index : index + 1] == "\\" and text[index + 1 : index + 2] != "\n":
        return _past_character(text, scalar, index)
    return index + 1 if index < end and text[index] == " " else index


def _past_character(text: str, scalar: Scalar, index: int) -> int:
    """The index behind one character of the value."""
    if scalar.style == "'" and text.startswith("''", index):
        return index + 2
    if scalar.style == '"' and text[index : index + 1] == "\\":
        return index + 2 + ESCAPES.get(text[index + 1 : index + 2], 0)
    return index + 1
