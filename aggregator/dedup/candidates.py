"""Which items are worth comparing with a new one: those that its words and its address lead to, within the window."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.dedup.weigh import Weighed
from aggregator.model import Instant
from aggregator.ports import MINUTE_BITS, IndexedItem, StoryIndex

_MINUTES = (1 << MINUTE_BITS) - 1


def by_words(index: StoryIndex, item: Weighed, at: Instant, within: float, best: int) -> list[IndexedItem]:
    """The items that share the heaviest words with this one, the nearest first, `best` of them."""
    sums: dict[int, int] = {}
    for word, term in index.terms(item.heavy).items():
        weight = item.vector[word]
        for posting in term.postings:
            sums[posting] = sums.get(posting, 0) + weight
    near = [posting for posting in sums if abs((posting & _MINUTES) * 60 - at) <= within]
    near.sort(key=lambda posting: (-sums[posting], -posting))
    return _items(index, near[:best])


def by_address(index: StoryIndex, key: int, at: Instant, within: float) -> list[IndexedItem]:
    """The items of the same canonical address, the newest first."""
    postings = index.terms((key,))[key].postings
    return _items(index, [posting for posting in reversed(postings) if abs((posting & _MINUTES) * 60 - at) <= within])


def _items(index: StoryIndex, postings: Iterable[int]) -> list[IndexedItem]:
    wanted = [posting >> MINUTE_BITS for posting in postings]
    found = index.items(wanted)
    return [found[number] for number in wanted if number in found]
