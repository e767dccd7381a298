"""YAML text as a tree of nodes that know their place, with what PyYAML lets pass in silence told as problems.

PyYAML's composer drops duplicate keys, follows aliases without end and recurses without a limit. So the tree is made
here from libyaml's events: iteratively, with bounds on depth and on what aliases unfold to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml
from msgspec import Struct, field

from aggregator.config.scalars import Plain, reading
from aggregator.config.source import FORBIDDEN, unfit
from aggregator.config.syntax import explain_syntax
from aggregator.errors import Problem

MAX_DEPTH = 40
"""The schema needs 6."""
MAX_UNFOLDED = 50_000
"""Nodes that aliases may stand for, all together: enough for shared lists, far below what a bomb needs."""

Key = str | int
STR = "tag:yaml.org,2002:str"


class Scalar(Struct, eq=False):
    """A single value. start, end: its indexes in the text, quotes and block headers included; style: None is plain."""

    text: str
    line: int
    column: int
    style: str | None = None
    start: int = 0
    end: int = 0

    @property
    def value(self) -> Plain:
        return reading(self.text) if self.style is None else self.text


class Sequence(Struct, eq=False):
    """A list. column: of its first dash, or of its `[` (flow); end: index behind its last character (flow alone)."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)
    flow: bool = False
    end: int = 0


class Mapping(Struct, eq=False):
    """Pairs in the order of the file, merge keys (`<<`) resolved."""

    line: int
    column: int
    pairs: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    flow: bool = False
    end: int = 0

    def get(self, key: str) -> Node | None:
        return self.pairs[key][1] if key in self.pairs else None


Node = Scalar | Sequence | Mapping


class _Open(Struct, eq=False):
    """A collection whose end has not come yet. size: nodes in it, aliases unfolded."""

    node: Sequence | Mapping
    anchor: str | None
    key: Scalar | None = None
    size: int = 1


def compose(name: str, text: str) -> tuple[Node | None, list[Problem]]:
    """The tree of the one document in the text (None: nothing in it) and all that is wrong with its form."""
    composer = _Composer(name, text)
    try:
        for event in iter(yaml.CSafeLoader(text).get_event, None):
            composer.take(event)
            if composer.full:
                break
    except yaml.MarkedYAMLError as error:
        composer.problems.append(explain_syntax(name, text, error))
    except yaml.YAMLError as error:  # a reader error has no mark; source.decode has found nothing that would cause one
        composer.problems.append(Problem(name, 1, 1, f"this is not YAML: {type(error).__name__}"))
    return composer.root, composer.problems


class _Composer:
    """Takes one event after the other."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.full = False
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._documents = 0
        self._unfolded = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._add(self._scalar(event), 1, event.anchor)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._wrong(event, "a second document begins here; a config is one document: remove the `---`")
                self.full = True

    def _wrong(self, at: yaml.Event | Node, message: str) -> None:
        if isinstance(at, Scalar | Sequence | Mapping):
            line, column = at.line, at.column
        else:
            line, column, _ = _place(at.start_mark)
        self.problems.append(Problem(self.name, line, column, message))

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text, style = event.value, event.style or None
        start: Any = event.start_mark
        end: Any = event.end_mark
        if event.tag is not None:
            if event.tag not in ("!", STR):
                self._tag(event)
            style = style or "!"
        if style == '"' and (found := FORBIDDEN.search(text)):  # only an escape gets past source.decode
            self._wrong(event, unfit(found.group()))
            text = FORBIDDEN.sub("", text)
        return Scalar(text, start.line + 1, start.column + 1, style, start.index, end.index)

    def _tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")[:60]
        self._wrong(event, f"the YAML tag {tag} is not allowed here; remove it")

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        line, column, _ = _place(event.start_mark)
        broken: tuple[Node, int] = (Scalar("", line, column, "*"), 1)
        node, size = self._anchors.get(name, broken)
        if any(frame.anchor == name for frame in self._stack):
            self._wrong(event, f"alias *{name} stands inside of what it repeats: it would go in a circle")
            node, size = broken
        elif name not in self._anchors:
            message = f"alias *{name} repeats an anchor &{name} that is undefined"
            self._wrong(event, f"{message}; define it before, or put the value in quotes if it is meant as text")
        else:
            self._unfolded += size
            if self._unfolded > MAX_UNFOLDED:
                self._wrong(event, f"alias *{name}: the aliases of this file unfold to more than {MAX_UNFOLDED} values")
                self.full = True
        self._add(node, size, None)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        line, column, _ = _place(event.start_mark)
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
        if event.tag is not None:
            self._tag(event)
        if len(self._stack) >= MAX_DEPTH:
            self._wrong(event, f"values are nested more than {MAX_DEPTH} deep")
            self.full = True
        self._stack.append(_Open(kind(line, column, flow=bool(event.flow_style)), event.anchor))

    def _close(self, event: yaml.Event) -> None:
        frame = self._stack.pop()
        frame.node.end = _place(event.end_mark)[2]
        if isinstance(frame.node, Mapping):
            _merge(frame.node, self._wrong)
        self._add(frame.node, frame.size, frame.anchor)

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if not self._stack:
            if self.root is None:
                self.root = node
            return
        frame = self._stack[-1]
        frame.size += size
        if isinstance(frame.node, Sequence):
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = self._key(node)
        else:
            self._pair(frame.node, frame.key, node)
            frame.key = None

    def _key(self, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            self._wrong(node, "a key must be text, not a list or a map")
            return Scalar("\0", node.line, node.column, "*")
        value = node.value
        if not isinstance(value, str) and node.style != "*":
            self._wrong(node, f"key `{node.text}`: YAML reads this as {name_of(value)}, not as text; put it in quotes")
        return node

    def _pair(self, mapping: Mapping, key: Scalar, node: Node) -> None:
        if key.text in mapping.pairs and key.text != "\0":
            first = mapping.pairs[key.text][0]
            self._wrong(key, f"duplicate key: `{key.text}` is given twice (first in line {first.line}); keep one")
        elif key.text != "\0":
            mapping.pairs[key.text] = (key, node)


def _place(mark: Any) -> tuple[int, int, int]:
    """Line and column from 1, index from 0."""
    return mark.line + 1, mark.column + 1, mark.index


def name_of(value: Plain) -> str:
    """What YAML reads a plain scalar as, in words."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true" if value else "false"
        case int():
            return "a number"
        case str():
            return "text"
        case _:
            return value.reads_as


def _merge(mapping: Mapping, wrong: Callable[[Node, str], None]) -> None:
    """Resolves a merge key: what the mapping itself says comes first, then the merged ones in order."""
    if "<<" not in mapping.pairs:
        return
    key, node = mapping.pairs.pop("<<")
    for part in node.items if isinstance(node, Sequence) else [node]:
        if isinstance(part, Mapping):
            for name, pair in part.pairs.items():
                mapping.pairs.setdefault(name, pair)
        else:
            wrong(key, "the merge key `<<` takes a map or a list of maps")


def walk(node: Node) -> Iterator[Node]:
    """The node and all in it; what an alias repeats comes each time."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if isinstance(current, Sequence):
            stack.extend(reversed(current.items))
        elif isinstance(current, Mapping):
            stack.extend(value for _, value in reversed(current.pairs.values()))
