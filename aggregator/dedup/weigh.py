"""Weighs the words of a signature by their frequency on arrival, and packs the result into bytes. Pure."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate, compress, pairwise

from msgspec import Struct

from aggregator.dedup.signature import NOTHING, Signature
from aggregator.ports import IndexedItem

SMOOTH_TOTAL, SMOOTH_FREQUENCY = 50.0, 0.5
"""Added to the number of items and to the number with a word, so that the first items of a database have weights, too."""
STEP = 8.0
"""Weights are stored in eighths, one byte each."""

LIGHT = 0.35
"""Share of the heaviest word's weight below which a word is not looked up: it leads to too many other items."""
_HEAD = struct.Struct("<HBBHBBBHH")
_LENGTH = struct.Struct("<I")
_SPREAD = tuple(1.0 + math.log(max(1, count)) for count in range(256))
MOST = 255
"""The largest weight that fits a byte."""


class Weighed(Struct):
    """An item ready for comparison. Flat arrays, because thousands are kept in memory and most are compared once.

    words: distinct stems, the title's first; weights: each word's rarity times 1 + ln(count), in steps of STEP; rarities: the
    title words' rarity without the count; order: the title's words in order; heavy: words to look up candidates by; former: the
    packed item as it was before its first edit, empty if it says the same still. `vector`, `rare` and `run_set` are weights,
    rarities and runs to look up, made on first use: only one of two compared items needs them.
    """

    words: Sequence[int]
    weights: Sequence[int]
    rarities: Sequence[int]
    order: Sequence[int]
    runs: Sequence[int]
    numbers: frozenset[int]
    title_numbers: frozenset[int]
    names: frozenset[int]
    title_places: frozenset[int]
    places: frozenset[int]
    days: frozenset[int]
    revision: bool
    generic: bool
    version: bool
    nameless: bool
    language: int
    title_weight: int
    norm: float
    heavy: tuple[int, ...] = ()
    second_hand: bool = False
    astray: bool = False
    former: bytes = b""
    _vector: dict[int, int] | None = None
    _rare: dict[int, int] | None = None
    _run_set: frozenset[int] | None = None

    @property
    def vector(self) -> dict[int, int]:
        if self._vector is None:
            self._vector = dict(zip(self.words, self.weights, strict=True))
        return self._vector

    @property
    def rare(self) -> dict[int, int]:
        if self._rare is None:
            self._rare = dict(zip(self.words, self.rarities, strict=False))
        return self._rare

    @property
    def run_set(self) -> frozenset[int]:
        if self._run_set is None:
            self._run_set = frozenset(self.runs)
        return self._run_set

    def compact(self) -> None:
        """Reduces a stored item to what comparing others with it needs, in little space."""
        self.words, self.order = array("I", self.words), array("I", self.order)
        self.heavy, self._vector, self._rare, self._run_set = (), None, None, None


class Commonness(dict[int, float]):
    """Frequency (in `unit`s) → its logarithm in steps of STEP. A bounded memo."""

    LIMIT = 20_000

    def __init__(self, unit: int) -> None:
        super().__init__()
        self.unit = unit

    def __missing__(self, frequency: int) -> float:
        if len(self) >= self.LIMIT:
            self.clear()
        value = self[frequency] = STEP * math.log(frequency / self.unit + SMOOTH_FREQUENCY)
        return value


def rarity(frequency: float, items: float) -> float:
    """The rarity of a word that so many of the items have, in steps of STEP, as in `Weighed.rarities`."""
    return STEP * math.log((items + SMOOTH_TOTAL) / (frequency + SMOOTH_FREQUENCY))


def weigh(read: Signature, frequencies: Sequence[int], total: int, common: Commonness, heavy: int) -> Weighed:
    """Weighs an item's words by how rare they are (inverse document frequency, smoothed).

    frequencies: in the order of the words, out of `total` items, all in the unit of `common`; heavy: how many body words lead to
    the item besides the title's.
    """
    most = STEP * math.log(total / common.unit + SMOOTH_TOTAL)
    commonness = list(map(common.__getitem__, frequencies))
    weights = [int(most - one) for one in commonness]
    words: Sequence[int] = read.words
    rarities = weights[: read.title]
    for place, count in read.repeated:
        spread = _SPREAD[min(count, len(_SPREAD) - 1)]
        weights[place] = min(MOST, int(spread * (most - commonness[place])))
    if 0 in weights:
        rarities = list(compress(rarities, weights))
        words = list(compress(words, weights))
        weights = list(compress(weights, weights))
    rarities = [rarity or 1 for rarity in rarities]
    leading = _heavy(words, weights, len(rarities), heavy)
    return Weighed(
        words, bytes(weights), bytes(rarities), read.order, array("I", read.runs), read.numbers, read.title_numbers, read.names,
        read.title_places, read.places, read.days,
        read.revision, read.generic, read.version, read.nameless, read.language, sum(rarities), math.hypot(*weights), leading,
    )  # fmt: skip


def _heavy(words: Sequence[int], weights: Sequence[int], title: int, count: int) -> tuple[int, ...]:
    """The title's words and the heaviest others, without those far lighter than the heaviest."""
    floor = LIGHT * max(weights, default=0)
    others = sorted(range(title, len(words)), key=weights.__getitem__, reverse=True)[:count]
    return tuple([words[place] for place in (*range(title), *others) if weights[place] >= floor])


def pack(item: Weighed) -> bytes:
    """Packs an item into the bytes that the index stores."""
    days = sum(1 << day for day in item.days)
    order = item.order[:255]
    head = _HEAD.pack(
        len(item.words), len(item.rarities), len(order), len(item.runs), len(item.numbers), len(item.title_numbers),
        len(item.names), days | item.revision << 7 | item.generic << 8 | item.second_hand << 9 | item.astray << 10
        | item.version << 11 | item.nameless << 12 | 1 << 13 | bool(item.former) << 14,
        item.language,
    )  # fmt: skip
    counts = len(item.title_places) << 8 | len(item.places)
    few = [*item.numbers, *item.title_numbers, *item.names, *item.title_places, *item.places, counts]
    words = [array("I", part).tobytes() for part in (item.words, order, item.runs, few)]
    packed = b"".join((head, bytes(item.weights), bytes(item.rarities), *words))
    return packed + item.former + _LENGTH.pack(len(item.former)) if item.former else packed


def unpack(stored: bytes) -> Weighed:
    """Restores a packed item; `heavy` is not stored."""
    count, title, order, runs, numbers, title_numbers, names, flags, language = _HEAD.unpack_from(stored)
    former = b""
    if flags >> 14 & 1:
        end = len(stored) - _LENGTH.size
        (length,) = _LENGTH.unpack_from(stored, end)
        stored, former = stored[: end - length], stored[end - length : end]
    start = _HEAD.size
    weights = stored[start : start + count]
    rarities = stored[start + count : start + count + title]
    words = array("I", stored[start + count + title :])
    ends = list(accumulate((0, count, order, runs, numbers, title_numbers, names)))
    parts = [words[a:b] for a, b in pairwise(ends)]
    of_title, of_all = divmod(words[-1], 256) if flags >> 13 & 1 else (0, 0)
    places = words[ends[-1] : ends[-1] + of_title + of_all]
    return Weighed(
        words=parts[0],
        weights=weights,
        rarities=rarities,
        title_weight=sum(rarities),
        norm=math.hypot(*weights),
        order=parts[1],
        runs=parts[2],
        numbers=frozenset(parts[3]) or NOTHING,
        title_numbers=frozenset(parts[4]) or NOTHING,
        names=frozenset(parts[5]) or NOTHING,
        title_places=frozenset(places[:of_title]) or NOTHING,
        places=frozenset(places[of_title:]) or NOTHING,
        days=frozenset([day for day in range(7) if flags >> day & 1]) or NOTHING,
        revision=bool(flags >> 7 & 1),
        generic=bool(flags >> 8 & 1),
        version=bool(flags >> 11 & 1),
        nameless=bool(flags >> 12 & 1),
        second_hand=bool(flags >> 9 & 1),
        astray=bool(flags >> 10 & 1),
        language=language,
        former=former,
    )


def former_of(before: Weighed, after: Weighed) -> bytes:
    """What an edited item keeps of its text before its first edit. before, after: this edit."""
    same = all(list(one) == list(other) for one, other in ((before.order, after.order), (before.runs, after.runs)))
    if before.former or (same and set(before.words) == set(after.words)):
        return before.former
    return pack(before)


def texts_of(row: IndexedItem) -> tuple[Weighed, ...]:
    """The item as it is, and as it was before its first edit if it says something else now."""
    view = view_of(row)
    return (view, unpack(view.former)) if view.former else (view,)


def view_of(row: IndexedItem) -> Weighed:
    """The unpacked item, cached in the row."""
    view = row.view
    if not isinstance(view, Weighed):
        row.view = view = unpack(row.signature)
        row.signature = b""
    return view
