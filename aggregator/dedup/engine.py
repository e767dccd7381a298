"""The engine: which story an item joins, and on what evidence.

`prepare` reads an item outside the lock; `place` decides, inside a transaction, by what the index remembers; `record` remembers
the item once it is stored. The engine itself keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from aggregator.dedup.candidates import Reach, by_address, by_words
from aggregator.dedup.compare import EVENT, STORY, Weights, terms
from aggregator.dedup.judge import Verdict, judge
from aggregator.dedup.signature import Signature, WordHashes, signature
from aggregator.dedup.weigh import Commonness, Weighed, pack, unpack, weigh
from aggregator.model import Evidence, Instant, Item, ItemId, StoryId
from aggregator.ports import IndexedItem, StoryIndex
from aggregator.settings import Dedup

MAX_ITEMS = 60
"""Items that a story holds at most: what grows beyond that is a topic."""
JUDGES = 12
"""Items of a story that an item is compared with; spread evenly over it."""
MERGE_JUDGES = 8
"""Items of each of two stories that are compared when these may be one."""
MOST, NOT_ALONE = 0.5, 0.25
"""Shares of a story's items that must agree with one that joins, and with one that a single pair is sure of."""
MERGES = 4
"""Stories that one item may bring together with its own."""


class Level(Struct, frozen=True):
    """How far a story reaches. once: a second text of an outlet joins only if one pair is sure."""

    weights: Weights
    reach: Reach
    once: bool


LEVELS = {
    "story": Level(STORY, Reach(heavy=6, least=0.15, candidates=12), once=True),
    "event": Level(EVENT, Reach(heavy=10, least=0.05, candidates=24), once=False),
}
"""Of the items that share less than `least`, fewer than one in a thousand would agree."""


class Placement(Struct, frozen=True):
    """Where an item belongs. story: None for a new one; merges: stories that prove the same (the caller says whose id stays).

    row, marked: what `record` will remember: the item, and those found to be of one form with it.
    """

    story: StoryId | None
    evidence: Evidence
    merges: tuple[StoryId, ...] = ()
    row: IndexedItem | None = None
    marked: tuple[IndexedItem, ...] = ()


class _Proposal(Struct):
    """A story that an item may join: by which of its items it was found, and what all of them say.

    told: the item's outlet is in the story already, with another text: then only a sure pair lets it in.
    """

    story: StoryId
    partner: IndexedItem
    verdict: Verdict
    scores: list[float]
    told: bool

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)

    def agrees(self, weights: Weights) -> bool:
        """Whether one pair is sure and not alone, or the story agrees on the whole."""
        if max(self.scores) >= weights.sure and _share(self.scores) >= NOT_ALONE:
            return True
        return not self.told and _agreed(self.scores, weights)


class Engine:
    """Places items by the settings of `dedup:`."""

    def __init__(self, settings: Dedup) -> None:
        self._settings = settings
        self._hashes = WordHashes()
        self._common = Commonness(1.0)

    def prepare(self, item: Item, level: str | None = None) -> Signature:
        """The signature of an item: pure, and done outside the lock. level: of its source, where that differs."""
        return signature(item, self._hashes, level or self._settings.level)

    def expect(self, index: StoryIndex, signatures: Iterable[Signature]) -> None:
        """These are placed next, all in one transaction: what they look up is looked up together."""
        keys: set[int] = set()
        for read in signatures:
            keys.update(read.words)
            if read.url is not None:
                keys.add(read.url)
        index.expect(keys)

    def place(self, index: StoryIndex, item: Item, read: Signature, now: Instant, joins: bool = True) -> Placement:
        """The story that the item belongs to. Only reads; call `record` with the result once the item is stored.

        joins: False for items of a source with `dedup: false` and for those that a `dedup.never` query matches.
        """
        if not joins:
            return Placement(None, Evidence("never joins"))
        level = LEVELS[read.level]
        weighed = self._weighed(index, read, level.reach.heavy)
        row = IndexedItem(ItemId(0), StoryId(""), item.source, item.outlet_key, item.published, now, b"", view=weighed)
        found = _Search(index, self._settings, level, row)
        twin = found.by_address(read.url) if read.url is not None else None
        if twin is not None:
            return Placement(twin.story, Evidence("same address", partner=twin.id), row=row)
        return found.by_words(by_words(index, weighed, item.published, self._settings.within, level.reach))

    def record(self, index: StoryIndex, item: Item, story: StoryId, read: Signature, placement: Placement) -> None:
        """Remembers a stored item, so that others can join it. Does nothing for items that never join."""
        row = placement.row
        if row is None:
            return
        view = _view(row)
        posted = view.heavy if read.url is None else (*view.heavy, read.url)
        view.settle()
        row.id, row.story, row.signature = item.id, story, pack(view)
        index.add(row, read.words[: read.lead], posted, opens=placement.story is None)
        for other in placement.marked:
            other.form, other.signature = True, pack(_view(other))
            index.replace(other)

    def revise(self, index: StoryIndex, item: Item, read: Signature) -> None:
        """An item says something else now: it stays in its story, and others are compared with what it says."""
        row = index.items((item.id,)).get(item.id)
        if row is not None:
            row.view = view = self._weighed(index, read, LEVELS[read.level].reach.heavy)
            posted = view.heavy
            view.settle()
            row.signature = pack(view)
            index.replace(row, posted)

    def _weighed(self, index: StoryIndex, read: Signature, heavy: int) -> Weighed:
        """The item's words by how rare they are now, the item itself counted."""
        unit, lead = index.unit, read.lead
        if unit != self._common.unit:
            self._common = Commonness(unit)
        frequencies = index.frequencies(read.words)
        frequencies[:lead] = [frequency + unit for frequency in frequencies[:lead]]
        return weigh(read, frequencies, index.total + unit, self._common, heavy)


class _Search:
    """The search for one item's story."""

    def __init__(self, index: StoryIndex, settings: Dedup, level: Level, row: IndexedItem) -> None:
        self._index = index
        self._settings = settings
        self._weights = level.weights
        self._once = level.once
        self._row = row

    def by_address(self, address: int) -> IndexedItem | None:
        """An item of the same address whose story has room. A page that carries many entries is nobody's address."""
        rows = by_address(self._index, address, self._row.at, self._settings.within)
        unlike = [row for row in rows if row.source == self._row.source and not _titles_meet(self._row, row)]
        if len(unlike) > 1:
            return None
        return next((row for row in rows if self._members(row.story)), None)

    def by_words(self, candidates: Sequence[IndexedItem]) -> Placement:
        """The story that agrees with the item best, and those that then prove to be the same one."""
        verdicts, marked = self._verdicts(candidates)
        proposals, nearest = self._proposals(verdicts)
        agreeing = [one for one in proposals if one.agrees(self._weights)]
        agreeing.sort(key=lambda one: (max(one.scores) < self._weights.sure, -one.mean))
        if not agreeing:
            evidence = Evidence("new", nearest=nearest[0] if nearest else None, nearest_score=nearest[1] if nearest else None)
            return Placement(None, evidence, row=self._row, marked=marked)
        best, others = agreeing[0], agreeing[1:] + [one for one in proposals if one not in agreeing]
        merges = self._merges(best.story, [one.story for one in others])
        apart = next((one for one in others if one.story not in merges), None)
        return Placement(best.story, self._evidence(best, apart, nearest), merges, self._row, marked)

    def _verdicts(self, candidates: Sequence[IndexedItem]) -> tuple[list[tuple[Verdict, IndexedItem]], tuple[IndexedItem, ...]]:
        """Each candidate with its verdict, the highest score first; and those of one form with the item."""
        verdicts = [(self._judge(self._row, other), other) for other in candidates]
        marked = tuple(other for verdict, other in verdicts if verdict.form)
        if marked:
            self._row.form = True
            verdicts = [(self._judge(self._row, other), other) for other in candidates]
        verdicts.sort(key=lambda one: -one[0].score)
        return verdicts, tuple(other for other in marked if not other.form)

    def _proposals(self, verdicts: Iterable[tuple[Verdict, IndexedItem]]) -> tuple[list[_Proposal], tuple[StoryId, float] | None]:
        """Stories with an item that tells the same; and the nearest of the others, with its best score."""
        proposals: dict[StoryId, _Proposal] = {}
        nearest: tuple[StoryId, float] | None = None
        for verdict, other in verdicts:
            if other.story in proposals:
                continue
            members = self._members(other.story) if verdict.score >= 0 else ()
            if members:
                scores = [self._judge(self._row, member).score for member in _spread(members, JUDGES)]
                proposals[other.story] = _Proposal(other.story, other, verdict, scores, self._told(members))
            elif nearest is None:
                nearest = (other.story, round(verdict.score, 2))
        return list(proposals.values()), nearest

    def _told(self, members: Sequence[IndexedItem]) -> bool:
        mine = (member for member in members if member.outlet == self._row.outlet)
        return self._once and any(self._judge(self._row, member).score < 0 for member in mine)

    def _merges(self, story: StoryId, others: Sequence[StoryId]) -> tuple[StoryId, ...]:
        """Those of the other stories that tell the same as this one, now that the item is in it."""
        merged: list[StoryId] = []
        members = [*self._rows(story), self._row]
        for other in others[:MERGES]:
            theirs = self._rows(other)
            if len(members) + len(theirs) > MAX_ITEMS or not self._in_reach([*members, *theirs]):
                continue
            pairs = [self._judge(a, b).score for a in _spread(members, MERGE_JUDGES) for b in _spread(theirs, MERGE_JUDGES)]
            if pairs and _agreed(pairs, self._weights):
                merged.append(other)
                members += theirs
        return tuple(merged)

    def _members(self, story: StoryId) -> Sequence[IndexedItem]:
        """The story's items, if the item may still join it; else none."""
        rows = self._rows(story)
        return rows if rows and len(rows) < MAX_ITEMS and self._in_reach([*rows, self._row]) else ()

    def _in_reach(self, rows: Sequence[IndexedItem]) -> bool:
        times = [row.at for row in rows]
        return max(times) - min(times) <= self._settings.at_most

    def _rows(self, story: StoryId) -> list[IndexedItem]:
        return list(self._index.items(self._index.members(story)).values())

    def _judge(self, a: IndexedItem, b: IndexedItem) -> Verdict:
        return judge(_view(a), _view(b), abs(a.at - b.at), a.outlet == b.outlet, a.form or b.form, self._weights)

    def _evidence(self, best: _Proposal, apart: _Proposal | None, nearest: tuple[StoryId, float] | None) -> Evidence:
        partner, pair = best.partner, best.verdict.pair
        if apart is not None:
            nearest = (apart.story, round(apart.verdict.score, 2))
        return Evidence(
            rule="one pair is sure" if max(best.scores) >= self._weights.sure else "most of the story agrees",
            score=round(best.verdict.score, 2),
            terms=terms(pair, abs(self._row.at - partner.at), self._row.outlet == partner.outlet, self._weights),
            partner=partner.id,
            nearest=nearest[0] if nearest else None,
            nearest_score=nearest[1] if nearest else None,
        )


def _agreed(scores: Sequence[float], weights: Weights) -> bool:
    """Whether half of the pairs agree, or all of them on the whole: never one alone, because chains of single links drift."""
    return _share(scores) >= MOST or sum(scores) >= weights.close * len(scores)


def _share(scores: Sequence[float]) -> float:
    """Share of the pairs that agree."""
    return sum([score >= 0 for score in scores]) / len(scores)


def _spread(rows: Sequence[IndexedItem], count: int) -> Sequence[IndexedItem]:
    if len(rows) <= count:
        return rows
    return [rows[place * len(rows) // count] for place in range(count)]


def _titles_meet(a: IndexedItem, b: IndexedItem) -> bool:
    return not _view(a).rare.keys().isdisjoint(_view(b).rare)


def _view(row: IndexedItem) -> Weighed:
    view = row.view
    if not isinstance(view, Weighed):
        row.view = view = unpack(row.signature)
        row.signature = b""
    return view
