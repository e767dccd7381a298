"""Words with their weights: a signature as of the day it arrived, and its form in bytes. Pure."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Collection, Sequence
from itertools import accumulate, islice, pairwise

from msgspec import Struct

from aggregator.dedup.signature import Signature

SMOOTH_TOTAL, SMOOTH_FREQUENCY = 50.0, 0.5
"""What is added to the number of items and of those with a word, so that the first items of a database have weights, too."""
STEP = 8.0
"""Weights are kept in eighths, in a byte."""

LIGHT = 0.35
"""Share of the heaviest word's weight under which a word leads to too many other items to be looked up by."""
_HEAD = struct.Struct("<HBBHBBBHH")
_SPREAD = tuple(1.0 + math.log(max(1, count)) for count in range(256))
MOST = 255
"""The largest weight: a byte holds it."""


class Weighed(Struct):
    """An item as it is compared. rare: the rarity of each word of the title; vector: of each word, times 1 + ln(count).

    Both in steps of STEP. order: the words of the title as they stand; heavy: words by which others are looked for.
    """

    rare: dict[int, int]
    vector: dict[int, int]
    order: tuple[int, ...]
    runs: Collection[int]
    numbers: frozenset[int]
    title_numbers: frozenset[int]
    names: frozenset[int]
    days: frozenset[int]
    revision: bool
    generic: bool
    language: int
    title_weight: int
    norm: float
    heavy: tuple[int, ...] = ()


class Commonness(dict[float, float]):
    """How common a word is, by the number of items it stands in, counted in `unit`: a logarithm, in steps. A bounded memo."""

    LIMIT = 20_000

    def __init__(self, unit: float) -> None:
        super().__init__()
        self.unit = unit

    def __missing__(self, frequency: float) -> float:
        if len(self) >= self.LIMIT:
            self.clear()
        value = self[frequency] = STEP * math.log(frequency / self.unit + SMOOTH_FREQUENCY)
        return value


def weigh(read: Signature, frequencies: Sequence[float], total: float, common: Commonness, heavy: int) -> Weighed:
    """Weighs an item's words by how rare they are (idf, smoothed: how common a word could be less how common it is).

    frequencies: in the order of the words, of `total` items, all in the unit of `common`; heavy: how many words beside the
    title's lead to the item.
    """
    most = STEP * math.log(total / common.unit + SMOOTH_TOTAL)
    commonness = list(map(common.__getitem__, frequencies))
    weights = [int(most - one) for one in commonness]
    vector = dict(zip(read.words, weights, strict=True))
    for place, count in read.repeated:
        spread = _SPREAD[min(count, len(_SPREAD) - 1)]
        vector[read.words[place]] = min(MOST, int(spread * (most - commonness[place])))
    if 0 in vector.values():
        vector = {word: weight for word, weight in vector.items() if weight}
    rare = {word: weight or 1 for word, weight in zip(read.words[: read.title], weights, strict=False) if word in vector}
    return Weighed(
        rare, vector, read.order, read.runs, read.numbers, read.title_numbers, read.names, read.days, read.revision,
        read.generic, read.language, sum(rare.values()), math.hypot(*vector.values()), _heavy(rare, vector, heavy),
    )  # fmt: skip


def _heavy(rare: dict[int, int], vector: dict[int, int], count: int) -> tuple[int, ...]:
    """The words of the title and the heaviest others, but for those that say too little beside the heaviest of all."""
    floor = LIGHT * max(vector.values(), default=0)
    others = sorted(islice(vector, len(rare), None), key=vector.__getitem__, reverse=True)[:count]
    return tuple([word for word in (*rare, *others) if vector[word] >= floor])


def pack(item: Weighed) -> bytes:
    """An item in bytes: what the index stores. The words of the title are the first of the vector."""
    days = sum(1 << day for day in item.days)
    order = item.order[:255]
    head = _HEAD.pack(
        len(item.vector), len(item.rare), len(order), len(item.runs), len(item.numbers), len(item.title_numbers), len(item.names),
        days | item.revision << 7 | item.generic << 8, item.language,
    )  # fmt: skip
    words = array("I", [*item.vector, *order, *item.runs, *item.numbers, *item.title_numbers, *item.names])
    return head + bytes(item.vector.values()) + bytes(item.rare.values()) + words.tobytes()


def unpack(stored: bytes) -> Weighed:
    """The item again; `heavy` is not kept."""
    vector, rare, order, runs, numbers, title_numbers, names, flags, language = _HEAD.unpack_from(stored)
    start = _HEAD.size
    weights = stored[start : start + vector]
    rarities = stored[start + vector : start + vector + rare]
    words = array("I", stored[start + vector + rare :])
    ends = list(accumulate((0, vector, order, runs, numbers, title_numbers, names)))
    parts = [words[a:b] for a, b in pairwise(ends)]
    return Weighed(
        rare=dict(zip(parts[0], rarities, strict=False)),
        vector=dict(zip(parts[0], weights, strict=True)),
        title_weight=sum(rarities),
        norm=math.hypot(*weights),
        order=tuple(parts[1]),
        runs=parts[2],
        numbers=frozenset(parts[3]),
        title_numbers=frozenset(parts[4]),
        names=frozenset(parts[5]),
        days=frozenset(day for day in range(7) if flags >> day & 1),
        revision=bool(flags >> 7 & 1),
        generic=bool(flags >> 8 & 1),
        language=language,
    )
