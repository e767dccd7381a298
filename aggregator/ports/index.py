"""What grouping looks up and remembers."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from aggregator.model import (
    Instant,
    ItemId,
    SourceId,
    StoryId,
)


@dataclass(slots=True)
class IndexedItem:
    """An item as grouping remembers it, for as long as something may still join it.

    at: when published; added: when stored; signature: what dedup/ compares, in its own bytes; form: the item is one of a series
    of texts of one form (results, rates), so that only near-equal numbers join it; view: what dedup/ has unpacked of the
    signature, kept in its place in memory and never stored.
    """

    id: ItemId
    story: StoryId
    source: SourceId
    outlet: str
    at: Instant
    added: Instant
    signature: bytes
    form: bool = False
    view: object | None = field(default=None, compare=False, repr=False)


Postings: TypeAlias = "array[int]"
"""The last items that a word or an address leads to, oldest first, each as `id << MINUTE_BITS | minute published`. An array lies
in one piece and is no work for the garbage collector, and there are a hundred thousand of them. Not to be changed.
"""
MINUTE_BITS = 26
"""Bits of a posting that hold minutes since the epoch: until the year 2097."""


INDEX_VERSION = 2
"""Grows when signatures or keys change: what an index holds of another version is forgotten, for it can't be compared."""


class GroupedItems(Protocol):
    """What grouping looks up. Keys are hashes: of words under 2**32, of addresses from 2**62 on."""

    @property
    def total(self) -> float:
        """Items counted in the frequencies of terms, in the same unit: their quotient is a share of recent items."""
        ...

    @property
    def unit(self) -> float:
        """What one new item adds to `total` and to a frequency. It grows, so that older items count less and less."""
        ...

    def frequencies(self, keys: Collection[int]) -> list[float]:
        """In how many items each of the keys stands, in the index's `unit`; 0 where nothing is known."""
        ...

    def postings(self, keys: Collection[int]) -> list[Postings]:
        """The items that each of the keys leads to."""
        ...

    def expect(self, keys: Collection[int]) -> None:
        """These keys will be asked for: looks up together those that are not in memory."""
        ...

    def items(self, ids: Iterable[int]) -> dict[int, IndexedItem]:
        """Those of the items that are still remembered."""
        ...

    def members(self, story: StoryId) -> tuple[int, ...]:
        """The remembered items of a story, oldest first."""
        ...


class StoryIndex(GroupedItems, Protocol):
    """What grouping remembers, inside a transaction and with it. Items too old to be joined are forgotten."""

    def add(self, item: IndexedItem, counted: Collection[int], posted: Collection[int], opens: bool = False) -> None:
        """Remembers an item; the terms `counted` stand in it, the terms `posted` lead to it. opens: its story has no other."""
        ...

    def replace(self, item: IndexedItem, posted: Collection[int] = ()) -> None:
        """Stores an item's new signature, story or form. posted: terms that lead to it from now on, too."""
        ...

    def merge(self, kept: StoryId, alias: StoryId) -> None:
        """The alias's items are the kept story's now. Called by `Transaction.merge_stories`."""
        ...

    def move(self, item: ItemId, story: StoryId) -> None:
        """The item is another story's now. Called by `Transaction.move_item`."""
        ...

    def forget(self, items: Collection[ItemId]) -> None:
        """Nothing joins these items any more (split off by a person, or deleted). Their stories stay."""
        ...
