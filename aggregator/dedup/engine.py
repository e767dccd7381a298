"""The engine decides which story an item joins, and on what evidence.

`prepare` reads an item outside the lock; `place` decides inside a transaction, from the index; `record` adds the stored item to
the index. Of stored items, the engine remembers only how they were judged (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct
from msgspec.structs import replace

from aggregator.dedup.candidates import by_words
from aggregator.dedup.compare import Weights, terms
from aggregator.dedup.judge import judge
from aggregator.dedup.search import JUDGES, LEVELS, Placement, Search, spread
from aggregator.dedup.signature import PRIVATE, FindPlaces, Signature, WordHashes, no_places, signature
from aggregator.dedup.standing import Standing, standings
from aggregator.dedup.verdicts import Verdicts
from aggregator.dedup.votes import strays
from aggregator.dedup.weigh import Commonness, Weighed, former_of, pack, view_of, weigh
from aggregator.model import Evidence, Instant, Item, ItemId, StoryId
from aggregator.ports import GroupedItems, IndexedItem, StoryIndex
from aggregator.settings import Dedup


class Comparison(Struct, frozen=True):
    """The result of one pair. rule: of `judge`, or ""; terms: they add up to the score that a rule may have changed."""

    score: float
    rule: str
    terms: tuple[tuple[str, float], ...]


class Engine:
    """Places items by the settings of `dedup:`. around: seconds in which placements also name the items around; 0: they don't."""

    def __init__(self, settings: Dedup, find_places: FindPlaces = no_places, around: float = 0.0) -> None:
        self._settings = settings
        self._around = around
        self._find_places = find_places
        self._hashes = {private: WordHashes(private=private) for private in (False, True)}
        self._common = Commonness(1)
        self._verdicts = {name: Verdicts(level.weights) for name, level in LEVELS.items()}

    def prepare(self, item: Item, level: str | None = None) -> Signature:
        """The signature of an item. Pure; runs outside the lock. level: the source's own, if it differs from the settings."""
        return signature(item, self._hashes[item.private], level or self._settings.level, self._find_places)

    def fits(self, read: Signature, item: Item, level: str | None = None) -> bool:
        """True if a signature made elsewhere equals what `prepare` would return: the config may have changed since."""
        return read.private == item.private and read.level == (level or self._settings.level)

    def expect(self, index: GroupedItems, signatures: Iterable[Signature]) -> None:
        """Preloads what placing these items will look up. They are placed next, in one transaction."""
        keys: set[int] = set()
        for read in signatures:
            keys.update(read.words)
            if read.url is not None:
                keys.add(read.url)
        index.expect(keys)

    def place(
        self,
        index: GroupedItems,
        item: Item,
        read: Signature,
        now: Instant,
        joins: bool = True,
        closed: Collection[StoryId] = (),
    ) -> Placement:
        """Returns the story that the item belongs to. Only reads; call `record` with the result once the item is stored.

        joins: False for items of a source with `dedup: false` and items that a `dedup.never` query matches. closed: stories that
        the item may not join, because a person took them down.
        """
        if not joins:
            return Placement(None, Evidence("never joins"))
        level = LEVELS[read.level]
        weighed = self._weighed(index, read, level.reach.heavy)
        weighed.second_hand = item.second_hand
        row = IndexedItem(ItemId(0), StoryId(""), item.source, item.outlet_key, item.published, now, b"", view=weighed)
        found = Search(index, self._settings, level, self._verdicts[read.level], row, closed)
        twin = found.by_address(read.url) if read.url is not None else None
        if twin is not None:
            weighed.astray = not found.tells_the_same(twin)
            return found.limit_source(
                Placement(twin.story, Evidence("same address", partner=twin.id), row=row, stray=weighed.astray)
            )
        near = by_words(index, weighed, item.published, self._settings.within, level.reach, self._around)
        placement = found.limit_source(found.by_words(near.candidates))
        return replace(placement, around=near.around) if near.around else placement

    def record(self, index: StoryIndex, item: Item, story: StoryId, read: Signature, placement: Placement) -> None:
        """Adds a stored item to the index, so that others can join it. Does nothing for items that never join."""
        row = placement.row
        if row is None:
            return
        view = view_of(row)
        posted = view.heavy if read.url is None else (*view.heavy, read.url)
        view.compact()
        row.id, row.story, row.signature = item.id, story, pack(view)
        counted = read.words[: read.lead]
        index.add(row, (*counted, PRIVATE) if read.private else counted, posted, opens=placement.story is None)
        for other in placement.marked:
            other.form, other.signature = True, pack(view_of(other))
            index.replace(other)

    def revise(self, index: StoryIndex, item: Item, read: Signature, placed: bool = False) -> bool:
        """Indexes the new text of an edited item. The item stays in its story; others are compared with the new text.

        Returns True if it went astray: it no longer tells what other sources' items in the story tell. placed: by a person, so
        that it never does.
        """
        row = index.items((item.id,)).get(item.id)
        if row is None:
            return item.astray and not placed
        level = LEVELS[read.level]
        before = view_of(row)
        row.view = view = self._weighed(index, read, level.reach.heavy)
        view.second_hand = item.second_hand
        others = [one for one in index.items(index.members(row.story)).values() if one.source != row.source]
        view.astray = not placed and strays(view, before, spread(others, JUDGES), level.weights)
        view.former = former_of(before, view)
        posted = view.heavy
        view.compact()
        row.signature = pack(view)
        index.replace(row, posted)
        return view.astray

    def is_other_news(self, index: GroupedItems, item: Item, read: Signature, told: Item) -> bool:
        """True if an item tells something else than it told once. Differing facts don't count (`votes.strays`)."""
        now, once = self._weighed(index, read, 0), self._weighed(index, self.prepare(told), 0)
        row = IndexedItem(told.id, StoryId(""), told.source, told.outlet_key, told.published, told.first_seen, b"", view=once)
        return strays(now, once, [row], LEVELS[read.level].weights)

    def standings(self, index: GroupedItems, story: StoryId, lead: ItemId | None) -> dict[ItemId, Standing]:
        """How the reports of a story stand to each other; those that are too old to be in the index have no standing.

        lead: a published one, which is compared with the latest JUDGES reports. None: as many are compared, from all its time.
        """
        rows = [row for row in index.items(index.members(story)).values() if not view_of(row).astray]
        rows.sort(key=lambda row: (row.at, row.id))
        if lead is None:
            asked = list(spread(rows, JUDGES))
        else:
            asked = [row for row in rows[:-JUDGES] if row.id == lead] + rows[-JUDGES:]
        return standings(asked, self._verdicts[self._settings.level])

    @property
    def weights(self) -> Weights:
        """The weights of the terms."""
        return LEVELS[self._settings.level].weights

    def compare(self, index: GroupedItems, a: Item, b: Item) -> Comparison:
        """Compares two stored items as they are in the index, or as they would be now if they are not in it any more."""
        one, other = self._row(index, a), self._row(index, b)
        apart, same_outlet = abs(one.at - other.at), one.outlet == other.outlet
        verdict = judge(view_of(one), view_of(other), apart, same_outlet, one.form or other.form, self.weights)
        return Comparison(round(verdict.score, 2), verdict.rule, terms(verdict.pair, apart, same_outlet, self.weights))

    def _row(self, index: GroupedItems, item: Item) -> IndexedItem:
        row = index.items((item.id,)).get(item.id)
        if row is not None:
            return row
        weighed = self._weighed(index, self.prepare(item), 0)
        return IndexedItem(item.id, StoryId(""), item.source, item.outlet_key, item.published, item.first_seen, b"", view=weighed)

    def _weighed(self, index: GroupedItems, read: Signature, heavy: int) -> Weighed:
        """The item's words, weighted by how rare they are now, counting the item itself."""
        unit, lead = index.unit, read.lead
        if unit != self._common.unit:
            self._common = Commonness(unit)
        frequencies = index.frequencies(read.words)
        frequencies[:lead] = [frequency + unit for frequency in frequencies[:lead]]
        return weigh(read, frequencies, self._total(index, read.private) + unit, self._common, heavy)

    def _total(self, index: GroupedItems, private: bool) -> int:
        """Number of items that word frequencies refer to: private items for a private one, else all others."""
        (known,) = index.frequencies((PRIVATE,))
        return known if private else index.total - known


def mark_astray(index: StoryIndex, items: Collection[ItemId], astray: bool) -> None:
    """Sets whether indexed items are astray. A person's split ends it: nothing is left that they could stray from."""
    for row in index.items(items).values():
        view = view_of(row)
        view.astray = astray
        row.signature = pack(view)
        index.replace(row)


def knows_private(index: GroupedItems) -> bool:
    """True if the index may hold private items."""
    return index.frequencies((PRIVATE,)) != [0]
