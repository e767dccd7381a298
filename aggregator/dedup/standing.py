"""How each report of a story stands to the other outlets' reports: what the lead is chosen by. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeAlias

from aggregator.dedup.compare import Weights
from aggregator.dedup.judge import judge
from aggregator.dedup.votes import FEW_OWN_WORDS, TEXT_COVER, mean, opinion_of, text_cover, votes
from aggregator.dedup.weigh import view_of
from aggregator.model import ItemId
from aggregator.ports import IndexedItem

SEVERAL = 4
"""Outlets that must tell a story before they can say of a text that they don't tell it, or that it is none."""


class Standing(NamedTuple):
    """How a report stands to those of other outlets. mean: of the pairs' scores, one vote for each outlet and source. Copies of
    its text don't count, if there are others: they say nothing of their own.

    agrees, asked: with how many of these reports it agrees, and how many there are; bare: it has next to no text besides its
    headline; told: the others tell what its text tells; copies: other outlets' reports with the same text. These three are known
    where SEVERAL outlets tell the story.
    """

    mean: float
    agrees: int = 0
    asked: int = 0
    bare: bool = False
    told: bool = True
    copies: frozenset[ItemId] = frozenset()


Standings: TypeAlias = Mapping[ItemId, Standing]


def standings(rows: Sequence[IndexedItem], weights: Weights) -> dict[ItemId, Standing]:
    """Returns the standing of each report. Those that no other outlet's report stands beside have none."""
    counts = dict(zip([row.id for row in rows], votes(rows, once=True), strict=True))
    met: dict[ItemId, list[tuple[ItemId, float, bool]]] = {row.id: [] for row in rows}
    for a, b in combinations(rows, 2):
        if a.outlet != b.outlet and a.source != b.source:
            verdict = judge(view_of(a), view_of(b), abs(a.at - b.at), False, a.form or b.form, weights)
            copies = opinion_of(a, b, frozenset(), verdict).copies
            met[a.id].append((b.id, verdict.score, copies))
            met[b.id].append((a.id, verdict.score, copies))
    several = len({row.outlet for row in rows}) >= SEVERAL
    return {row.id: _standing(row, rows, met[row.id], counts, several) for row in rows if met[row.id]}


def _standing(
    row: IndexedItem,
    rows: Sequence[IndexedItem],
    met: Collection[tuple[ItemId, float, bool]],
    counts: Mapping[ItemId, float],
    several: bool,
) -> Standing:
    view, bare, told = view_of(row), False, True
    if several:
        others = {id for id, *_ in met}
        known = frozenset().union(*[view_of(one).words for one in rows if one.id in others])
        bare = len(view.words) - len(view.rarities) < FEW_OWN_WORDS
        told = text_cover(view, known) >= TEXT_COVER
    copies = frozenset([id for id, _, copied in met if copied])
    heard = [(id, score) for id, score, _ in met if id not in copies or len(copies) == len(met)]
    scores = [score for _, score in heard]
    return Standing(
        mean=mean(scores, [counts[id] for id, _ in heard]),
        agrees=sum(score >= 0 for score in scores),
        asked=len(scores),
        bare=bare,
        told=told,
        copies=copies if several else frozenset(),
    )
