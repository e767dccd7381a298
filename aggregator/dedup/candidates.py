"""Finds the items worth comparing with a new one: those in the window that share its rarest words or its address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aggregator.dedup.weigh import Weighed
from aggregator.model import Instant
from aggregator.ports import MINUTE_BITS, GroupedItems, IndexedItem

_MINUTES = (1 << MINUTE_BITS) - 1


class Reach(NamedTuple):
    """How far the search for candidates goes.

    heavy: number of body words looked up, besides the title's; least: share of the item's weight that a candidate must have in
    common with it; candidates: how many are compared at most.
    """

    heavy: int
    least: float
    candidates: int


def by_words(index: GroupedItems, item: Weighed, at: Instant, within: float, reach: Reach) -> list[IndexedItem]:
    """The items that share the heaviest words with this one, best match first."""
    sums: dict[int, int] = {}
    get, vector = sums.get, item.vector  # looked up once: the inner loop runs a few hundred times per item
    weights = 0
    for word, postings in zip(item.heavy, index.postings(item.heavy), strict=True):
        weight = vector[word]
        weights += weight
        for posting in postings.tolist():
            sums[posting] = get(posting, 0) + weight
    least = reach.least * weights
    low, high = (at - within) / 60, (at + within) / 60
    near = [(total, posting) for posting, total in sums.items() if total >= least and low <= posting & _MINUTES <= high]
    near.sort(reverse=True)
    return _items(index, [posting for _, posting in near[: reach.candidates]])


def by_address(index: GroupedItems, address: int, at: Instant, within: float) -> list[IndexedItem]:
    """The items with this canonical address, newest first."""
    (postings,) = index.postings((address,))
    return _items(index, [posting for posting in reversed(postings) if abs((posting & _MINUTES) * 60 - at) <= within])


def _items(index: GroupedItems, postings: Iterable[int]) -> list[IndexedItem]:
    wanted = [posting >> MINUTE_BITS for posting in postings]
    found = index.items(wanted)
    return [found[number] for number in wanted if number in found]
