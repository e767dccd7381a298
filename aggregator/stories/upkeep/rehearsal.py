"""Groups stored items once more: they arrive in their old order at an index in memory. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.search import Placement
from aggregator.dedup.signature import Signature
from aggregator.model import Evidence, Item, ItemId, StoryId
from aggregator.store.index import MemoryStoryIndex
from aggregator.stories.decisions.overrides import SPLIT, ActiveOverrides, override_key
from aggregator.stories.upkeep.reselect import chunks

BATCH = 500
"""Arrivals between two commits of the index in memory, which then evicts what it did not use."""


class Arrival(Struct, frozen=True):
    """An item as the engine gets it. level: of its source; joins: True if other items may join it; story: that it is in now."""

    item: Item
    level: str | None
    joins: bool
    story: StoryId


class Groups(Struct):
    """Groups of items. A label, made from the group's first item, stands for the id of a story that has none yet.

    parted: label → the story now, of groups that a person split off: nothing of another story enters them, and they stay apart.
    """

    members: dict[StoryId, list[Item]] = field(default_factory=dict)
    parted: dict[StoryId, StoryId] = field(default_factory=dict)
    label_of: dict[ItemId, StoryId] = field(default_factory=dict)
    evidence: dict[ItemId, Evidence] = field(default_factory=dict)

    def put(self, item: Item, label: StoryId | None, evidence: Evidence) -> StoryId:
        home = label or StoryId(str(item.id))
        self.members.setdefault(home, []).append(item)
        self.label_of[item.id] = home
        self.evidence[item.id] = evidence
        return home

    def merge(self, kept: StoryId, alias: StoryId) -> None:
        moved = self.members.pop(alias)
        self.members[kept] += moved
        self.label_of.update((item.id, kept) for item in moved)


def rehearse(arrivals: Iterable[Arrival], engine: Engine, binding: ActiveOverrides) -> Groups:
    """Lets items arrive in the order of `first_seen`. Items that a person merged stay together."""
    index = MemoryStoryIndex()
    groups = Groups()
    wholes: dict[tuple[str | None, bool], ItemId] = {}
    in_order = sorted(arrivals, key=lambda one: (one.item.first_seen, one.item.id))
    for batch in chunks(iter(in_order), BATCH):
        index.begin()
        for one in batch:
            item = one.item
            read = engine.prepare(item, one.level)
            is_split = override_key(item) in binding.split
            placement = _within_privacy(groups, item, _place(engine, index, one, read, groups, is_split=is_split))
            whole = binding.merged.get(override_key(item)), item.private
            fellow = groups.label_of[wholes[whole]] if whole in wholes else None
            evidence = Evidence("merged by hand") if fellow and placement.story is None else placement.evidence
            label = groups.put(item, placement.story or fellow, evidence)
            if is_split:
                groups.parted[label] = one.story
            engine.record(index, item, label, read, replace(placement, story=placement.story or fellow))
            for alias in sorted({*placement.merges, fellow or label} - {label}):
                index.merge(label, alias)
                groups.merge(label, alias)
            if whole[0] is not None:
                wholes.setdefault(whole, item.id)
        index.commit()
    return groups


def _place(
    engine: Engine, index: MemoryStoryIndex, arrival: Arrival, read: Signature, groups: Groups, *, is_split: bool
) -> Placement:
    """Places an item. One that a person split off begins a group, which only what is in its story now may join."""
    item = arrival.item
    closed = groups.members if is_split else [label for label, story in groups.parted.items() if story != arrival.story]
    placement = engine.place(index, item, read, item.first_seen, arrival.joins, closed)
    if is_split:
        return replace(placement, evidence=Evidence(SPLIT))
    evidence = placement.evidence
    if evidence.nearest in closed:
        placement = replace(placement, evidence=replace(evidence, nearest_rule="parted"))
    merges = () if placement.story in groups.parted else tuple(one for one in placement.merges if one not in groups.parted)
    return replace(placement, merges=merges)


def _within_privacy(groups: Groups, item: Item, placement: Placement) -> Placement:
    """Removes stories from the placement that are not as private as the item, as join.py does."""
    allowed = [one for one in (placement.story, *placement.merges) if one and groups.members[one][0].private == item.private]
    if placement.story not in allowed:
        return replace(placement, story=None, merges=())
    return replace(placement, merges=tuple(one for one in placement.merges if one in allowed))
