"""The tree of a parsed query, of frozen values. `offset` is a term's position in the query's text."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant

TITLE, BODY, AUTHOR = "title", "body", "author"
ANYWHERE = (TITLE, BODY)
"""Where a word without a field is searched."""


class Words(Struct, frozen=True):
    """A word, phrase or prefix: adjacent tokens, the last one a prefix if `prefix`.

    acronym: written with dots (`U.S.`): matches `US` or `U.S.` in capitals, not the word `us`.
    spelled: the word or phrase, if signs belong to it that its tokens don't show (`C++`, `AT&T`).
    """

    tokens: tuple[str, ...]
    fields: tuple[str, ...]
    prefix: bool
    acronym: bool
    text: str
    offset: int
    spelled: str | None = None

    @property
    def needs_text(self) -> bool:
        """True if the tokens alone don't decide: the texts must be read."""
        return self.acronym or self.spelled is not None


class Pattern(Struct, frozen=True):
    """A regular expression over the unchanged text. fields: title, body, author or url."""

    source: str
    fields: tuple[str, ...]
    ignore_case: bool
    text: str
    offset: int


class Value(Struct, frozen=True):
    """A field with a folded value, or with `prefix` a value that begins so. Field "url": part of the address."""

    field: str
    value: str
    prefix: bool
    text: str
    offset: int


class Compare(Struct, frozen=True):
    """A number: outlets, thread_outlets, items, words, rank, or age (seconds). operator: one of < <= > >= =."""

    field: str
    operator: str
    number: float
    text: str
    offset: int


class Near(Struct, frozen=True):
    """A word or phrase with at most `distance` words between it and another one, in any order: `rate NEAR/5 "central bank"`.

    left, right: alternatives, of which any counts; both in the same one of `fields`.
    """

    left: tuple[Words, ...]
    right: tuple[Words, ...]
    distance: int
    fields: tuple[str, ...]
    text: str
    offset: int


class Dated(Struct, frozen=True):
    """A date of the story: published at or after `since`, and before `until`, which may be infinite.

    timezone: in which its days were read.
    """

    since: Instant
    until: Instant
    timezone: str
    text: str
    offset: int


class Lead(Struct, frozen=True):
    """A query that the story's lead alone must meet: `lead:nato`, `lead:(title:nato lang:en)`."""

    part: Node
    text: str
    offset: int


class Counted(Struct, frozen=True):
    """How many outlets have an entry that meets a query: `outlets(group:wires)>=2`."""

    part: Node
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


Term: TypeAlias = Words | Near | Pattern | Value | Compare | Dated
Node: TypeAlias = Term | Lead | Counted | All | Any | Not


def terms(node: Node) -> list[Term]:
    """All terms of a query, in written order."""
    match node:
        case All(parts) | Any(parts):
            return [term for part in parts for term in terms(part)]
        case Not(part) | Lead(part) | Counted(part):
            return terms(part)
        case _:
            return [node]


def renamed(node: Node, before: str, after: str) -> Node:
    """The query with comparisons of one field turned into those of another. Their texts stay."""
    match node:
        case All(parts) | Any(parts):
            return type(node)(tuple(renamed(part, before, after) for part in parts))
        case Not(part):
            return Not(renamed(part, before, after))
        case Compare() if node.field == before:
            return replace(node, field=after)
        case _:
            return node


def positive_terms(node: Node) -> list[Term]:
    """The terms outside any exclusion."""
    match node:
        case All(parts) | Any(parts):
            return [term for part in parts for term in positive_terms(part)]
        case Lead(part) | Counted(part):
            return positive_terms(part)
        case Not():
            return []
        case _:
            return [node]


def of_stories(node: Node) -> list[Lead | Counted]:
    """The parts of a query that choose among a story's entries."""
    match node:
        case All(parts) | Any(parts):
            return [found for part in parts for found in of_stories(part)]
        case Not(part):
            return of_stories(part)
        case Lead() | Counted():
            return [node]
        case _:
            return []


def show(node: Node, inside: bool = False) -> str:
    """Writes a query as text, in its plainest form."""
    match node:
        case All(parts):
            text = " ".join(show(part, True) for part in parts)
            return f"({text})" if inside else text
        case Any(parts):
            text = " OR ".join(show(part, True) for part in parts)
            return f"({text})" if inside else text
        case Not((Not() | Near()) as part):
            return f"-({show(part)})"
        case Not(part):
            return "-" + show(part, True)
        case _:
            return node.text
