"""Tells forms: titles that fill in one pattern ("Dollar today", "Pound today"). They never follow one event. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.text.alignment import common_order

SAME_ORDER = 0.5
"""Share of the longer title's words that both have in the same order, from which two titles are one form: reports of one event
that are so alike are one story."""
SAME_WORDS = 0.6
"""The same for an outlet's own titles, in any order."""
SAME_ORDER_ANOTHER_DAY = 0.35
"""SAME_ORDER for an outlet's own titles that name different weekdays."""


def is_one_form(a: Sequence[int], b: Sequence[int], *, same_outlet: bool, other_day: bool = False) -> bool:
    """True if two titles, as words in order, are one form.

    same_outlet: an outlet's own forms are recognised by less; other_day: both name weekdays, and none is the same.
    """
    longer = max(len(a), len(b))
    if not longer:
        return False
    least = SAME_ORDER_ANOTHER_DAY if same_outlet and other_day else SAME_ORDER
    if common_order(a, b) >= least * longer:
        return True
    return same_outlet and len({*a} & {*b}) >= SAME_WORDS * longer
