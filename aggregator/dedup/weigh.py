"""Words with their weights: a signature as of the day it arrived, and its form in bytes. Pure."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise

from aggregator.dedup.signature import Signature

SMOOTH_TOTAL, SMOOTH_FREQUENCY = 50.0, 0.5
"""What is added to the number of items and of those with a word, so that the first items of a database have weights, too."""
STEP = 8.0
"""Weights are kept in eighths, in a byte."""

LIGHT = 0.35
"""Share of the heaviest word's weight under which a word leads to too many other items to be looked up by."""
_HEAD = struct.Struct("<HBBHBBBHH")
_SPREAD = tuple(1.0 + math.log(max(1, count)) for count in range(256))


@dataclass(slots=True)
class Weighed:
    """An item as it is compared. rare: the rarity of each word of the title; vector: of each word, times 1 + ln(count).

    Both in steps of STEP. order: the words of the title as they stand; heavy: words by which others are looked for.
    """

    rare: dict[int, int]
    vector: dict[int, int]
    order: tuple[int, ...]
    runs: frozenset[int]
    numbers: frozenset[int]
    title_numbers: frozenset[int]
    names: frozenset[int]
    days: frozenset[int]
    revision: bool
    generic: bool
    language: int
    title_weight: int = 0
    norm: float = 0.0
    heavy: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.title_weight = sum(self.rare.values())
        self.norm = math.sqrt(sum(weight * weight for weight in self.vector.values()))


def rarities(frequencies: Iterable[float], total: float) -> list[float]:
    """How much words say, by how many of `total` items they stand in (idf, smoothed). Always above 0."""
    log, all_items = math.log, total + SMOOTH_TOTAL
    return [log(all_items / (frequency + SMOOTH_FREQUENCY)) for frequency in frequencies]


def weigh(read: Signature, rarity: Sequence[float], heavy: int) -> Weighed:
    """Weighs an item's words, whose rarity is given in their order. heavy: how many words beside the title's lead to it."""
    rare, vector = {}, {}
    for place, (word, count, rare_as) in enumerate(zip(read.words, read.counts, rarity, strict=True)):
        weight = rare_as * STEP
        scaled = min(255, int(_SPREAD[count] * weight)) if count < len(_SPREAD) else 255
        if scaled:
            vector[word] = scaled
            if place < read.title:
                rare[word] = min(255, int(weight)) or 1
    return Weighed(
        rare, vector, read.order, read.runs, read.numbers, read.title_numbers, read.names, read.days, read.revision,
        read.generic, read.language,
        heavy=_heavy(rare, vector, heavy),
    )  # fmt: skip


def _heavy(rare: dict[int, int], vector: dict[int, int], count: int) -> tuple[int, ...]:
    """The words of the title and the heaviest others, but for those that say too little beside the heaviest of all."""
    best = sorted(vector, key=vector.__getitem__, reverse=True)
    floor = LIGHT * vector[best[0]] if best else 0.0
    others = list(islice((word for word in best if word not in rare), count))
    return tuple([word for word in (*rare, *others) if vector[word] >= floor])


def pack(item: Weighed) -> bytes:
    """An item in bytes: what the index stores."""
    days = sum(1 << day for day in item.days)
    order = item.order[:255]
    head = _HEAD.pack(
        len(item.vector), len(item.rare), len(order), len(item.runs), len(item.numbers), len(item.title_numbers), len(item.names),
        days | item.revision << 7 | item.generic << 8, item.language,
    )  # fmt: skip
    words = array("I", [*item.vector, *item.rare, *order, *item.runs, *item.numbers, *item.title_numbers, *item.names])
    return head + bytes(item.vector.values()) + bytes(item.rare.values()) + words.tobytes()


def unpack(stored: bytes) -> Weighed:
    """The item again; `heavy` is not kept."""
    vector, rare, order, runs, numbers, title_numbers, names, flags, language = _HEAD.unpack_from(stored)
    start = _HEAD.size
    weights = stored[start : start + vector]
    rarities = stored[start + vector : start + vector + rare]
    words = array("I", stored[start + vector + rare :])
    ends = list(accumulate((0, vector, rare, order, runs, numbers, title_numbers, names)))
    parts = [words[a:b] for a, b in pairwise(ends)]
    return Weighed(
        rare=dict(zip(parts[1], rarities, strict=True)),
        vector=dict(zip(parts[0], weights, strict=True)),
        order=tuple(parts[2]),
        runs=frozenset(parts[3]),
        numbers=frozenset(parts[4]),
        title_numbers=frozenset(parts[5]),
        names=frozenset(parts[6]),
        days=frozenset(day for day in range(7) if flags >> day & 1),
        revision=bool(flags >> 7 & 1),
        generic=bool(flags >> 8 & 1),
        language=language,
    )
