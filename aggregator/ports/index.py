"""The index of recent items, which grouping searches and updates."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from aggregator.model import Instant, ItemId, SourceId, StoryId


@dataclass(slots=True)
class IndexedItem:
    """An item in the grouping index, where it stays while others may still join it.

    at: when published; added: when stored; signature: encoded by dedup/, which compares it; form: whether the item is one of a
    series of similar texts (results, rates), which only items with nearly equal numbers may join; view: the signature as
    unpacked by dedup/, kept in memory only.
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
"""The last items with a word or address, oldest first, each as `id << MINUTE_BITS | minute published`. Treat as immutable.

There are a hundred thousand of them. As arrays they are compact, and the garbage collector need not traverse them.
"""
MINUTE_BITS = 26
"""Bits of a posting for minutes since the epoch, enough until the year 2097."""


INDEX_VERSION = 2
"""Raise it when signatures or keys change, with a migration (store/migrations.py), which keeps older releases away. Indexes of
other versions are discarded, since they can't be compared."""


class GroupedItems(Protocol):
    """Searches the index. Keys are hashes: those of words are below 2**32, those of addresses start at 2**62."""

    @property
    def total(self) -> int:
        """The number of items counted, in the same unit as frequencies. A frequency divided by it is a share of recent items."""
        ...

    @property
    def unit(self) -> int:
        """The amount that a new item adds to `total` and to frequencies. It grows, so that older items count less and less."""
        ...

    def frequencies(self, keys: Collection[int]) -> list[int]:
        """How many items have each key, in `unit`s; 0 for unknown keys."""
        ...

    def postings(self, keys: Collection[int]) -> list[Postings]:
        """The postings of each key."""
        ...

    def expect(self, keys: Collection[int]) -> None:
        """Prefetches keys that will be looked up, reading those that are not in memory at once."""
        ...

    def items(self, ids: Iterable[int]) -> dict[int, IndexedItem]:
        """The items that are still in the index, by id."""
        ...

    def members(self, story: StoryId) -> tuple[int, ...]:
        """The items of a story that are in the index, oldest first."""
        ...


class StoryIndex(GroupedItems, Protocol):
    """Writes the index as part of a transaction. Items that are too old to be joined are removed."""

    def add(self, item: IndexedItem, counted: Collection[int], posted: Collection[int], opens: bool = False) -> None:
        """Adds an item. counted: keys whose frequency grows; posted: keys that lead to it; opens: its story has no other item."""
        ...

    def replace(self, item: IndexedItem, posted: Collection[int] = ()) -> None:
        """Replaces an item's signature, story, or form. posted: further keys that lead to it."""
        ...

    def merge(self, kept: StoryId, alias: StoryId) -> None:
        """Moves the alias's items to the kept story. Called by `Transaction.merge_stories`."""
        ...

    def move(self, item: ItemId, story: StoryId) -> None:
        """Moves an item to another story. Called by `Transaction.move_item`."""
        ...

    def set_outlet(self, item: ItemId, outlet: str) -> None:
        """Changes the outlet of an item. Called by `Transaction.save_attributes`."""
        ...

    def forget(self, items: Collection[ItemId]) -> None:
        """Removes items that nothing may join any more, or that are deleted. Their stories stay."""
        ...
