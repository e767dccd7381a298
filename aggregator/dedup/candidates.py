"""Finds the items worth comparing with a new one: those in the window that share its rarest words or its address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aggregator.dedup.weigh import Weighed
from aggregator.model import Instant, ItemId
from aggregator.ports import MINUTE_BITS, GroupedItems, IndexedItem

AROUND = 12
"""Items around one that linking looks at. Thirty more found no more links on a real day."""
_MINUTES = (1 << MINUTE_BITS) - 1


class Reach(NamedTuple):
    """How far the search for candidates goes.

    heavy: number of body words looked up, besides the title's; least: share of the item's weight that a candidate must have in
    common with it; candidates: how many are compared at most.
    """

    heavy: int
    least: float
    candidates: int


class Near(NamedTuple):
    """Items that share the heaviest words with one, best match first. candidates: to be compared; around: the ids of at most
    AROUND in the wider window, whose stories may follow the same event."""

    candidates: list[IndexedItem]
    around: tuple[ItemId, ...]


def by_words(index: GroupedItems, item: Weighed, at: Instant, within: float, reach: Reach, around: float = 0.0) -> Near:
    """Finds the items that share the heaviest words with this one. within, around: seconds; around: 0 for none."""
    sums: dict[int, int] = {}
    get, vector = sums.get, item.vector  # looked up once: the inner loop runs a few hundred times per item
    weights = 0
    for word, postings in zip(item.heavy, index.postings(item.heavy), strict=True):
        weight = vector[word]
        weights += weight
        for posting in postings.tolist():
            sums[posting] = get(posting, 0) + weight
    least = reach.least * weights
    widest = max(within, around)
    low, high = (at - widest) / 60, (at + widest) / 60
    near = [(total, posting) for posting, total in sums.items() if total >= least and low <= posting & _MINUTES <= high]
    near.sort(reverse=True)
    wide = tuple([ItemId(posting >> MINUTE_BITS) for _, posting in near[:AROUND]]) if around else ()
    if around > within:
        low, high = (at - within) / 60, (at + within) / 60
        near = [(total, posting) for total, posting in near if low <= posting & _MINUTES <= high]
    return Near(_items(index, [posting for _, posting in near[: reach.candidates]]), wide)


def by_address(index: GroupedItems, address: int, at: Instant, within: float) -> list[IndexedItem]:
    """The items with this canonical address, newest first."""
    (postings,) = index.postings((address,))
    return _items(index, [posting for posting in reversed(postings) if abs((posting & _MINUTES) * 60 - at) <= within])


def _items(index: GroupedItems, postings: Iterable[int]) -> list[IndexedItem]:
    wanted = [posting >> MINUTE_BITS for posting in postings]
    found = index.items(wanted)
    return [found[number] for number in wanted if number in found]
