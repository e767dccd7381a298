"""What a story's items say on one that may join it: how much the word of each counts, and whose must not decide. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations
from typing import NamedTuple

from aggregator.dedup.compare import FEW_RUNS, Weights, compare
from aggregator.dedup.judge import Verdict
from aggregator.dedup.weigh import Weighed, view_of
from aggregator.ports import IndexedItem

MOST, NOT_ALONE = 0.5, 0.25
"""Shares of a story's votes that must agree with an item that joins, and with one that a single pair is sure of."""
BRIDGES = 2
"""Outlets without whose word a story must not be against what joins it: a round-up agrees with each of the stories that it
tells, and neither one nor two of them may make these one."""
AGAINST = -4.0
"""Mean score that says "something else". Reports on one event in other words seldom score less, two events seldom more: the
measuring sets are the same from -5.3 to -3.5."""

COPY = 0.6
"""Share of the longer text's runs from which on two texts are copies of each other. More than half: so a round-up is the copy of
one report at most, however long it dwells on it."""

SAME_HEADLINE = 0.9
"""How much of each of two headlines the other item tells, if one of them has nothing else and both are one text."""

TITLE_TOLD = 0.4
"""How much of an edited title one of the others must tell, in title or text."""
TEXT_TOLD = 0.25
"""How much of an edited text the others must tell together, if they told so much of what it was before. Reports on one event in
other words tell a third and more of each other, two events with the same headline a tenth."""
FEW_OWN_WORDS = 6
"""Words beside those of the title under which a text says too little to be another."""


class Word(NamedTuple):
    """What a pair of items comes to. outlets: of those of them that stand in a story; copies: both are one text."""

    outlets: frozenset[str]
    score: float
    copies: bool


def word(a: IndexedItem, b: IndexedItem, outlets: frozenset[str], verdict: Verdict) -> Word:
    """The word of a pair that was judged."""
    runs = sorted((len(view_of(a).runs), len(view_of(b).runs)))
    if runs[0] < FEW_RUNS:  # a bare headline
        return Word(outlets, verdict.score, verdict.pair.cover_min >= SAME_HEADLINE)
    return Word(outlets, verdict.score, verdict.pair.copy * runs[0] >= COPY * runs[1])


def votes(rows: Sequence[IndexedItem], once: bool) -> list[float]:
    """What the word of each item counts. A source's second-hand items share one vote.

    once: so do all items of an outlet, and all of a source (an aggregator names many outlets).
    """
    if len(rows) == 1:
        return [1.0]
    if once:
        outlets, sources = Counter([row.outlet for row in rows]), Counter([row.source for row in rows])
        return [1.0 / max(outlets[row.outlet], sources[row.source]) for row in rows]
    second = Counter([row.source for row in rows if view_of(row).second_hand])
    return [1.0 / second[row.source] if view_of(row).second_hand else 1.0 for row in rows]


def share(scores: Sequence[float], counts: Sequence[float]) -> float:
    """Share of the votes that agree."""
    return sum([count for score, count in zip(scores, counts, strict=True) if score >= 0]) / sum(counts)


def mean(scores: Sequence[float], counts: Sequence[float]) -> float:
    """The score on the whole."""
    return sum([score * count for score, count in zip(scores, counts, strict=True)]) / sum(counts)


def agreed(scores: Sequence[float], counts: Sequence[float], weights: Weights) -> bool:
    """Whether half of the votes agree, or all on the whole: never one pair alone, because chains of single links drift."""
    return share(scores, counts) >= MOST or mean(scores, counts) >= weights.close


def is_bridged(words: Sequence[Word]) -> bool:
    """Whether what agrees is the word of BRIDGES outlets at most, and the others tell something else."""
    if not words or min([word.score for word in words]) >= AGAINST:
        return False
    speaking = sorted(frozenset().union(*[word.outlets for word in words if word.score >= 0 and not word.copies]))
    for count in range(BRIDGES + 1):
        for bridges in combinations(speaking, count):
            rest = [word.score for word in words if word.copies or word.outlets.isdisjoint(bridges)]
            if rest and sum(rest) < AGAINST * len(rest):
                return True
    return False


def strays(item: Weighed, before: Weighed, others: Sequence[Weighed], weights: Weights) -> bool:
    """Whether an item that was edited tells its story no more: its text is another, or its title is told by none of the others.

    Numbers and names don't count: a report is brought up to date before the others are. Others that went astray don't either.
    """
    pairs = [(compare(item, one, 0.0, False, weights), one) for one in others if not one.astray]
    if not pairs:
        return False
    scores = [
        pair.score - weights.numbers * pair.numbers - weights.title_numbers * pair.title_numbers - weights.names * pair.names
        for pair, _ in pairs
    ]
    told = max(sum([item.rare[word] for word in one.words if word in item.rare]) for _, one in pairs)
    if told < TITLE_TOLD * item.title_weight or not agreed(scores, [1.0] * len(scores), weights):
        return True
    known = frozenset().union(*[one.words for _, one in pairs])
    return _text_told(item, known) < TEXT_TOLD and (before.astray or _text_told(before, known) >= TEXT_TOLD)


def _text_told(item: Weighed, known: Collection[int]) -> float:
    """Share of the words of an item's text, by weight, that are known; those of its title left out."""
    title = len(item.rarities)
    own = list(zip(item.words[title:], item.weights[title:], strict=True))
    if len(own) < FEW_OWN_WORDS:
        return 1.0
    return sum([weight for word, weight in own if word in known]) / sum([weight for _, weight in own])
