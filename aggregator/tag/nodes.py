"""What a query is once it is read: a small tree of frozen values. `offset` is where a term stands in the query's text."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

TITLE, BODY, AUTHOR = "title", "body", "author"
ANYWHERE = (TITLE, BODY)
"""Where a word is looked for when no field is named."""


class Words(Struct, frozen=True):
    """A word, a phrase or a prefix: these tokens beside each other, the last one as a prefix if `prefix`.

    acronym: written with dots (`U.S.`): the capitals `US` or `U.S.`, not the small word `us`.
    """

    tokens: tuple[str, ...]
    fields: tuple[str, ...]
    prefix: bool
    acronym: bool
    text: str
    offset: int


class Pattern(Struct, frozen=True):
    """A regular expression over the text as it is. fields: title, body, author or url."""

    source: str
    fields: tuple[str, ...]
    ignore_case: bool
    text: str
    offset: int


class Value(Struct, frozen=True):
    """A field that has a value, folded; with `prefix` a value that begins so. field "url" is a piece of the address."""

    field: str
    value: str
    prefix: bool
    text: str
    offset: int


class Compare(Struct, frozen=True):
    """A number: outlets, items, words, or age (seconds). operator: one of < <= > >= =."""

    field: str
    operator: str
    number: float
    text: str
    offset: int


class All(Struct, frozen=True):
    parts: tuple[Node, ...]


class Any(Struct, frozen=True):
    parts: tuple[Node, ...]


class Not(Struct, frozen=True):
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
