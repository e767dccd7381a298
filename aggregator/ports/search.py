"""How stories are looked for: what an index can answer of a query. Each store writes it in its own way."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from aggregator.model import Instant

Column: TypeAlias = Literal["title", "text", "author"]
COLUMNS: tuple[Column, ...] = ("title", "text", "author")


class Phrase(Struct, frozen=True):
    """Tokens of `text.words` beside each other in one of the columns; with `prefix` the last one may go on."""

    tokens: tuple[str, ...]
    columns: tuple[Column, ...] = COLUMNS
    prefix: bool = False


class EveryOf(Struct, frozen=True):
    """An item with all of `parts` and none of `without`."""

    parts: tuple[WordQuery, ...]
    without: tuple[WordQuery, ...] = ()


class AnyOf(Struct, frozen=True):
    """An item with one of `parts` at least."""

    parts: tuple[WordQuery, ...]


WordQuery: TypeAlias = Phrase | EveryOf | AnyOf
"""What the words of one item must meet."""


class StoryFilter(Struct, frozen=True):
    """A superset of the stories that a query matches; the query's predicate then decides.

    words: met by an item of the story. sources, groups, tags: any of these, if not None. since: stories with an item first seen
    at or after it. topic: member of it.
    """

    words: WordQuery | None = None
    sources: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    topic: str | None = None
    language: str | None = None
    since: Instant | None = None
    until: Instant | None = None
