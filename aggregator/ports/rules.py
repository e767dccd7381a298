"""Ports to tagging, queries, and language guessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from aggregator.errors import QueryError
from aggregator.model import Entry, Instant, Item, Slug, Source, Story, Tag
from aggregator.settings import Hook


class Threshold(NamedTuple):
    """A `when` of an output that a story meets. by_thread: whether it asks for threads, so that it counts once a thread.

    key: see `Output.thresholds`.
    """

    output: Slug
    by_thread: bool
    key: str


class Tagged(Struct, frozen=True):
    """The result of applying the rules to a story. reached: thresholds of its outputs."""

    tags: tuple[Tag, ...]
    topics: tuple[Slug, ...]
    outputs: tuple[Slug, ...]
    reached: tuple[Threshold, ...] = ()


class QueryNames(Struct, frozen=True):
    """The names that queries may use. An unknown source, group, tag, or topic is an error, with a suggestion.

    given_later: tags that rules and hooks give, where a query is asked of single entries, which have none of these yet.
    entities: those of the user's list, in addition to built-in ones; None if unknown, when only likely mistakes are reported.
    timezone: in which the days of dates are.
    """

    sources: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    entities: frozenset[str] | None = None
    given_later: frozenset[str] = frozenset()
    timezone: str = "UTC"


class QueryChecker(Protocol):
    def __call__(self, text: str, names: QueryNames, *, rolling: bool, entry: bool) -> list[QueryError]:
        """The errors in a query. rolling: whether it may use `age`; entry: it is a `keep` or `drop` (no topics, no outlets)."""
        ...


class Rules(Protocol):
    """The compiled tags, topics, and outputs of a config."""

    @property
    def full(self) -> bool:
        """Whether any output publishes full content (`content: full`)."""
        ...

    @property
    def reads_threads(self) -> bool:
        """Whether a tag, topic or output asks for threads, so that stories must be looked at when their thread changes."""
        ...

    @property
    def public(self) -> frozenset[Slug]:
        """The feeds without a token."""
        ...

    @property
    def hooks(self) -> Sequence[Hook]:
        """The hooks that are asked about stories (`enrich:`)."""
        ...

    def apply(self, story: Story, as_of: Instant) -> Tagged: ...

    def apart(self, item: Item) -> str | None:
        """The query of `dedup.never` that keeps an item in its own story, or None."""
        ...

    def rejected(self, source: Source, item: Item) -> str | None:
        """The `keep` or `drop` rule that rejects an item, or None."""
        ...


class LanguageGuesser(Protocol):
    def guess(self, entry: Entry, declared: str | None, history: Mapping[str, int]) -> tuple[str, bool]:
        """The language or "und", and whether the title alone is sure, in which case it counts in the source's history.

        declared: by the entry or feed; history: language → number of the source's sure titles.
        """
        ...
