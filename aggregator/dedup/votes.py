"""How a story's items vote on an item that may join: how much each vote counts, and which must not decide alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations, compress
from typing import NamedTuple

from aggregator.dedup.compare import FEW_RUNS, Weights, compare
from aggregator.dedup.judge import FEW_OWN_WORDS, Verdict
from aggregator.dedup.weigh import Weighed, texts_of, view_of
from aggregator.ports import IndexedItem

MOST, NOT_ALONE = 0.5, 0.25
"""Shares of a story's votes that must agree: with any item that joins, and with one that a single pair is sure of, if the story
has fewer than SEVERAL items."""
SEVERAL = 4
BRIDGES = 2
"""Outlets that may be round-ups: without the votes of any two of them, the others must not be against the item. A round-up agrees
with every story it mentions, and must not join them."""
AGAINST = -4.0
"""Mean score that means "something else". Differently worded reports on one event seldom score less, two events seldom more.
Any value from -5.3 to -3.5 gives the same results on the measuring sets."""

COPY = 0.6
"""Share of the longer text's runs from which two texts are copies. More than half, so that a round-up is a copy of one report at
most, however much of it is about that report."""

SAME_HEADLINE = 0.9
"""Share of each headline found in the other item from which two items are copies, if one of them is a bare headline."""

TITLE_COVER = 0.4
"""Share of an edited title that one of the other items must contain, in title or text."""
TEXT_COVER = 0.25
"""Share of an edited text that the other items must contain together, if they contained as much of it before the edit. Chosen,
not measured: an update keeps more of the words, another text under the old headline has next to none of them."""


class Opinion(NamedTuple):
    """The result of one pair. outlets: of those items of the pair that are in a story; copies: both are one text."""

    outlets: frozenset[str]
    score: float
    copies: bool


def opinion_of(a: IndexedItem, b: IndexedItem, outlets: frozenset[str], verdict: Verdict) -> Opinion:
    """The opinion of a judged pair."""
    runs = sorted((len(view_of(a).runs), len(view_of(b).runs)))
    if runs[0] < FEW_RUNS:  # a bare headline
        return Opinion(outlets, verdict.score, verdict.pair.cover_min >= SAME_HEADLINE)
    return Opinion(outlets, verdict.score, verdict.pair.copy * runs[0] >= COPY * runs[1])


def votes(rows: Sequence[IndexedItem], once: bool) -> list[float]:
    """How much each item's vote counts. A source's second-hand items share one vote.

    once: all items of an outlet share one vote, and all items of a source (an aggregator names many outlets).
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


def not_alone(items: int) -> float:
    """Share of the votes of so many items that must agree with an item that a single pair is sure of."""
    return NOT_ALONE if items < SEVERAL else MOST


def mean(scores: Sequence[float], counts: Sequence[float]) -> float:
    """Mean score, weighted by votes."""
    return sum([score * count for score, count in zip(scores, counts, strict=True)]) / sum(counts)


def agreed(scores: Sequence[float], counts: Sequence[float], weights: Weights) -> bool:
    """True if half of the votes agree, or the mean score is close: never one pair alone, because chains of single links drift."""
    return share(scores, counts) >= MOST or mean(scores, counts) >= weights.close


def is_bridged(opinions: Sequence[Opinion]) -> bool:
    """True if BRIDGES outlets at most agree, and the others tell something else."""
    if not opinions or min([one.score for one in opinions]) >= AGAINST:
        return False
    speaking = sorted(frozenset().union(*[one.outlets for one in opinions if one.score >= 0 and not one.copies]))
    for count in range(BRIDGES + 1):
        for bridges in combinations(speaking, count):
            rest = [one.score for one in opinions if one.copies or one.outlets.isdisjoint(bridges)]
            if rest and sum(rest) < AGAINST * len(rest):
                return True
    return False


def strays(item: Weighed, before: Weighed, others: Sequence[IndexedItem], weights: Weights) -> bool:
    """True if an edited item no longer tells its story: its text differs from the others', or none of them contains its title.

    Differing numbers, names and words of a form are ignored, because one report is updated before the others. Other astray items
    don't vote, others vote by what they said before an edit, too; an outlet or source has one vote, whatever it sent.
    """
    asked = [row for row in others if not view_of(row).astray]
    if not asked:
        return False
    heard = [texts_of(row) for row in asked]
    scores = [max(_score_of_edit(item, text, weights) for text in texts) for texts in heard]
    told = [text.words for texts in heard for text in texts]
    covered = max(sum([item.rare[word] for word in words if word in item.rare]) for words in told)
    if covered < TITLE_COVER * item.title_weight or not agreed(scores, votes(asked, once=True), weights):
        return True
    known = frozenset().union(*told)
    return text_cover(item, known) < TEXT_COVER and (before.astray or text_cover(before, known) >= TEXT_COVER)


def _score_of_edit(item: Weighed, text: Weighed, weights: Weights) -> float:
    """The score of an edited item with a text of another one of its story."""
    pair = compare(item, text, 0.0, False, weights)
    differing = weights.numbers * pair.numbers + weights.title_numbers * pair.title_numbers + weights.names * pair.names
    return pair.score - differing - weights.form * pair.form


def text_cover(item: Weighed, known: Collection[int]) -> float:
    """Share, by weight, of an item's text words that are known. The title's words are left out."""
    title = len(item.rarities)
    words, weights = item.words[title:], item.weights[title:]
    if len(words) < FEW_OWN_WORDS:
        return 1.0
    return sum(compress(weights, map(known.__contains__, words))) / sum(weights)
