"""What an item, a story or a thread is about: its words with weights. Pure."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

Vector: TypeAlias = Mapping[int, float]
"""Word (a hash) → weight. At length 1, the squares of the weights add up to 1."""

TITLE = 1.6
"""How much more a word of the title counts than one of the text."""
STORY_WORDS, THREAD_WORDS = 120, 200
"""The heaviest words of a story and of a thread: they say what it is about."""
_COUNT = struct.Struct("<H")


class Words(Protocol):
    """An item's words as the index has them.

    words: hashes, those of the title first; weights: of all words, by how rare and how frequent they are; rarities: of the
    title's words; order: the title's words as written; names: those of them that are names; nameless: it is known to have none;
    numbers: those of title and text; title_places: the countries that the title names; days: its weekdays; language: a
    number, 0 if unknown; generic: the title names a column, not an event.
    """

    @property
    def words(self) -> Sequence[int]: ...
    @property
    def weights(self) -> Sequence[int]: ...
    @property
    def rarities(self) -> Sequence[int]: ...
    @property
    def order(self) -> Sequence[int]: ...
    @property
    def names(self) -> frozenset[int]: ...
    @property
    def nameless(self) -> bool: ...
    @property
    def numbers(self) -> frozenset[int]: ...
    @property
    def days(self) -> frozenset[int]: ...
    @property
    def title_places(self) -> frozenset[int]: ...
    @property
    def language(self) -> int: ...
    @property
    def generic(self) -> bool: ...


def vector_of(items: Sequence[Words]) -> Vector:
    """The vector of a story: the sum of its items, each of which counts the same, at length 1."""
    vectors = [_vector(item) for item in items]
    return vectors[0] if len(vectors) == 1 else unit(heaviest(total(vectors), STORY_WORDS))


def _vector(item: Words) -> Vector:
    in_title = len(item.rarities)
    weights = [*(TITLE * weight for weight in item.weights[:in_title]), *item.weights[in_title:]]
    length = math.hypot(*weights) or 1.0
    return dict(zip(item.words, [weight / length for weight in weights], strict=True))


def total(vectors: Iterable[Vector]) -> dict[int, float]:
    """The sum of vectors."""
    rest = iter(vectors)
    summed = dict(next(rest, {}))
    get = summed.get
    for vector in rest:
        for word, weight in vector.items():
            summed[word] = get(word, 0.0) + weight
    return summed


def heaviest(vector: dict[int, float], count: int) -> dict[int, float]:
    """The vector with no more than `count` words."""
    if len(vector) <= count:
        return vector
    return dict(sorted(vector.items(), key=lambda one: (-one[1], one[0]))[:count])


def unit(vector: Vector) -> Vector:
    """The vector at length 1."""
    length = math.hypot(*vector.values()) or 1.0
    return {word: weight / length for word, weight in vector.items()}


def cosine(a: Vector, b: Vector) -> float:
    """How alike two vectors of length 1 are: 0 to 1."""
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    return sum([small[word] * large[word] for word in small.keys() & large.keys()])


def pack(vector: Vector) -> bytes:
    """A vector as the database stores it: the number of words, the words, their weights."""
    return _COUNT.pack(len(vector)) + array("I", vector.keys()).tobytes() + array("f", vector.values()).tobytes()


def unpack(stored: bytes) -> Vector:
    """The vector from `pack`; empty if nothing is stored."""
    if not stored:
        return {}
    (count,) = _COUNT.unpack_from(stored)
    words, weights = array("I"), array("f")
    middle = _COUNT.size + count * words.itemsize
    words.frombytes(stored[_COUNT.size : middle])
    weights.frombytes(stored[middle:])
    return dict(zip(words, weights, strict=True))
