"""Story searches: the part of a query that an index can answer. Each store translates it to its own syntax."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from msgspec import Struct

from aggregator.model import Instant, Slug

Column: TypeAlias = Literal["title", "text", "author"]
EVER: tuple[Instant, Instant] = (-math.inf, math.inf)
COLUMNS: tuple[Column, ...] = ("title", "text", "author")


class Phrase(Struct, frozen=True):
    """Tokens of `text.words` next to each other in one of the columns. prefix: the last token may be the beginning of a word."""

    tokens: tuple[str, ...]
    columns: tuple[Column, ...] = COLUMNS
    prefix: bool = False


class Nearby(Struct, frozen=True):
    """Two phrases in the same column (of the first one's), in any order, with at most `distance` tokens between."""

    first: Phrase
    second: Phrase
    distance: int


class EveryOf(Struct, frozen=True):
    """Matches items that match all of `parts` and none of `without`."""

    parts: tuple[WordQuery, ...]
    without: tuple[WordQuery, ...] = ()


class AnyOf(Struct, frozen=True):
    """Matches items that match at least one of `parts`."""

    parts: tuple[WordQuery, ...]


WordQuery: TypeAlias = Phrase | Nearby | EveryOf | AnyOf
"""A condition on the words of one item."""


class StoryFilter(Struct, frozen=True):
    """Selects a superset of the stories that a query matches. The query's predicate then decides.

    words: matched by an item of the story. sources, groups, tags: any of them, if not None. since: stories with an item first
    seen at or after it. published: at or after the first instant, and before the second. topic, thread: stories in it. hidden:
    with items that `keep` and `drop` took out of their stories, too; dropped: also stories that a person took down.
    public: of those without items of private sources, only stories in one of these feeds. outlet: of an item, by name; term: a
    tag of the story, of any kind.
    """

    words: WordQuery | None = None
    sources: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    topic: str | None = None
    thread: str | None = None
    language: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    published: tuple[Instant, Instant] = EVER
    hidden: bool = False
    dropped: bool = False
    public: frozenset[Slug] | None = None
    outlet: str | None = None
    term: str | None = None
