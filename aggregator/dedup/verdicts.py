"""Judges pairs of indexed items, and remembers the verdicts."""

from __future__ import annotations

from typing import TypeAlias

from aggregator.dedup.compare import Weights
from aggregator.dedup.judge import Verdict, judge
from aggregator.dedup.weigh import Weighed, texts_of, view_of
from aggregator.ports import IndexedItem

_Pair: TypeAlias = tuple[int, int, float, bool, bool]
_Judged: TypeAlias = tuple[Weighed, Weighed, Verdict]


class Verdicts:
    """A bounded memo of `judge`, a pure function: a story compares the same pairs again whenever it grows.

    Texts are the same if they are the same object: an edited item gets another one. The memo holds both, so that no other object
    gets their `id`. Pairs that differ are remembered for less long than those that agree, which a growing story asks for.
    """

    AGREEING, DIFFERING = 2_000, 1_000
    """Most verdicts of a generation, by what they say (700 bytes each)."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._agreeing, self._differing = _Generations(self.AGREEING), _Generations(self.DIFFERING)

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
        known = self._agreeing.get(pair) or self._differing.get(pair)
        if known is None:
            known = (one, other, judge(one, other, apart, same_outlet, marked, self._weights))
            (self._agreeing if known[2].score >= 0 else self._differing).add(pair, known)
        return known[2]


class _Generations:
    """Verdicts in two generations of `size`: those that nobody asked for between two turns are dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[_Pair, _Judged] = {}
        self._old: dict[_Pair, _Judged] = {}

    def get(self, pair: _Pair) -> _Judged | None:
        known = self._young.get(pair)
        if known is None and (known := self._old.get(pair)) is not None:
            self.add(pair, known)
        return known

    def add(self, pair: _Pair, judged: _Judged) -> None:
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[pair] = judged
