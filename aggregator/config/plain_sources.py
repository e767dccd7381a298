"""Sources of which nothing is said but id, address, title and group, in the form that `aggregator add` writes.

Configs of very many sources are lists of these. YAML takes 2 kB and 30 µs to tell what is in one, a pattern a tenth. What a
pattern can't be sure of is left to YAML, also the list around them and the rest of the file: it gets the file with a mark in
place of each run of plain sources. Where YAML does not find each mark at its place, or anything is wrong, the whole file is read
as any other. See docs/decisions/081-many-sources.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from aggregator.config.scalars import reading
from aggregator.config.secrets import PLAIN_URL, SHORT_URL
from aggregator.config.tree import Node, Scalar, Sequence

LEAST = 20_000
"""Characters of a config that is worth it: some 200 sources."""
MARK = "plain"
"""What stands in place of a run of plain sources. Its place tells it, not its text."""
LONGEST = 200
"""Characters of a value; longer ones are checked as usual."""

_LIST = re.compile(r"^sources:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*( *)- ", re.MULTILINE)
_END = re.compile(r"^(?![ #\n]|- )", re.MULTILINE)
"""Where a line begins that belongs to no list."""
_TAIL = re.compile(r"(?:\n[ ]*(?:#[^\n]*)?)+\Z")
"""Blank lines and comments behind a source."""
_ID = r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*"
_BARE = r"[^\W_](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029#:]*[^\s\x7f-\xa0#:])?"
"""Text without quotes. YAML has more to say of a colon or a `#` in it."""
_QUOTED = r"[^\s\"'\\](?:[^\x00-\x1f\x7f-\xa0\u2028\u2029\"'\\]*[^\s\x7f-\xa0\"'\\])?"


def _form(bare: str, quoted: str = "", flags: int = 0) -> re.Pattern[str]:
    quoted = quoted or bare
    return re.compile(rf"({bare})|\"({quoted})\"|'({quoted})'", flags)


_TEXT = _form(_BARE, _QUOTED)
_FORMS = {"id": _form(_ID), "url": _form(PLAIN_URL.pattern, flags=re.ASCII), "title": _TEXT, "group": _TEXT}


class PlainSource(Struct, frozen=True):
    """What is said of a source; None is not said."""

    url: str
    id: str | None = None
    title: str | None = None
    group: str | None = None


class Apart(Struct, frozen=True):
    """A config without its plain sources. frame: the rest of the text, on the same lines; marks: line and column of each mark.

    order: of all members of `sources`, None for those that are left to YAML; lines: of the plain ones.
    pieces: each plain source by its text.
    """

    frame: str
    marks: tuple[tuple[int, int], ...]
    order: tuple[PlainSource | None, ...]
    lines: tuple[int, ...]
    pieces: Mapping[str, PlainSource]

    def places(self) -> Iterator[tuple[int, int]]:
        """Line and column of each plain source."""
        return ((line, self.marks[0][1]) for line in self.lines)


def set_apart(text: str, known: Mapping[str, PlainSource]) -> Apart | None:
    """The config without its plain sources; None if it has none. known: plain sources by their text, read before."""
    found = _LIST.search(text) if len(text) >= LEAST else None
    if found is None:
        return None
    indent, begins = found[1], found.end()
    end = _END.search(text, begins)
    ends = end.start() if end else len(text)
    line, start = text.count("\n", 0, begins) + 1, begins - len(f"{indent}- ")
    frame, marks, order, lines, pieces = [text[:start]], [], [], [], {}
    is_in_run = False
    for piece in text[begins:ends].removesuffix("\n").split(f"\n{indent}- "):
        source = known.get(piece) or read_plain(piece, f"\n{indent}  ")
        height = piece.count("\n") + 1
        if source is None:
            frame.append(f"{indent}- {piece}\n")
        else:
            pieces[piece] = source
            lines.append(line)
            if not is_in_run:
                marks.append((line, len(indent) + 3))
            frame.append("\n" * height if is_in_run else f"{indent}- {MARK}" + "\n" * height)
        is_in_run = source is not None
        order.append(source)
        line += height
    frame.append(text[ends:])
    return Apart("".join(frame), tuple(marks), tuple(order), tuple(lines), pieces) if marks else None


def take_marks(node: Node | None, apart: Apart) -> bool:
    """Takes the marks out of the list of sources that YAML read. False if one is not where it should be."""
    if not isinstance(node, Sequence) or node.flow:
        return False
    marks = set(apart.marks)
    rest = [one for one in node.items if (one.line, one.column) not in marks]
    found = [one for one in node.items if (one.line, one.column) in marks and isinstance(one, Scalar) and one.text == MARK]
    node.items[:] = rest
    return len(found) == len(marks) and len(rest) == apart.order.count(None)


def read_plain(piece: str, between: str) -> PlainSource | None:
    """The source that a member of the list is; None if it is not plain.

    piece: its text behind the dash and before that of the next one. between: what stands between two of its lines.
    """
    if "#" in piece or piece.endswith(("\n", " ")):
        piece = _TAIL.sub("", piece)
    if ": " not in piece:
        return PlainSource(piece) if len(piece) <= SHORT_URL and PLAIN_URL.fullmatch(piece) else None
    said: dict[str, str] = {}
    for line in piece.split(between):
        key, _, written = line.partition(": ")
        form = _FORMS.get(key)
        match = form.fullmatch(written) if form is not None and key not in said and len(written) <= LONGEST else None
        if match is None or (match[1] is not None and reading(written) != written):
            return None
        said[key] = match[match.lastindex or 0]
    return PlainSource(**said) if "url" in said else None
