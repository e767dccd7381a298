"""Reads lists of names: the built-in ones in `data/`, and the user's file in the same form (docs/tags.md).

A file is YAML: `entities:` (id → names), `people:` (id → who stands for it, and from when until when), `none:` (longer names
that are something else) and `expect:` (tests). Names are separated by commas, or are a list; a mark at a name's end says when it
counts (see `Mark`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from msgspec import Struct

from aggregator.errors import ConfigError, Problem

MAX_BYTES = 5_000_000


class Mark(StrEnum):
    """When a name counts. PLAIN: always; SECOND: with another name of the entity or a word of its `near`; COMMON: with another
    name, or where the sentence shows a name; BESIDE: not beside a capitalised word in a title in sentence case; ACTS: as SECOND,
    and where it does what organisations do, in languages in which it is a common word."""

    PLAIN = ""
    SECOND = "?"
    COMMON = "~"
    BESIDE = "^"
    ACTS = "!"


class Term(NamedTuple):
    """The days on which a person stands for an entity, the first and the last included."""

    first: date
    last: date


EVER = Term(date.min, date.max)


class Name(Struct, frozen=True):
    """entity: None for a longer name that is something else; term: for a person's name, when it stands for the entity."""

    text: str
    entity: str | None
    mark: Mark = Mark.PLAIN
    term: Term | None = None


class NameTest(Struct, frozen=True):
    """A test in a list: the entities that a title must have and must not have. day: when it was published, if that matters."""

    title: str
    body: str
    language: str
    has: tuple[str, ...]
    has_not: tuple[str, ...]
    day: date | None = None


class Hints(Struct, frozen=True):
    """What tells whether an entity's marked names count. near: words, any of which makes its SECOND and ACTS names count; unless:
    words with which its ACTS names don't; common: languages in which those are common words, too; empty for all."""

    near: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    common: frozenset[str] = frozenset()

    def __add__(self, other: Hints) -> Hints:
        return Hints(self.near | other.near, self.unless | other.unless, self.common | other.common)


class NameList(Struct, frozen=True):
    """hints: by entity; people: None if the list says nothing of them."""

    names: tuple[Name, ...] = ()
    hints: Mapping[str, Hints] = {}
    tests: tuple[NameTest, ...] = ()
    people: tuple[Name, ...] | None = None

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(name.entity for name in (*self.names, *(self.people or ())) if name.entity is not None)

    def __add__(self, other: NameList) -> NameList:
        hints = dict(self.hints)
        for entity, more in other.hints.items():
            hints[entity] = hints.get(entity, Hints()) + more
        people = self.people if other.people is None else other.people
        return NameList(self.names + other.names, hints, self.tests + other.tests, people)


def read(path: Path) -> NameList:
    """Reads a list. Raises ConfigError with the line of the mistake."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError([Problem(str(path), 0, 0, f"too large: at most {MAX_BYTES:,} bytes")])
        loaded = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(path), 0, 0, "is not UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError([Problem(str(path), line, column, f"not YAML: {getattr(error, 'problem', error)}")]) from None
    try:
        return from_mapping(loaded)
    except ValueError as error:
        raise ConfigError([Problem(str(path), 0, 0, str(error))]) from None


def from_mapping(loaded: Any) -> NameList:
    """Makes a list from a loaded YAML document. Raises ValueError."""
    if not isinstance(loaded, dict) or not {"entities", "people"} & loaded.keys():
        raise ValueError("a list of names has a mapping `entities:` from ids to names")
    if not isinstance(loaded.get("entities", {}), dict):
        raise ValueError("a list of names has a mapping `entities:` from ids to names")
    if unknown := set(loaded) - {"entities", "people", "none", "expect"}:
        raise ValueError(f"unknown key {sorted(map(str, unknown))[0]}; known are entities, people, none and expect")
    names: list[Name] = []
    hints: dict[str, Hints] = {}
    for entity, value in loaded.get("entities", {}).items():
        _check_id(entity, "entities")
        words = value
        if isinstance(value, dict):
            words = value.get("names")
            hints[entity] = _hints(value, entity)
        names.extend(_name(text, entity) for text in _texts(words, entity))
    names.extend(Name(text, None) for text in _texts(loaded.get("none") or [], "none"))
    people = tuple(_people(loaded["people"] or {})) if "people" in loaded else None
    return NameList(tuple(names), hints, tuple(_tests(loaded.get("expect") or [])), people)


def _hints(value: Mapping[Any, Any], entity: str) -> Hints:
    if unknown := set(value) - {"names", "near", "unless", "common"}:
        raise ValueError(f"{entity}: unknown key {sorted(map(str, unknown))[0]}; known are names, near, unless and common")
    near, unless, common = (
        frozenset(word.casefold() for word in _texts(value.get(key) or [], entity)) for key in ("near", "unless", "common")
    )
    return Hints(near, unless, common)


def _check_id(entity: Any, where: str) -> None:
    if not isinstance(entity, str):
        raise ValueError(f"{where}: {entity!r} is not a text; put it in quotes")


def _people(value: Any) -> Iterator[Name]:
    """Reads `people:`. Each row needs both dates: who left office years ago must not stand for a country."""
    if not isinstance(value, dict):
        raise ValueError("people: a mapping from ids to rows {names: …, from: 2025-01-20, until: 2029-01-20}")
    for entity, rows in value.items():
        _check_id(entity, "people")
        for row in rows if isinstance(rows, list) else [rows]:
            if not isinstance(row, dict) or set(row) != {"names", "from", "until"}:
                raise ValueError(f"people: {entity}: each row has names, from and until, and nothing else")
            term = Term(_day(row["from"], f"people: {entity}: from"), _day(row["until"], f"people: {entity}: until"))
            if term.first > term.last:
                raise ValueError(f"people: {entity}: {row['names']}: until is before from")
            for text in _texts(row["names"], f"people: {entity}"):
                name = _name(text, entity)
                yield Name(name.text, entity, name.mark, term)


def _day(value: Any, where: str) -> date:
    if type(value) is not date:  # a datetime is one, too
        raise ValueError(f"{where} is no date: write it like 2025-01-20")
    return value


def _name(text: str, entity: str) -> Name:
    mark = Mark(text[-1]) if text[-1] in "?~^!" else Mark.PLAIN
    return Name(text.rstrip("?~^!"), entity, mark)


def _texts(value: Any, where: str) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) and part.strip() for part in parts):
        raise ValueError(f"{where}: names are texts between commas, or a list of texts")
    return [" ".join(part.split()) for part in parts]


def _tests(rows: Any) -> Iterator[NameTest]:
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, dict) or not isinstance(row.get("title"), str):
            raise ValueError("expect: a list of {title: …, has: [ids], not: [ids]}")
        if unknown := set(row) - {"title", "body", "language", "date", "has", "not"}:
            raise ValueError(f"expect: unknown key {sorted(map(str, unknown))[0]}")
        has, has_not = (tuple(_texts(row.get(key) or [], "expect")) for key in ("has", "not"))
        day = _day(row["date"], "expect: date") if "date" in row else None
        yield NameTest(row["title"], str(row.get("body") or ""), str(row.get("language") or "en"), has, has_not, day)
