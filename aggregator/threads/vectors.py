"""What an item, a story or a thread is about: its words with weights, as a vector of length 1. Pure."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

Vector: TypeAlias = Mapping[int, float]
"""Word (a hash) → weight; the squares add up to 1."""

STORY_WORDS, THREAD_WORDS = 120, 200
"""The heaviest words of a story and of a thread, which say what they are about."""
MEMBERS = 6
"""Items of a story that are read, spread evenly over it. More would say the same."""
_COUNT = struct.Struct("<H")


class Words(Protocol):
    """An item's words as the index has them.

    words: hashes, those of the title first; weights: of all words, by how rare and how frequent they are; rarities: of the
    title's words; order: the title's words as written; language: a number, 0 if unknown; generic: the title names a column.
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
    def language(self) -> int: ...
    @property
    def generic(self) -> bool: ...


def story_vector(items: Sequence[Words]) -> Vector:
    """The sum of a story's items, each of which counts the same."""
    total: dict[int, float] = {}
    for item in items:
        norm = math.hypot(*item.weights) or 1.0
        for word, weight in zip(item.words, item.weights, strict=True):
            total[word] = total.get(word, 0.0) + weight / norm
    return _unit(_heaviest(total, STORY_WORDS))


def add(total: Vector, more: Iterable[Vector]) -> Vector:
    """The sum of vectors, which is not of length 1 any more."""
    summed = dict(total)
    for vector in more:
        for word, weight in vector.items():
            summed[word] = summed.get(word, 0.0) + weight
    return _heaviest(summed, THREAD_WORDS)


def cosine(a: Vector, b: Vector) -> float:
    """How alike two vectors of length 1 are: 0 to 1."""
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    get = large.get
    return sum([weight * get(word, 0.0) for word, weight in small.items()])


def pack(vector: Vector) -> bytes:
    """A vector as the database stores it: the number of words, the words, their weights."""
    return _COUNT.pack(len(vector)) + array("I", vector.keys()).tobytes() + array("f", vector.values()).tobytes()


def unpack(stored: bytes) -> Vector:
    """The vector of a thread's sum, from `pack`; empty if nothing is stored."""
    if not stored:
        return {}
    (count,) = _COUNT.unpack_from(stored)
    words, weights = array("I"), array("f")
    words.frombytes(stored[_COUNT.size : _COUNT.size + count * words.itemsize])
    weights.frombytes(stored[_COUNT.size + count * words.itemsize :])
    return dict(zip(words, weights, strict=True))


def unit(vector: Vector) -> Vector:
    """The vector at length 1."""
    return _unit(vector)


def _unit(vector: Vector) -> Vector:
    norm = math.hypot(*vector.values()) or 1.0
    return {word: weight / norm for word, weight in vector.items()}


def _heaviest(vector: dict[int, float], count: int) -> dict[int, float]:
    if len(vector) <= count:
        return vector
    return dict(sorted(vector.items(), key=lambda one: (-one[1], one[0]))[:count])
