"""How far two sequences of words agree in order. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def common_order(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common subsequence, bit by bit in whole numbers (Hyyro 2004)."""
    places: dict[int, int] = {}
    for place, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << place
    all_ones = (1 << len(a)) - 1
    row = all_ones
    for word in b:
        found = row & places.get(word, 0)
        row = (row + found | row - found) & all_ones
    return len(a) - row.bit_count()
