"""Tells forms: titles that fill in one pattern ("Dollar today", "Pound today"). They never follow one event. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.text.alignment import common_order

SAME_ORDER = 0.5
"""Share of the longer title's words that both have in the same order, from which two titles are one form: reports of one event
that are so alike are one story."""
SAME_WORDS = 0.6
"""The same for an outlet's own titles, in any order."""


def is_one_form(a: Sequence[int], b: Sequence[int], *, same_outlet: bool) -> bool:
    """True if two titles, as words in order, are one form. same_outlet: an outlet's own forms are recognised by less."""
    longer = max(len(a), len(b))
    if not longer:
        return False
    if common_order(a, b) >= SAME_ORDER * longer:
        return True
    return same_outlet and len({*a} & {*b}) >= SAME_WORDS * longer
