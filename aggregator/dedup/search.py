"""Searches the story that an item joins: compares the candidates, weighs their stories, and finds stories to merge.

Only reads the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from aggregator.dedup.candidates import Reach, by_address
from aggregator.dedup.compare import EVENT, STORY, Weights, terms
from aggregator.dedup.judge import Verdict, judge
from aggregator.dedup.proposal import Nearest, Proposal
from aggregator.dedup.verdicts import Verdicts
from aggregator.dedup.votes import Opinion, agreed, is_bridged, opinion_of, votes
from aggregator.dedup.weigh import view_of
from aggregator.model import Evidence, ItemId, StoryId
from aggregator.ports import GroupedItems, IndexedItem
from aggregator.settings import Dedup

T = TypeVar("T")

MAX_ITEMS = 60
"""Most items of a story: what grows beyond that is a topic."""
OF_SOURCE_IN_EVENT = 20
"""OF_SOURCE at the event level, where an outlet's further reports on an event belong to the story: a third of its room."""
SAME_ADDRESS = 2.0
"""Bonus on the score of two items with the same address."""
JUDGES = 12
"""Items of a story that an item is compared with, spread evenly over it."""
MERGE_JUDGES = 8
"""Items of each story that are compared when two stories may be one."""
OF_SOURCE = 5
"""Most items of one source in a story. A source revises a report two or three times under new guids, four times on a busy day.
More would add nothing, and would fill the story so that other outlets begin a second one."""
MERGES = 4
"""Most stories that one item may merge with its own."""


class Level(Struct, frozen=True):
    """How far a story reaches. once: an outlet's second text needs a sure pair to join; of_source: most items of a source."""

    weights: Weights
    reach: Reach
    once: bool
    of_source: int


LEVELS = {
    "story": Level(STORY, Reach(heavy=6, least=0.15, candidates=12), once=True, of_source=OF_SOURCE),
    "event": Level(EVENT, Reach(heavy=10, least=0.05, candidates=24), once=False, of_source=OF_SOURCE_IN_EVENT),
}
"""`least`: of the items that share less, fewer than one in a thousand would agree."""


class Placement(Struct, frozen=True):
    """Where an item belongs. story: None for a new one; merges: stories that prove the same (the caller decides which id stays).

    spare: the story has enough items of this source, so the item joins none and nothing will join it.
    stray: the item has the story's address, but nothing else of it: it has no vote in the story and never leads it.
    around: items whose stories may follow the same event (`candidates.Near`).
    row, marked: what `record` stores: the item, and those found to be of one form with it.
    """

    story: StoryId | None
    evidence: Evidence
    merges: tuple[StoryId, ...] = ()
    row: IndexedItem | None = None
    marked: tuple[IndexedItem, ...] = ()
    spare: bool = False
    stray: bool = False
    around: tuple[ItemId, ...] = ()


class Search:
    """The search for one item's story."""

    def __init__(
        self,
        index: GroupedItems,
        settings: Dedup,
        level: Level,
        verdicts: Verdicts,
        row: IndexedItem,
        closed: Collection[StoryId] = (),
    ) -> None:
        """verdicts: by the weights of the level."""
        self._index = index
        self._settings = settings
        self._verdicts = verdicts
        self._weights = level.weights
        self._once = level.once
        self._of_source = level.of_source
        self._row = row
        self._closed = closed

    def by_address(self, address: int) -> IndexedItem | None:
        """An item with the same address whose story has room. None if the address is a page that carries many entries."""
        rows = by_address(self._index, address, self._row.at, self._settings.within)
        unlike = [row for row in rows if row.source == self._row.source and not _titles_meet(self._row, row)]
        if len(unlike) > 1:
            return None
        return next((row for row in rows if self._members(row.story) and self._on_one_page(row)), None)

    def _on_one_page(self, other: IndexedItem) -> bool:
        """True if titles or texts agree well enough for items of one address: anyone can link to a page under any headline.

        An outlet's feeds may list a page under two headlines. Its live page stays one story while these have a word in common.
        """
        if self._row.outlet == other.outlet and (self._row.source != other.source or _titles_meet(self._row, other)):
            return True
        return self.tells_the_same(other)

    def tells_the_same(self, other: IndexedItem) -> bool:
        """True if titles or texts of two items of one address agree well enough."""
        return judge(view_of(self._row), view_of(other), 0.0, False, False, self._weights).score >= -SAME_ADDRESS

    def limit_source(self, placement: Placement) -> Placement:
        """The placement, or none if the story has enough items of this source."""
        story = placement.story
        if story is None or sum([row.source == self._row.source for row in self._rows(story)]) < self._of_source:
            return placement
        return Placement(None, Evidence("its source has told the story often enough", nearest=story), spare=True)

    def by_words(self, candidates: Sequence[IndexedItem]) -> Placement:
        """The story that agrees with the item best, and the stories that then prove to be the same."""
        verdicts, marked = self._judge(candidates)
        proposals, nearest = self._proposals(verdicts)
        agreeing = [one for one in proposals if one.agrees(self._weights)]
        agreeing.sort(key=lambda one: (max(one.scores) < self._weights.sure, -one.mean))
        outvoted = sorted([one for one in proposals if one not in agreeing], key=lambda one: -one.mean)
        if not agreeing:
            nearest = outvoted[0].as_nearest(self._weights) if outvoted else nearest
            evidence = nearest.of(Evidence("new")) if nearest else Evidence("new")
            return Placement(None, evidence, row=self._row, marked=marked)
        best, others = agreeing[0], agreeing[1:] + [one for one in proposals if one not in agreeing]
        merges = self._merges(best.story, [one.story for one in others])
        apart = next((one for one in agreeing[1:] + outvoted if one.story not in merges), None)
        if apart is not None:
            nearest = apart.as_nearest(self._weights)
        evidence = self._evidence(best)
        return Placement(best.story, nearest.of(evidence) if nearest else evidence, merges, self._row, marked)

    def _judge(self, candidates: Sequence[IndexedItem]) -> tuple[list[tuple[Verdict, IndexedItem]], tuple[IndexedItem, ...]]:
        """Each candidate with its verdict, highest score first, and the candidates of one form with the item."""
        verdicts = [(self._verdicts.of(self._row, other), other) for other in candidates]
        marked = tuple(other for verdict, other in verdicts if verdict.form)
        if marked:
            self._row.form = True
            verdicts = [(self._verdicts.of(self._row, other), other) for other in candidates]
        verdicts.sort(key=lambda one: -one[0].score)
        return verdicts, tuple(other for other in marked if not other.form)

    def _proposals(self, verdicts: Iterable[tuple[Verdict, IndexedItem]]) -> tuple[list[Proposal], Nearest | None]:
        """Stories with a matching item, and the nearest of the other stories."""
        proposals: dict[StoryId, Proposal] = {}
        nearest: Nearest | None = None
        for verdict, other in verdicts:
            if other.story in proposals:
                continue
            members = self._members(other.story) if verdict.score >= 0 else ()
            if members:
                proposals[other.story] = self._proposal(members, other, verdict)
            elif nearest is None:
                kept_out = "taken down" if other.story in self._closed else "no room"
                nearest = Nearest(other.story, verdict.score, kept_out if verdict.score >= 0 else verdict.rule or "unlike")
        return list(proposals.values()), nearest

    def _proposal(self, members: Sequence[IndexedItem], partner: IndexedItem, verdict: Verdict) -> Proposal:
        judges = spread(members, JUDGES)
        judges = [one for one in judges if not view_of(one).astray] or judges
        opinions = [opinion_of(self._row, one, frozenset((one.outlet,)), self._verdicts.heard(self._row, one)) for one in judges]
        scores, bridged = [one.score for one in opinions], is_bridged(opinions)
        return Proposal(
            partner.story, partner, verdict, scores, votes(judges, self._once), self._is_second_text(members), bridged
        )

    def _is_second_text(self, members: Sequence[IndexedItem]) -> bool:
        """True if an item of the same outlet in the story has a different text, and an outlet counts once."""
        mine = (member for member in members if member.outlet == self._row.outlet)
        return self._once and any(self._verdicts.of(self._row, member).score < 0 for member in mine)

    def _merges(self, story: StoryId, others: Sequence[StoryId]) -> tuple[StoryId, ...]:
        """The other stories that prove the same as this one, now that the item is in it."""
        merged: list[StoryId] = []
        members = [*self._rows(story), self._row]
        for other in others[:MERGES]:
            theirs = self._rows(other)
            if len(members) + len(theirs) > MAX_ITEMS or not self._in_reach([*members, *theirs]):
                continue
            if self._are_one(spread(members, MERGE_JUDGES), spread(theirs, MERGE_JUDGES)):
                merged.append(other)
                members += theirs
        return tuple(merged)

    def _are_one(self, ours: Sequence[IndexedItem], theirs: Sequence[IndexedItem]) -> bool:
        """True if two stories agree now that the item is in one of them, and not only because of it and of round-ups."""
        pairs = [(a, b, self._verdicts.heard(a, b)) for a in ours for b in theirs]
        scores = [verdict.score for *_, verdict in pairs]
        counts = [one * other for one in votes(ours, self._once) for other in votes(theirs, self._once)] if scores else []
        if not scores or not agreed(scores, counts, self._weights):
            return False
        row = self._row
        return not is_bridged(
            [
                Opinion(frozenset((a.outlet, b.outlet)), verdict.score, copies=False)
                for a, b, verdict in pairs
                if row.outlet not in (a.outlet, b.outlet) and row.source not in (a.source, b.source)
            ]
        )

    def _members(self, story: StoryId) -> Sequence[IndexedItem]:
        """The story's items if the item may still join it, else none."""
        rows = self._rows(story) if story not in self._closed else ()
        return rows if rows and len(rows) < MAX_ITEMS and self._in_reach([*rows, self._row]) else ()

    def _in_reach(self, rows: Sequence[IndexedItem]) -> bool:
        first = rows[0].at
        return all(abs(row.at - first) <= self._settings.at_most for row in rows)

    def _rows(self, story: StoryId) -> list[IndexedItem]:
        return list(self._index.items(self._index.members(story)).values())

    def _evidence(self, best: Proposal) -> Evidence:
        partner, pair = best.partner, best.verdict.pair
        return Evidence(
            rule="one pair is sure" if max(best.scores) >= self._weights.sure else "most of the story agrees",
            score=round(best.verdict.score, 2),
            terms=terms(pair, abs(self._row.at - partner.at), self._row.outlet == partner.outlet, self._weights),
            partner=partner.id,
        )


def spread(rows: Sequence[T], count: int) -> Sequence[T]:
    """At most `count` of the rows, evenly spaced."""
    if len(rows) <= count:
        return rows
    return [rows[place * len(rows) // count] for place in range(count)]


def _titles_meet(a: IndexedItem, b: IndexedItem) -> bool:
    return not view_of(a).rare.keys().isdisjoint(view_of(b).rare)
