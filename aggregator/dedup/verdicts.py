"""Judges pairs of indexed items, and remembers the verdicts."""

from __future__ import annotations

from typing import TypeAlias

from aggregator.dedup.compare import Weights
from aggregator.dedup.judge import Verdict, judge
from aggregator.dedup.weigh import Weighed, texts_of, view_of
from aggregator.ports import IndexedItem

_Pair: TypeAlias = tuple[int, int, float, bool, bool]


class Verdicts:
    """A bounded memo of `judge`, a pure function: a story compares the same pairs again whenever it grows.

    Texts are the same if they are the same object: an edited item gets another one. The memo holds both, so that no other object
    gets their `id`. It has two generations: verdicts that nobody asked for between two turns are dropped.
    """

    HALF = 2_000
    """Most verdicts of a generation (1.5 MB)."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._young: dict[_Pair, tuple[Weighed, Weighed, Verdict]] = {}
        self._old: dict[_Pair, tuple[Weighed, Weighed, Verdict]] = {}

    def of(self, a: IndexedItem, b: IndexedItem) -> Verdict:
        """The verdict on two items, whichever comes first."""
        return self._of_texts(a, b, view_of(a), view_of(b))

    def heard(self, a: IndexedItem, b: IndexedItem) -> Verdict:
        """The verdict that counts as a vote. Edited items vote by what they said before, too: an edit keeps nobody apart."""
        verdict = self.of(a, b)
        if verdict.score >= 0 or not (view_of(a).former or view_of(b).former):
            return verdict
        verdicts = [self._of_texts(a, b, one, other) for one in texts_of(a) for other in texts_of(b)]
        return max(verdicts, key=lambda verdict: verdict.score)

    def _of_texts(self, a: IndexedItem, b: IndexedItem, one: Weighed, other: Weighed) -> Verdict:
        apart, same_outlet, marked = abs(a.at - b.at), a.outlet == b.outlet, a.form or b.form
        first, second = id(one), id(other)
        pair = (first, second, apart, same_outlet, marked) if first < second else (second, first, apart, same_outlet, marked)
        known = self._young.get(pair)
        if known is None:
            known = self._old.get(pair) or (one, other, judge(one, other, apart, same_outlet, marked, self._weights))
            if len(self._young) >= self.HALF:
                self._old, self._young = self._young, {}
            self._young[pair] = known
        return known[2]
