"""Rules on a pair that the sum of terms can't express: different days, columns, and texts made from one form. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from aggregator.dedup.compare import LIMIT, Pair, Weights, compare, missing, shared_runs
from aggregator.dedup.weigh import Weighed
from aggregator.settings import DAY

COLUMN_AFTER = 8 * 3600.0
"""Seconds after which an outlet's next text under a similar title is the next of a column, not the same report again."""
SAME_TITLE = 0.75
"""Containment from which two titles belong to one column."""
FORM_TITLE = 0.5
"""Containment, and share of words in the same place, from which two titles are of one form."""
COPY_RUNS, REWRITE_RUNS = 15, 60
"""Runs of five words a text needs so that a copy, or a rewritten report, can be told from a form filled in anew."""
COPIED, REWRITTEN, REVISED = 0.9, 0.4, 0.5
"""Shares of runs kept by a copy, by a rewritten report, and by one whose title calls it corrected or updated."""
WHOLE = 0.8
"""Share of runs from which a text is nearly whole in the other."""
NUMBERS_AGREE = 0.95
"""Share of numbers in common from which two texts report the same figures."""
OUTVOTED = -1.0
"""Highest score of two texts of one form whose numbers differ."""


AT_ONCE = 60.0
"""Seconds within which two entries of an outlet under unlike titles tell two stories, whatever boilerplate they share."""
OTHER_PLACES = 0.3
"""Containment of titles from which each naming a country that the other item doesn't means two events."""
COLUMN_ACROSS = 20 * 3600.0
"""Seconds after which another outlet's text with other numbers under the same title is of another day: "Oil rises 1%"."""
SAME_HEADLINE = 0.9
"""Containment from which two headlines are the same."""
UNLIKE_TEXTS = 0.35
"""Cosine of two texts without their titles' words below which they share nothing."""
FEW_OWN_WORDS = 6
"""Words besides the title's below which a text is too short to differ."""


class Verdict(NamedTuple):
    """The judgement on a pair. rule: the rule that decided, or ""; form: both are of one form and must be marked."""

    score: float
    pair: Pair
    rule: str = ""
    form: bool = False


def judge(a: Weighed, b: Weighed, apart: float, same_outlet: bool, marked: bool, weights: Weights) -> Verdict:
    """Compares two items and applies the rules. marked: one of them is known to be of a form."""
    pair = compare(a, b, apart, same_outlet, weights)
    if a.days and b.days and not a.days & b.days and pair.containment >= FORM_TITLE:
        return Verdict(-LIMIT, pair, "another day")
    if pair.containment >= OTHER_PLACES and a.title_places - b.places and b.title_places - a.places:
        return Verdict(-LIMIT, pair, "other countries")
    if (a.version or b.version) and not same_outlet:
        return Verdict(-LIMIT, pair, "a version without a name")
    if _says_nothing(a, b, pair):
        return Verdict(-LIMIT, pair, "a headline that says nothing")
    other_numbers = missing(a.numbers, b.numbers) > 1 / 3 and pair.copy < REWRITTEN
    if apart > COLUMN_ACROSS and pair.containment >= SAME_TITLE and other_numbers:
        return Verdict(-LIMIT, pair, "the next of a column")
    if not (same_outlet or marked or a.generic or b.generic):
        return Verdict(pair.score, pair)
    agreeing = 1.0 - missing(a.numbers, b.numbers)
    runs = min(len(a.runs), len(b.runs))
    copied = shared_runs(a, b) / runs if runs >= COPY_RUNS else 0.0
    if (a.generic or b.generic) and copied < WHOLE:
        return Verdict(-LIMIT, pair, "a headline that says nothing")
    revised = (a.revision or b.revision) and copied >= REVISED
    if same_outlet and apart > COLUMN_AFTER and pair.containment >= SAME_TITLE and not revised:
        again = copied >= 0.8 or (copied >= REWRITTEN and runs >= REWRITE_RUNS)
        if not (again and agreeing >= NUMBERS_AGREE and apart <= DAY):
            return Verdict(-LIMIT, pair, "the next of a column")
    if revised:
        facts = weights.numbers * pair.numbers + weights.title_numbers * pair.title_numbers
        return Verdict(min(LIMIT, pair.score - facts), pair, "a correction or an update")
    if same_outlet and apart < AT_ONCE and pair.containment < FORM_TITLE:
        return Verdict(min(pair.score, OUTVOTED), pair, "two entries of one moment")
    settled = copied >= COPIED and agreeing >= NUMBERS_AGREE
    form = same_outlet and not settled and _one_form(a, b, pair, agreeing)
    if (form or marked) and not settled and (pair.containment >= 0.4 or pair.copy >= 0.25):
        same = agreeing >= 0.8 and not missing(a.title_numbers, b.title_numbers) and pair.cover_min >= 0.85
        if not same and pair.score > OUTVOTED:
            return Verdict(OUTVOTED, pair, "one form, other facts", form)
    return Verdict(pair.score, pair, "", form)


def _says_nothing(a: Weighed, b: Weighed, pair: Pair) -> bool:
    """True if two items share nothing but a headline without a name: "What is your backup strategy?"."""
    if not (a.nameless and b.nameless and pair.containment >= SAME_HEADLINE and pair.copy < REWRITTEN):
        return False
    title = {*a.words[: len(a.rarities)], *b.words[: len(b.rarities)]}
    ours, theirs = (
        {word: weight for word, weight in zip(item.words, item.weights, strict=True) if word not in title} for item in (a, b)
    )
    if min(len(ours), len(theirs)) < FEW_OWN_WORDS:
        return False
    shared = sum([weight * theirs[word] for word, weight in ours.items() if word in theirs])
    return shared < UNLIKE_TEXTS * math.hypot(*ours.values()) * math.hypot(*theirs.values())


def _one_form(a: Weighed, b: Weighed, pair: Pair, agreeing: float) -> bool:
    """True if two titles have the same length, agree in most places, and differ in what a form leaves open."""
    length = len(a.order)
    if length != len(b.order) or length < 3 or pair.containment < FORM_TITLE:
        return False
    alike = sum([x == y for x, y in zip(a.order, b.order, strict=True)])
    if not length > alike >= length * FORM_TITLE:
        return False
    return agreeing <= 2 / 3 or missing(a.title_numbers, b.title_numbers) > 0 or (a.days != b.days) or pair.cover_min < 0.9
