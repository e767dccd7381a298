"""Adds sources to a config file without touching anything else in it.

The new lines are put behind the last source, in the file's own style; every other byte stays as it is, so comments,
order, quotes and spacing can't be lost. What comes out is read again before it replaces the file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

from msgspec import Struct

from aggregator import files
from aggregator.config.document import plain
from aggregator.config.scalars import reading
from aggregator.config.source import decode, read_bytes
from aggregator.config.tree import Mapping, Node, Scalar, Sequence, compose
from aggregator.errors import AggregatorError, ConfigError, UsageError

BARE = re.compile(r"[A-Za-z][A-Za-z0-9 ._/-]*")
BARE_URL = re.compile(r"https?://[A-Za-z0-9._~:/?@!$&()*+,;=%-]+")


class EditError(AggregatorError):
    """The file has a form that can't be edited safely; the text says what to add by hand."""


class NewSource(Struct, frozen=True):
    """What is known of a source to be added."""

    url: str
    id: str | None = None
    title: str | None = None
    group: str | None = None
    kind: str | None = None

    def keys(self) -> dict[str, str]:
        """The keys to be written, in their order."""
        given = {"id": self.id, "url": self.url, "title": self.title, "group": self.group, "kind": self.kind}
        return {key: value for key, value in given.items() if value}


def add_sources(file: Path, sources: Many[NewSource], check: Callable[[str], object]) -> None:
    """Puts the sources into the file, atomically. check: refuses, by a ConfigError, a text that is no valid config.

    Raises EditError, UsageError where the config would refuse a source, or ConfigError where the file is no YAML.
    """
    raw = read_bytes(file)
    edited = checked(file, decode(str(file), raw), sources, check)
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    replace_file(file, mark + edited.encode())


def check_sources(file: Path, sources: Many[NewSource], check: Callable[[str], object]) -> None:
    """Raises what `add_sources` would raise, and writes nothing."""
    checked(file, decode(str(file), read_bytes(file)), sources, check)


def checked(file: Path, text: str, sources: Many[NewSource], check: Callable[[str], object]) -> str:
    """The text with the sources, if the config takes them. Raises UsageError if not."""
    edited = with_sources(str(file), text, sources)
    if sources:
        try:
            check(edited)
        except ConfigError as error:
            refused = "\n".join(f"  {problem.message}" for problem in error.problems)
            raise UsageError(f"{file} would be refused with that, so nothing was changed:\n{refused}") from error
    return edited


def with_sources(name: str, text: str, sources: Many[NewSource]) -> str:
    """The text with the sources behind those that it has."""
    root, problems = compose(name, text)
    if problems:
        raise ConfigError(problems)
    if not sources:
        return text
    edited = _inserted(text, root, sources)
    again, problems = compose(name, edited)
    if problems or again is None or plain(again) != _expected(root, sources):
        raise EditError(
            f"{name} has a form that can't be edited safely; add to `sources:` by hand:\n{_block(sources, '  ', chr(10))}"
        )
    return edited


def _expected(root: Node | None, sources: Many[NewSource]) -> dict[str, Any]:
    before: dict[str, Any] = plain(root) if isinstance(root, Mapping) else {}
    return {**before, "sources": [*(before.get("sources") or []), *(_value(source) for source in sources)]}


def _value(source: NewSource) -> Any:
    keys = source.keys()
    return source.url if list(keys) == ["url"] else keys


# --- where
def _inserted(text: str, root: Node | None, sources: Many[NewSource]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    key, node = root.pairs.get("sources", (None, None)) if isinstance(root, Mapping) else (None, None)
    match node:
        case Sequence(flow=True, items=[]):
            start = text.rindex("[", 0, node.end)
            return f"{text[:start].rstrip(' ')}{newline}{_block(sources, '  ', newline)}{text[node.end :]}"
        case Sequence(flow=True):
            at = _last(text, node.items[-1])
            return f"{text[:at]}{''.join(f', {json.dumps(_value(source), ensure_ascii=False)}' for source in sources)}{text[at:]}"
        case Sequence():
            indent = " " * (node.column - 1)
            at = _behind_comments(text, _last(text, node.items[-1]), len(indent))
            return _behind_line(text, at, _block(sources, indent, newline), newline)
        case Scalar() if key is not None and node.value is None:
            return _behind_line(text, key.end, _block(sources, "  ", newline), newline)
        case None if root is None or (isinstance(root, Mapping) and not root.flow):
            end = "" if not text or text.endswith("\n") else newline
            return f"{text}{end}sources:{newline}{_block(sources, '  ', newline)}{newline}"
        case _:
            return text


def _last(text: str, node: Node) -> int:
    """The index behind the last character of a node that is no blank."""
    while not isinstance(node, Scalar) and not node.flow:
        node = node.items[-1] if isinstance(node, Sequence) else next(reversed(node.pairs.values()))[1]
    end = node.end
    while isinstance(node, Scalar) and end > node.start and text[end - 1].isspace():
        end -= 1
    return end


def _behind_comments(text: str, index: int, indent: int) -> int:
    """An index in the last of the comment lines that follow and belong to what stands before: they are indented deeper."""
    while (end := text.find("\n", index)) >= 0:
        line = text[end + 1 :].partition("\n")[0]
        if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) <= indent:
            break
        index = end + 1
    return index


def _behind_line(text: str, index: int, lines: str, newline: str) -> str:
    """The lines put behind the line that an index stands in, so behind the comment at its end."""
    end = text.find("\n", index)
    if end < 0:
        return f"{text}{newline}{lines}"
    return f"{text[: end + 1]}{lines}{newline}{text[end + 1 :]}"


# --- what
def _block(sources: Many[NewSource], indent: str, newline: str) -> str:
    lines = []
    for source in sources:
        value = _value(source)
        if isinstance(value, str):
            lines.append(f"{indent}- {_written(value)}")
            continue
        pairs = [f"{key}: {_written(item)}" for key, item in value.items()]
        lines += [f"{indent}{'  ' if number else '- '}{pair}" for number, pair in enumerate(pairs)]
    return newline.join(lines)


def _written(value: str) -> str:
    """A text as YAML that everything reads as that text: bare where that is sure, else in double quotes (as in JSON)."""
    bare = BARE_URL.fullmatch(value) or (BARE.fullmatch(value) and value == value.strip() and reading(value) == value)
    return value if bare and not value.endswith(":") else json.dumps(value, ensure_ascii=False)


def replace_file(file: Path, content: bytes) -> None:
    """Writes beside the file and renames, keeping its mode; a symbolic link stays one. Raises AggregatorError."""
    try:
        files.replace_file(Path(os.path.realpath(file)), content, 0o644, keeps_mode=True)
    except OSError as error:
        raise AggregatorError(f"{file} can't be written: {error.strerror or error}") from None
