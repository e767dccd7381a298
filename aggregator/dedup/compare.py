"""Compares two items: the score is a sum of terms, each of which can be explained to a person. Pure.

The score is roughly the log-odds that both tell one story: from 0 on they do. docs/stories.md explains each term and how the
weights were found.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from itertools import repeat
from operator import mul
from typing import NamedTuple

from aggregator.dedup.weigh import Weighed
from aggregator.settings import DAY
from aggregator.text.alignment import common_order

LIMIT = 6.0
"""Bound of a pair's score in both directions: one very sure pair must not outvote a whole story."""
SHORT_TITLE = 4
"""Words a title needs to count in full; a shorter one counts in proportion."""
FEW_RUNS = 4
"""Texts with fewer runs can't be recognised as copies; their titles are compared instead."""
UNLIKE_TITLES = 4
"""Exponent on the agreement of two outlets' titles when differing numbers are weighed. Reports on one event give different
death tolls under different titles; two results in one form share a title."""

LIKE_TITLES = 3
"""Exponent on the agreement of titles when differing names are weighed. Two wordings of one report may name different people
under different titles; one form about two towns names two towns under nearly the same title."""


FEW_OTHER_WORDS = 3
"""Words besides its names that a title needs so that differing names are weighed."""
SAME_FORM, OTHER_FORM = 0.76, 0.62
"""Share of the longer title's words that both titles have in the same order: from the first on they are of one form, below the
second they are not. Reports on one event seldom exceed 0.65 unless their words are the same."""
FILLED_IN, REWORDED = 0.12, 0.04
"""Shares of a title's weight, in words of its own: from the first on a form was filled in anew, below the second it wasn't."""
TOLD_AGAIN = 1.9
"""Weight over rarity of a title's word that the item's text repeats: 1 + ln(3)."""
UNTOLD = 0.25
"""How much a word counts that only the title has and that is no name: as often as not it rewords the other title."""
FORM_TEXT = 0.35
"""How much texts that share runs add to how alike their titles are: copies of one report don't name things of their own."""
COPIED_TEXT, LONG_TEXT = 0.9, 60
"""Share of runs in common from which two texts of so many runs are copies, whatever their titles."""


class Weights(NamedTuple):
    """Weight of each term. sure: score from which a single pair decides; close: mean score over a story's items from which an
    item may join, even if few of the pairs agree."""

    cover_max: float
    cover_min: float
    cosine: float
    copy: float
    numbers: float
    title_numbers: float
    names: float
    form: float
    days: float
    same_outlet: float
    languages: float
    bias: float
    sure: float
    close: float


STORY = Weights(7.0, 3.0, 8.5, 3.5, -8.0, -2.0, -8.0, -16.0, -2.5, -4.5, -4.0, -7.7, 3.0, -1.6)
EVENT = Weights(5.5, 4.0, 12.5, 1.5, -2.5, -2.5, -8.0, -24.0, -1.5, 0.0, -3.0, -5.0, 5.5, 0.0)


class Pair(NamedTuple):
    """What two items have in common. All values but `score` are between 0 and 1 and named as in Weights.

    cover: share of one item's title found in the other's title or text; containment: share of the lighter title in the other
    title; numbers, names: share that the other item lacks, scaled by how alike the items (names: the titles) are; short: how
    much the shorter title counts; languages: both are known and differ.
    """

    score: float
    cover_max: float
    cover_min: float
    cosine: float
    copy: float
    numbers: float
    title_numbers: float
    names: float
    form: float
    containment: float
    short: float
    languages: bool


def compare(a: Weighed, b: Weighed, apart: float, same_outlet: bool, weights: Weights) -> Pair:
    """Compares two items published `apart` seconds from each other. Only the dictionaries of `a` are used."""
    both = a.vector.keys() & b.words
    shared, cover_a, cover_b = _covers(a, b, both)
    cover_max, cover_min = (cover_a, cover_b) if cover_a >= cover_b else (cover_b, cover_a)
    a_title, b_title = a.title_weight, b.title_weight
    lighter = a_title if a_title < b_title else b_title
    containment = shared / lighter if lighter else 0.0
    words = min(len(a.rarities), len(b.rarities))
    short = words / SHORT_TITLE if words < SHORT_TITLE else 1.0
    copy = _copy(a, b, shared, short)
    score = (
        short * (weights.cover_max * cover_max + weights.cover_min * cover_min)
        + weights.copy * copy
        + weights.days * apart / DAY
        + weights.same_outlet * same_outlet
        + weights.bias
    )
    languages = a.language != b.language and bool(a.language and b.language)
    if languages:
        score += weights.languages
    if score + weights.cosine < 0.0:  # the texts' words can't lift it to 0
        return Pair(max(-LIMIT, score), cover_max, cover_min, 0.0, copy, 0.0, 0.0, 0.0, 0.0, containment, short, languages)
    cosine = _cosine(a, b)
    alike = max(copy, containment if same_outlet else containment**UNLIKE_TITLES)
    numbers = missing(a.numbers, b.numbers) * alike if alike else 0.0
    title_numbers = missing(a.title_numbers, b.title_numbers) * containment if containment else 0.0
    names = _missing_names(a, b, both) if containment and a.names and b.names else 0.0
    score += weights.cosine * cosine + weights.numbers * numbers + weights.title_numbers * title_numbers + weights.names * names
    form = _form(a, b, both, copy) if weights.form and score >= 0.0 else 0.0
    score += weights.form * form
    limited = LIMIT if score > LIMIT else -LIMIT if score < -LIMIT else score
    return Pair(limited, cover_max, cover_min, cosine, copy, numbers, title_numbers, names, form, containment, short, languages)


def terms(pair: Pair, apart: float, same_outlet: bool, weights: Weights) -> tuple[tuple[str, float], ...]:
    """The terms of a pair's score, for `why`. They add up to the score before it is limited."""
    weighted = (
        ("words of the title", pair.short * (weights.cover_max * pair.cover_max + weights.cover_min * pair.cover_min)),
        ("words of the text", weights.cosine * pair.cosine),
        ("copied runs", weights.copy * pair.copy),
        ("numbers that differ", weights.numbers * pair.numbers + weights.title_numbers * pair.title_numbers),
        ("names that differ", weights.names * pair.names),
        ("one form, filled in with other words", weights.form * pair.form),
        ("time between", weights.days * apart / DAY),
        ("other language", weights.languages * pair.languages),
        ("same outlet", weights.same_outlet * same_outlet),
        ("needed", weights.bias),
    )
    return tuple((name, round(value, 2)) for name, value in weighted if round(value, 2))


def missing(a: frozenset[int], b: frozenset[int]) -> float:
    """Share of the smaller set that the other lacks; 0 if either is empty."""
    if not a or not b:
        return 0.0
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    return 1.0 - len(small & large) / len(small)


def _missing_names(a: Weighed, b: Weighed, shared: AbstractSet[int]) -> float:
    """Share, by weight, of a title's names that the other item has nowhere: the smaller share of the two directions.

    Scaled by how alike the titles are without their names: names that differ would else hide that the rest is the same.
    """
    if a.names <= shared or b.names <= shared:
        return 0.0
    missing_a, rest_a = _split_title(a, shared)
    missing_b, rest_b = _split_title(b, shared)
    missing = min(missing_a, missing_b)
    if not missing or min(len(rest_a), len(rest_b)) < FEW_OTHER_WORDS:
        return 0.0
    common = sum([min(weight, rest_b[word]) for word, weight in rest_a.items() if word in rest_b])
    lighter = min(sum(rest_a.values()), sum(rest_b.values()))
    return missing * (common / lighter) ** LIKE_TITLES if lighter else 0.0


def _split_title(item: Weighed, shared: AbstractSet[int]) -> tuple[float, dict[int, int]]:
    """(share of the names' weight that the other item lacks, the title's other words and their weights)."""
    rest: dict[int, int] = {}
    named = lacking = 0
    for word, rarity in zip(item.words, item.rarities, strict=False):
        if word not in item.names:
            rest[word] = rarity
            continue
        named += rarity
        lacking += 0 if word in shared else rarity
    return lacking / named if named else 0.0, rest


def _form(a: Weighed, b: Weighed, shared: AbstractSet[int], copy: float) -> float:
    """How far two titles are one form, each filled in with words that the other item has nowhere: 0 to 1."""
    if copy >= COPIED_TEXT and min(len(a.runs), len(b.runs)) >= LONG_TEXT:
        return 0.0
    filled = min(_own_words(a, shared), _own_words(b, shared))
    if filled <= REWORDED:
        return 0.0
    alike = common_order(a.order, b.order) / max(len(a.order), len(b.order)) + FORM_TEXT * copy
    like = min(1.0, (alike - OTHER_FORM) / (SAME_FORM - OTHER_FORM))
    return like * min(1.0, (filled - REWORDED) / (FILLED_IN - REWORDED)) if like > 0 else 0.0


def _own_words(item: Weighed, shared: AbstractSet[int]) -> float:
    """Share, by weight, of the title's words that the other item has nowhere. Numbers don't count: the terms on numbers do that.

    A word counts in full if it is a name or the text repeats it.
    """
    own = 0.0
    for word, rarity, weight in zip(item.words, item.rarities, item.weights, strict=False):
        if word not in shared and word not in item.numbers:
            told = word in item.names or word in item.title_places or weight > TOLD_AGAIN * rarity
            own += rarity if told else rarity * UNTOLD
    return own / item.title_weight if item.title_weight else 0.0


def _covers(a: Weighed, b: Weighed, both: AbstractSet[int]) -> tuple[int, float, float]:
    """(weight of the words in both titles, share of a's title in b, share of b's title in a)."""
    rare = a.rare
    shared = covered_b = 0
    for word, rarity in zip(b.words, b.rarities, strict=False):
        if word in both:
            covered_b += rarity
            own = rare.get(word, 0)
            shared += rarity if rarity < own else own
    covered_a = sum([rare[word] for word in rare.keys() & both])
    return shared, covered_a / (a.title_weight or 1), covered_b / (b.title_weight or 1)


def _cosine(a: Weighed, b: Weighed) -> float:
    if not a.norm or not b.norm:
        return 0.0
    in_common: int = sum(map(mul, map(a.vector.get, b.words, repeat(0)), b.weights))
    return in_common / (a.norm * b.norm)


def _copy(a: Weighed, b: Weighed, shared: int, short: float) -> float:
    runs = min(len(a.runs), len(b.runs))
    if runs < FEW_RUNS:
        union = a.title_weight + b.title_weight - shared
        return short * (shared / union) ** 2 if union > 0 else 0.0
    return shared_runs(a, b) / runs


def shared_runs(a: Weighed, b: Weighed) -> int:
    """Number of runs the two texts have in common."""
    return len(a.run_set.intersection(b.runs))
