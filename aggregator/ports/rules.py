"""What is asked of tags, queries and languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from aggregator.errors import QueryError
from aggregator.model import (
    Entry,
    Instant,
    Item,
    Slug,
    Source,
    Story,
    Tag,
)


class Tagged(Struct, frozen=True):
    """What the rules say of a story."""

    tags: tuple[Tag, ...]
    topics: tuple[Slug, ...]
    outputs: tuple[Slug, ...]


class QueryNames(Struct, frozen=True):
    """The names that queries may speak of: a source, group, tag or topic that is not there is an error with a suggestion.

    entities: those of the user's own list, beside the built-in ones; None: not known, so that only likely mistakes are told.
    """

    sources: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    entities: frozenset[str] | None = None


class QueryChecker(Protocol):
    def __call__(self, text: str, names: QueryNames, *, rolling: bool, entry: bool) -> list[QueryError]:
        """What is wrong with a query. rolling: `age` may be used; entry: it is a `keep` or `drop` (no topics, no outlets)."""
        ...


class Rules(Protocol):
    """The compiled tags, topics and outputs of a config."""

    @property
    def full(self) -> bool:
        """Whether any output carries whole contents (`content: full`)."""
        ...

    def apply(self, story: Story, as_of: Instant) -> Tagged: ...

    def apart(self, item: Item) -> str | None:
        """The query of `dedup.never` that keeps an item in a story of its own, or None."""
        ...

    def rejected(self, source: Source, item: Item) -> str | None:
        """The rule by which `keep` or `drop` throws an item away, or None."""
        ...


class LanguageGuesser(Protocol):
    def guess(self, entry: Entry, declared: str | None, history: Mapping[str, int]) -> tuple[str, bool]:
        """(language or "und", whether the title alone was sure: then the source's history counts it)."""
        ...
