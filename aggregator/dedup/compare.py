"""Two items, compared: a sum of terms, each of which can be told to a person. Pure.

The score is a log of odds, more or less, that both tell one story: from 0 on they do. docs/stories.md says what each term is for
and how the weights were found.
"""

from __future__ import annotations

from typing import NamedTuple

from aggregator.dedup.weigh import Weighed

DAY = 86_400.0
LIMIT = 6.0
"""No pair says more than this, for or against: one sure word must not outvote a whole story."""
SHORT_TITLE = 4
"""Words from which on a title proves what it can; shorter ones prove less, in proportion."""
FEW_RUNS = 4
"""Texts with fewer runs can't show that they are copies; then the titles must."""
UNLIKE_TITLES = 4
"""Power by which numbers that differ weigh less between two outlets the less their titles agree: reports on one event count the
dead differently, two results of one form have one title."""


LIKE_TITLES = 3
"""Power by which names that differ weigh less the less the titles agree: "X strikes, Y says" in other words names others, one
form about two towns names two towns."""


class Weights(NamedTuple):
    """What each term counts for. sure: a score from which one pair alone decides; close: the mean score with a story's items
    from which an item may join it, even if few of them agree one by one."""

    cover_max: float
    cover_min: float
    cosine: float
    copy: float
    numbers: float
    title_numbers: float
    names: float
    days: float
    same_outlet: float
    languages: float
    bias: float
    sure: float
    close: float


STORY = Weights(7.0, 3.0, 8.5, 3.5, -8.0, -2.0, -8.0, -2.5, -4.5, -3.0, -8.45, 3.0, -1.3)
EVENT = Weights(4.5, 3.0, 14.5, 1.5, -1.0, -1.5, 0.0, -1.0, 0.0, -3.0, -5.0, 5.5, 0.0)


class Pair(NamedTuple):
    """What two items have in common, each between 0 and 1; the names are those of the weights.

    cover: how much of one's title the other tells, in title or text; containment: how much of the lighter title is in the other;
    numbers: how many are missing, as far as titles or texts are alike; names: how many of each title's the other doesn't tell, as
    far as the titles are alike; short: how much the shorter title can prove; languages:
    they are known and differ.
    """

    score: float
    cover_max: float
    cover_min: float
    cosine: float
    copy: float
    numbers: float
    title_numbers: float
    names: float
    containment: float
    short: float
    languages: bool


def compare(a: Weighed, b: Weighed, apart: float, same_outlet: bool, weights: Weights) -> Pair:
    """Compares two items published `apart` seconds from each other. What must be looked up is looked up in `a`."""
    vector = a.vector
    both = [(word, place) for place, word in enumerate(b.words) if word in vector]
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
    if score + weights.cosine < 0.0:  # whatever the words of the texts say
        return Pair(max(-LIMIT, score), cover_max, cover_min, 0.0, copy, 0.0, 0.0, 0.0, containment, short, languages)
    cosine = _cosine(a, b, both)
    alike = max(copy, containment if same_outlet else containment**UNLIKE_TITLES)
    numbers = missing(a.numbers, b.numbers) * alike if alike else 0.0
    title_numbers = missing(a.title_numbers, b.title_numbers) * containment if containment else 0.0
    names = _untold(a, b) * containment**LIKE_TITLES if containment and a.names and b.names else 0.0
    score += weights.cosine * cosine + weights.numbers * numbers + weights.title_numbers * title_numbers + weights.names * names
    limited = LIMIT if score > LIMIT else -LIMIT if score < -LIMIT else score
    return Pair(limited, cover_max, cover_min, cosine, copy, numbers, title_numbers, names, containment, short, languages)


def terms(pair: Pair, apart: float, same_outlet: bool, weights: Weights) -> tuple[tuple[str, float], ...]:
    """The score of a pair, term by term, for `why`. Their sum is the score, but for its limits."""
    told = (
        ("words of the title", pair.short * (weights.cover_max * pair.cover_max + weights.cover_min * pair.cover_min)),
        ("words of the text", weights.cosine * pair.cosine),
        ("copied runs", weights.copy * pair.copy),
        ("numbers that differ", weights.numbers * pair.numbers + weights.title_numbers * pair.title_numbers),
        ("names that differ", weights.names * pair.names),
        ("time between", weights.days * apart / DAY),
        ("other language", weights.languages * pair.languages),
        ("same outlet", weights.same_outlet * same_outlet),
        ("needed", weights.bias),
    )
    return tuple((name, round(value, 2)) for name, value in told if round(value, 2))


def missing(a: frozenset[int], b: frozenset[int]) -> float:
    """Share of the smaller set that the other lacks; 0 where one is empty."""
    if not a or not b:
        return 0.0
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    return 1.0 - len(small & large) / len(small)


def _untold(a: Weighed, b: Weighed) -> float:
    """Share of the names in a title that the other item tells nowhere: the smaller one of both."""
    missing_in_b = len(a.names) - len(a.names.intersection(b.words))
    missing_in_a = len(b.names) - len(b.names & a.vector.keys())
    return min(missing_in_b / len(a.names), missing_in_a / len(b.names))


def _covers(a: Weighed, b: Weighed, both: list[tuple[int, int]]) -> tuple[int, float, float]:
    """(weight of the words in both titles, share of a's title in b, share of b's title in a)."""
    rare, rarities = a.rare, b.rarities
    in_title = len(rarities)
    shared = told_a = told_b = 0
    for word, place in both:
        own = rare.get(word, 0)
        told_a += own
        if place < in_title:
            weight = rarities[place]
            told_b += weight
            shared += weight if weight < own else own
    return shared, told_a / (a.title_weight or 1), told_b / (b.title_weight or 1)


def _cosine(a: Weighed, b: Weighed, both: list[tuple[int, int]]) -> float:
    if not a.norm or not b.norm:
        return 0.0
    of_a, of_b = a.vector, b.weights
    return sum([of_a[word] * of_b[place] for word, place in both]) / (a.norm * b.norm)


def _copy(a: Weighed, b: Weighed, shared: int, short: float) -> float:
    runs = min(len(a.runs), len(b.runs))
    if runs < FEW_RUNS:
        union = a.title_weight + b.title_weight - shared
        return short * (shared / union) ** 2 if union > 0 else 0.0
    return shared_runs(a, b) / runs


def shared_runs(a: Weighed, b: Weighed) -> int:
    """How many runs both texts have."""
    own = a.runs if isinstance(a.runs, frozenset) else frozenset(a.runs)
    return len(own.intersection(b.runs))
