"""Decides whether a name that was found counts, by its mark and by what stands around it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aggregator.tag.context import another_place, beside_a_capital, shows_a_name, title_case
from aggregator.tag.name_finder import Hit
from aggregator.tag.namelist import Hints, Mark
from aggregator.tag.organisations import acts_as_organisation, may_be_organisation

NO_HINTS = Hints()
_ENGLISH = frozenset(("en", "und"))
_LISTED = re.compile(r" ?(?:,|&|/|,? and|,? or|\bvs\.?|\bversus) ?", re.I)
"""What stands between two names of a list: "Apple and Google"."""


class Passage(NamedTuple):
    """A title or lead, the names in it, and whether a capital there marks a name."""

    text: str
    hits: Sequence[Hit]
    capitals_tell: bool


class Evidence:
    """What a title and its lead say for and against each name in them."""

    def __init__(self, title: str, lead: str, language: str, hits: tuple[Sequence[Hit], Sequence[Hit]]) -> None:
        self._language = language
        self._texts = (title, lead)
        self._names: dict[str, set[str]] = {}
        for hit in (*hits[0], *hits[1]):
            self._names.setdefault(hit.entity, set()).add(hit.written)
        asks_case = any(hit.mark in (Mark.BESIDE, Mark.ACTS) for hit in hits[0])
        in_sentence_case = asks_case and not title.isupper() and not title_case(title)
        self.title = Passage(title, hits[0], in_sentence_case)
        self.lead = Passage(lead, hits[1], True)
        self._words: frozenset[str] | None = None

    def counting(self, passage: Passage, hints: Mapping[str, Hints]) -> list[Hit]:
        """The names that count in a passage."""
        hits = passage.hits
        counting = [hit.mark is Mark.PLAIN or self.counts(hit, passage, hints.get(hit.entity, NO_HINTS)) for hit in hits]
        if all(counting):
            return list(hits)
        self._add_listed(counting, passage)
        return [hit for hit, counts in zip(hits, counting, strict=True) if counts]

    def counts(self, hit: Hit, passage: Passage, hints: Hints) -> bool:
        another = len(self._names[hit.entity]) > 1
        text = passage.text
        match hit.mark:
            case Mark.PLAIN:
                return True
            case Mark.SECOND:
                return another or (self._has(hints.near) and not self._has(hints.unless))
            case Mark.COMMON:
                return another or shows_a_name(text, hit.start, hit.end)
            case Mark.BESIDE:
                if another_place(text, hit.end):
                    return False
                return another or not (passage.capitals_tell and beside_a_capital(text, hit.start, hit.end))
            case Mark.ACTS:
                return another or self._acts(hit, passage, hints)

    def _acts(self, hit: Hit, passage: Passage, hints: Hints) -> bool:
        if hints.common and self._language not in hints.common:
            return True
        if self._has(hints.unless):
            return False
        if self._has(hints.near) and may_be_organisation(passage.text, hit.start, hit.end):
            return True
        return self._language in _ENGLISH and acts_as_organisation(passage.text, hit.start, hit.end, passage.capitals_tell)

    def _add_listed(self, counting: list[bool], passage: Passage) -> None:
        """Adds names that stand in a list with an organisation that counts: "Apple and Google"."""
        hits, text = passage.hits, passage.text
        if not any(hit.mark is Mark.ACTS for hit in hits):
            return
        pairs = [(place, place + 1) for place in range(len(hits) - 1)]
        for one, other in (*pairs, *((b, a) for a, b in reversed(pairs))):
            if counting[one] and not counting[other] and hits[other].mark is Mark.ACTS and len(hits[one].entity) > 2:
                first, second = sorted((one, other))
                counting[other] = _LISTED.fullmatch(text, hits[first].end, hits[second].start) is not None

    def _has(self, words: frozenset[str]) -> bool:
        """True if any of these words is in title or lead."""
        if not words:
            return False
        if self._words is None:
            self._words = frozenset(
                word.strip(".,:;!?\"'()").removesuffix("'s").casefold() for text in self._texts for word in text.split()
            )
        return not words.isdisjoint(self._words)
