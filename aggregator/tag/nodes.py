"""What a query is once it is read: a small tree of frozen values. `offset` is where a term stands in the query's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

TITLE, BODY, AUTHOR = "title", "body", "author"
ANYWHERE = (TITLE, BODY)
"""Where a word is looked for when no field is named."""


@dataclass(frozen=True, slots=True)
class Words:
    """A word, a phrase or a prefix: these tokens beside each other, the last one as a prefix if `prefix`.

    acronym: written with dots (`U.S.`): the capitals `US` or `U.S.`, not the small word `us`.
    """

    tokens: tuple[str, ...]
    fields: tuple[str, ...]
    prefix: bool
    acronym: bool
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression over the text as it is. fields: title, body, author or url."""

    source: str
    fields: tuple[str, ...]
    ignore_case: bool
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Value:
    """A field that has a value, folded; with `prefix` a value that begins so. field "url" is a piece of the address."""

    field: str
    value: str
    prefix: bool
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A number: outlets, items, words, or age (seconds). operator: one of < <= > >= =."""

    field: str
    operator: str
    number: float
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Term: TypeAlias = Words | Pattern | Value | Compare
Node: TypeAlias = Term | All | Any | Not


def terms(node: Node) -> list[Term]:
    """All terms of a query in the order they are written."""
    match node:
        case All(parts) | Any(parts):
            return [term for part in parts for term in terms(part)]
        case Not(part):
            return terms(part)
        case _:
            return [node]


def show(node: Node, inside: bool = False) -> str:
    """A query as text again, in its plainest form."""
    match node:
        case All(parts):
            text = " ".join(show(part, True) for part in parts)
            return f"({text})" if inside else text
        case Any(parts):
            text = " OR ".join(show(part, True) for part in parts)
            return f"({text})" if inside else text
        case Not(Not() as part):
            return f"-({show(part)})"
        case Not(part):
            return "-" + show(part, True)
        case _:
            return node.text
