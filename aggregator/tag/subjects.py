"""Classifies English texts by the 17 top levels of the IPTC Media Topics, if the result is clear.

Two votes are multiplied: word vectors (a linear classifier over GloVe 50d, trained on seed words alone) and the seed words
themselves (naive Bayes). `docs/tools/subjects.py` builds the table; docs/tags.md has the figures. numpy is used
here and there alone.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggregator.model import Item, Tag, TagKind
from aggregator.tag.own import commonest

DATA = Path(__file__).with_name("data")
SUMMARY_LENGTH = 400
"""Characters of the text that are read after the title."""
SURE = 0.90
"""Least probability of a subject. Nine in ten of these agree with the publisher's label; half of the others are right, too."""
MOST = 2
"""Most subjects of a story: those that most of its items have."""
VECTOR_SHARPNESS = 3.0
SEED_SHARPNESS = 0.5
SMOOTHING = 0.3
"""Added to each count of the naive Bayes vote."""

_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_STOP_WORDS = """
a an and are as at be been but by can could did do does for from had has have he her him his how i if in into is it its may me
more most my new no not of off on one or our out over said says she should so than that the their them then there these they
this to two up us was we were what when where which who why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())

Vector = NDArray[np.float32]


def read_seeds(path: Path = DATA / "seeds.txt") -> dict[str, list[str]]:
    """Subject → its seed words, phrases joined by hyphens."""
    seeds: dict[str, list[str]] = {}
    subject = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            subject, _, line = line.partition(":")
        seeds.setdefault(subject, []).extend(line.split())
    return seeds


def stem(word: str) -> str:
    """A word without its plural ending: enough for headlines."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def words_of(text: str) -> list[str]:
    """The words in lower-case ASCII, compounds split at hyphens."""
    return [part for word in _WORD.findall(text.lower()) for part in word.split("-")]


def terms(words: Sequence[str]) -> list[str]:
    """Stems without stop words, and each pair of adjacent stems, joined by a blank."""
    stems = [stem(word) for word in words if word not in _STOP]
    return stems + [f"{first} {second}" for first, second in pairwise(stems)]


class Subjects:
    """Finds subjects. The table (2 MB) is loaded with the first text."""

    def __init__(self) -> None:
        self._remembered = lru_cache(maxsize=4096)(self._best)

    def tags(self, items: Sequence[Item]) -> list[Tag]:
        """Subjects of a story's English items, at most MOST, with the probability in the first item."""
        counts: dict[str, int] = {}
        reasons: dict[str, str] = {}
        for item in items:
            if item.language != "en":
                continue
            subject, chance = self.best(item.title, item.text)
            if chance >= SURE:
                counts[subject] = counts.get(subject, 0) + 1
                reasons.setdefault(subject, f"{chance:.0%} by the words of {item.source}")
        return [Tag(TagKind.SUBJECT, subject, reasons[subject]) for subject in commonest(counts, MOST)]

    def best(self, title: str, text: str) -> tuple[str, float]:
        """The most likely subject of an English title and the beginning of its text, and its probability."""
        return self._remembered(title, text[:SUMMARY_LENGTH])

    def probabilities(self, title: str, text: str) -> dict[str, float]:
        """The probability of each subject. They add up to 1."""
        return dict(zip(self._table.subjects, map(float, self._chances(title, text[:SUMMARY_LENGTH])), strict=True))

    def _best(self, title: str, text: str) -> tuple[str, float]:
        chances = self._chances(title, text)
        at = int(chances.argmax())
        return self._table.subjects[at], float(chances[at])

    def _chances(self, title: str, text: str) -> Vector:
        table = self._table
        in_title, in_text = words_of(title), words_of(text)
        by_vectors = table.by_vectors(in_title + in_text)
        by_seeds = table.by_seeds(Counter(terms(in_title) * 2 + terms(in_text)))
        product = np.sqrt(by_vectors) * by_seeds
        chances: Vector = product / product.sum()
        return chances

    @cached_property
    def _table(self) -> Table:
        return Table()


class Table:
    """The word vectors, their classifier, and the weights of the seeds. All votes are in the order of `subjects`."""

    def __init__(self) -> None:
        with np.load(DATA / "subjects.npz") as stored:
            self.subjects: list[str] = str(stored["subjects"]).split()
            self._rows: dict[str, int] = {word: row for row, word in enumerate(str(stored["words"]).split())}
            self._vectors: NDArray[np.int8] = stored["vectors"]
            self._scales: Vector = stored["scales"].astype(np.float32)
            self._weights: Vector = stored["weights"]
            self._bias: Vector = stored["bias"]
        self._seeds = seed_weights(read_seeds(), self.subjects)

    def by_vectors(self, words: Sequence[str]) -> Vector:
        """The vote of the word vectors; equal for all subjects if no word is known."""
        rows = [row for word in words if (row := self._rows.get(word)) is not None]
        if not rows:
            return _equal(len(self.subjects))
        vector = self._scales[rows] @ self._vectors[rows].astype(np.float32)
        length = float(np.linalg.norm(vector))
        return (
            _softmax(VECTOR_SHARPNESS * (self._weights @ vector / length + self._bias)) if length else _equal(len(self.subjects))
        )

    def by_seeds(self, counts: Counter[str]) -> Vector:
        """The vote of the seed words."""
        total = np.zeros(len(self.subjects), dtype=np.float32)
        for term, count in counts.items():
            weights = self._seeds.get(term)
            if weights is not None:
                total += min(count, 2) * weights
        return _softmax(SEED_SHARPNESS * total)


def seed_weights(seeds: dict[str, list[str]], subjects: Sequence[str]) -> dict[str, Vector]:
    """Term → its weight for each subject: the log of how often the subject's seeds have it, less the mean over subjects."""
    counts = {subject: Counter(_seed_term(seed) for seed in seeds[subject]) for subject in subjects}
    vocabulary = {term for counted in counts.values() for term in counted}
    weights: dict[str, Vector] = {}
    for term in vocabulary:
        logs: Any = [
            math.log((counts[subject][term] + SMOOTHING) / (counts[subject].total() + SMOOTHING * len(vocabulary)))
            for subject in subjects
        ]
        row = np.array(logs, dtype=np.float32)
        weights[term] = row - row.mean()
    return weights


def _seed_term(seed: str) -> str:
    return " ".join(stem(word) for word in seed.split("-"))


def _softmax(values: Any) -> Vector:
    raised = np.exp(values - values.max())
    result: Vector = (raised / raised.sum()).astype(np.float32)
    return result


def _equal(count: int) -> Vector:
    return np.full(count, 1 / count, dtype=np.float32)
