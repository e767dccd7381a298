"""Keys that are understood but do nothing yet: `check` names those that a file uses.

Work that gives one a meaning removes its line.
"""

from __future__ import annotations

from collections.abc import Iterator

from aggregator.config.document import Document, nodes, pairs
from aggregator.config.tree import Mapping, Node

INACTIVE: tuple[str, ...] = ()
"""Paths of keys; `*` is any entry of a list or map."""


def used(document: Document) -> Iterator[str]:
    """The inactive keys of a file as `file:line:col: key`."""
    for path in INACTIVE:
        for node in _at(document.root, path.split(".")):
            yield str(document.problem(node, path.replace(".*", "")))


def _at(node: Node, path: list[str]) -> Iterator[Node]:
    if not path:
        yield node
    elif path[0] == "*":
        for inner in [*nodes(node), *(value for _, _, value in pairs(node))]:
            yield from _at(inner, path[1:])
    elif isinstance(node, Mapping) and (found := node.get(path[0])) is not None:
        yield from _at(found, path[1:])
