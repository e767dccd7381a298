"""How each report of a story stands to the other outlets' reports: what the lead is chosen by. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple, TypeAlias

from aggregator.dedup.judge import FEW_OWN_WORDS
from aggregator.dedup.verdicts import Verdicts
from aggregator.dedup.votes import COPY, TEXT_COVER, mean, opinion_of, text_cover, votes
from aggregator.dedup.weigh import view_of
from aggregator.model import ItemId
from aggregator.ports import IndexedItem

SEVERAL = 4
"""Outlets that must tell a story before they can say of a text that they don't tell it, or that it is none."""


TOLD = 0.6
"""Share of what others know of most reports that they must know of a text, at least: common words are known to all, and count
much while an index is small."""


class Standing(NamedTuple):
    """How a report stands to those of other outlets. mean: of the pairs' scores, one vote for each outlet and source. Copies of
    its text don't count, if there are others: they say nothing of their own.

    agrees, asked: with how many of these reports it agrees, and how many there are; bare: it has next to no text besides its
    headline; told: the others tell what its text tells; copies: other outlets' reports with the same text; holds: those, and
    others where one text holds most of the other. These four are known where SEVERAL outlets tell the story.
    """

    mean: float
    agrees: int = 0
    asked: int = 0
    bare: bool = False
    told: bool = True
    copies: frozenset[ItemId] = frozenset()
    holds: frozenset[ItemId] = frozenset()


class _Meeting(NamedTuple):
    """A report of another outlet as one report meets it. copies, holds: as in Standing."""

    id: ItemId
    score: float
    copies: bool
    holds: bool


Standings: TypeAlias = Mapping[ItemId, Standing]


def standings(rows: Sequence[IndexedItem], verdicts: Verdicts) -> dict[ItemId, Standing]:
    """Returns the standing of each report. Those that no other outlet's report stands beside have none."""
    counts = dict(zip([row.id for row in rows], votes(rows, once=True), strict=True))
    met: dict[ItemId, list[_Meeting]] = {row.id: [] for row in rows}
    for a, b in combinations(rows, 2):
        if a.outlet != b.outlet and a.source != b.source:
            verdict = verdicts.of(a, b)
            copies = opinion_of(a, b, frozenset(), verdict).copies
            for one, other in ((a, b), (b, a)):
                met[one.id].append(_Meeting(other.id, verdict.score, copies, copies or verdict.pair.copy >= COPY))
    several = len({row.outlet for row in rows}) >= SEVERAL
    known = _known(rows) if several else {}
    least = max(TEXT_COVER, TOLD * median(known.values())) if known else 0.0
    return {
        row.id: _standing(row, met[row.id], counts, None if not known else known[row.id] >= least) for row in rows if met[row.id]
    }


def _known(rows: Sequence[IndexedItem]) -> dict[ItemId, float]:
    """Share of each report's text that other outlets' reports know, where there are any."""
    words = [(row, frozenset(view_of(row).words)) for row in rows]
    known: dict[ItemId, float] = {}
    for row in rows:
        others = [told for one, told in words if one.outlet != row.outlet and one.source != row.source]
        if others:
            known[row.id] = text_cover(view_of(row), frozenset().union(*others))
    return known


def _standing(row: IndexedItem, met: Collection[_Meeting], counts: Mapping[ItemId, float], told: bool | None) -> Standing:
    """told: None if too few outlets tell the story to say so."""
    view, several = view_of(row), told is not None
    heard = [one for one in met if not one.copies] or met
    scores = [one.score for one in heard]
    return Standing(
        mean=mean(scores, [counts[one.id] for one in heard]),
        agrees=sum(score >= 0 for score in scores),
        asked=len(scores),
        bare=several and len(view.words) - len(view.rarities) < FEW_OWN_WORDS,
        told=told is not False,
        copies=frozenset([one.id for one in met if one.copies and several]),
        holds=frozenset([one.id for one in met if one.holds and several]),
    )
