"""Stores a document's items inside the transaction: joins new ones to stories, and merges stories that prove to be the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from aggregator.dedup.engine import Engine, knows_private
from aggregator.dedup.search import Placement
from aggregator.dedup.signature import Signature
from aggregator.model import Evidence, Instant, Item, ItemId, Story, StoryId
from aggregator.ports import Override, Remembered, StoryWrites
from aggregator.store.identity import story_ids
from aggregator.stories.decisions.overrides import SPLIT, ActiveOverrides, active_overrides, override_key
from aggregator.stories.identity.identify import Changed, Decision, New, Rekeyed, Repeated, Same
from aggregator.stories.ingest import Prepared
from aggregator.stories.restoring import recall


class Stored(NamedTuple):
    """What became of a document's items. stories: to be refreshed; around: story → items around its newest one, for linking."""

    stories: list[StoryId]
    around: Mapping[StoryId, Sequence[ItemId]]


def store_items(transaction: StoryWrites, engine: Engine, prepared: Prepared, overrides: ActiveOverrides, now: Instant) -> Stored:
    """Stores new and changed items, and joins them to stories.

    Items are stored oldest first, whatever the document's order: stories then grow as they would have over time.
    """
    touched: dict[StoryId, None] = {}
    around: dict[StoryId, tuple[ItemId, ...]] = {}
    engine.expect(transaction.index, prepared.signatures.values())
    recalled = transaction.recall([decision.item for decision in prepared.decisions if isinstance(decision, New)])
    for place in sorted(range(len(prepared.decisions)), key=lambda place: _published(prepared.decisions[place])):
        match prepared.decisions[place]:
            case New(item):
                known, joins = recalled.get((item.source, item.guid), ()), place not in prepared.apart
                signature = prepared.signatures[place]
                placement = _place(transaction, engine, item, signature, now, joins, overrides)
                joined, items = _join(transaction, engine, item, signature, now, placement, known)
                touched |= dict.fromkeys(joined)
                around |= dict.fromkeys(joined, items)
            case Changed(item):
                touched[_revise(transaction, engine, item, prepared.signatures[place], overrides, override_key(item), now)] = None
            case Rekeyed(item, changed, _, was):
                transaction.rekey_item(item.id, item.guid)
                for override in overrides.transfer(f"{item.source} {was}", override_key(item), now):
                    transaction.add_override(override)
                if changed:
                    key = f"{item.source} {was}"
                    touched[_revise(transaction, engine, item, prepared.signatures[place], overrides, key, now)] = None
            case Same() | Repeated():
                pass
    alive = transaction.alive(touched)
    return Stored(list(dict.fromkeys(alive.values())), {alive[story]: items for story, items in around.items()})


def _published(decision: Decision) -> Instant:
    return 0.0 if isinstance(decision, Repeated) else decision.item.published


def _revise(
    transaction: StoryWrites,
    engine: Engine,
    item: Item,
    signature: Signature,
    overrides: ActiveOverrides,
    key: str,
    now: Instant,
) -> StoryId:
    """Stores a changed item. It stays in its story; later items are compared with its new text. key: of its overrides so far."""
    astray = engine.revise(transaction.index, item, signature, overrides.is_placed(key))
    id = transaction.update_item(replace(item, astray=astray))
    headline = overrides.headline(key)
    if headline is not None and not astray:
        _let_lapse(transaction, engine, item, signature, headline, id, now)
    return id


def _let_lapse(
    transaction: StoryWrites, engine: Engine, item: Item, signature: Signature, headline: Override, id: StoryId, now: Instant
) -> None:
    """Ends a person's headline if it would stand over other news than it was written for.

    An item that goes astray loses the lead instead, and the headline stays over the reports of the others.
    """
    decision = next((one for one in transaction.decisions() if one.id == headline.decision), None)
    story = transaction.story(id)
    if decision is None or decision.traces.told is None or story is None or story.lead != item.id:
        return
    title, text = decision.traces.told
    told = replace(item, entry=replace(item.entry, title=title, text=text), headline=None)
    if engine.is_other_news(transaction.index, item, signature, told):
        transaction.add_override(Override("title", override_key(item), None, now, headline.decision))


def _place(
    transaction: StoryWrites,
    engine: Engine,
    item: Item,
    signature: Signature,
    now: Instant,
    joins: bool,
    overrides: ActiveOverrides,
) -> Placement:
    """Places a new item, in no dropped story that another outlet alone tells: that outlet's report was dropped, not the event.

    An item that a person once took out of its story, and that is gone since, begins a story again.
    """
    closed: list[StoryId] = []
    is_split = bool(overrides.split) and override_key(item) in overrides.split
    while True:
        placement = engine.place(transaction.index, item, signature, now, joins, closed)
        if placement.story is None:
            return replace(placement, evidence=Evidence(SPLIT)) if is_split and joins else placement
        if not is_split and not _is_dropped_report(transaction, placement.story, item, overrides):
            return placement
        closed.append(placement.story)


def _is_dropped_report(transaction: StoryWrites, id: StoryId, item: Item, overrides: ActiveOverrides) -> bool:
    """True if a person took a story down that another outlet than the item's told alone."""
    story = transaction.story(id) if overrides.dropped else None
    return story is not None and story.dropped and is_of_another(story, item)


def is_of_another(story: Story, item: Item) -> bool:
    """True if one outlet alone tells the story, and it isn't the item's."""
    outlets = {one.outlet_key for one in story.items}
    return len(outlets) == 1 and item.outlet_key not in outlets


def _join(
    transaction: StoryWrites,
    engine: Engine,
    item: Item,
    signature: Signature,
    now: Instant,
    placement: Placement,
    known: Sequence[Remembered],
) -> tuple[list[StoryId], tuple[ItemId, ...]]:
    """Stores a new item in the story that it joins, or a new one, and merges stories that the item shows to be the same.

    Returns the stories, and the items around (`Placement.around`). known: what is remembered of it from before a restore.
    """
    if placement.story is not None and knows_private(transaction.index):
        placement = _within_privacy(transaction, item, placement)
    before = recall.choose(item, known, placement.story) if known else None
    if before is not None:
        item, placement = _as_before(transaction, item, placement, before)
    if placement.spare:
        item = replace(item, excess=True)
    if placement.stray:
        item = replace(item, astray=True)
    stored, story = transaction.add_item(item, placement.story, placement.evidence, before)
    engine.record(transaction.index, stored, story, signature, placement)
    if not placement.merges:
        return [story], placement.around
    split = active_overrides(transaction.overrides()).split  # read anew: this transaction may have transferred some
    same = [one for one in transaction.stories([story, *placement.merges]) if _may_merge(one, split)]
    if story not in (one.id for one in same):
        return [story], placement.around
    published = transaction.published_stories([one.id for one in same])
    kept, *aliases = order_by_claim(same, published)
    for alias in aliases:
        transaction.merge_stories(kept.id, alias.id, now)
    return [kept.id], placement.around


def _may_merge(story: Story, split: Collection[str]) -> bool:
    """False for stories that a person took down, or split off another one: these would come back there, if by way of a third."""
    return not story.dropped and story.alias_of is None and not any(override_key(item) in split for item in story.items)


def _as_before(transaction: StoryWrites, item: Item, placement: Placement, before: Remembered) -> tuple[Item, Placement]:
    """Returns the item and its placement as they were before a restore, unless its story is private now and it isn't, or so."""
    living = transaction.alive([before.story]).get(before.story)
    target = transaction.story(living) if living is not None else None
    if target is not None and target.items and target.private != item.private:
        return item, placement
    published = transaction.published_stories([one for one in (placement.story, *placement.merges) if one is not None])
    there = target if target is not None and target.items else None
    return recall.restore_item(item, before), recall.restore_placement(placement, there, before, published)


def _within_privacy(transaction: StoryWrites, item: Item, placement: Placement) -> Placement:
    """Removes stories from the placement that are not as private as the item.

    The index separates private words by hashes of 32 bits. Somebody who makes up words with colliding hashes must not learn from
    his item's story what a private source says.
    """
    candidates = [story for story in (placement.story, *placement.merges) if story is not None]
    allowed = {one.id for one in transaction.stories(candidates) if one.private == item.private}
    if placement.story not in allowed:
        return replace(placement, story=None, evidence=Evidence("new"), merges=())
    return replace(placement, merges=tuple(story for story in placement.merges if story in allowed))


def order_by_claim(stories: Iterable[Story], published: Collection[StoryId]) -> list[Story]:
    """Orders stories that are to be merged: the first one keeps its id. Published ones come first, then the earliest.

    If a story was split off another one, the original keeps the id.
    """
    return sorted(stories, key=lambda one: (one.id not in published, one.first_seen, _was_split_off(one), one.items[0].id))


def _was_split_off(story: Story) -> bool:
    """True if the story's first entry began another story before, so that this one has the entry's second id or a later one."""
    return story.id in islice(story_ids(story.items[0]), 1, 5)
