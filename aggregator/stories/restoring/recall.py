"""Finds the story under which readers know an entry that came back after a restore (`ports.Remembered`).

The database that a backup replaces, and the published files, say which ids readers were given since. A new entry that is
remembered gets that id again, whatever order the entries come in and whichever of them began the story. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from aggregator.dedup.search import Placement
from aggregator.model import Evidence, Item, Story, StoryId
from aggregator.ports import Remembered
from aggregator.store.identity import story_ids
from aggregator.stories.identity.entry_keys import title_hash

EVIDENCE = Evidence("known before the restore")


def choose(item: Item, rows: Sequence[Remembered], placed: StoryId | None) -> Remembered | None:
    """Returns what is remembered of an item, None if nothing is sure. placed: the story that grouping would choose.

    In this order: the same (source, guid); the story whose id is made of this item; the same address and title. If several
    stories had that, the one that grouping chooses, else none.
    """
    for row in rows:
        if row.source == item.source and row.guid == item.guid:
            return row
    rows = [row for row in rows if row.private == item.private]
    own = next(story_ids(item))
    for row in rows:
        if row.story == own:
            return row
    by_story = {row.story: row for row in rows if _is_same_article(item, row)}
    if placed in by_story:
        return by_story[placed]
    return next(iter(by_story.values())) if len(by_story) == 1 else None


def _is_same_article(item: Item, row: Remembered) -> bool:
    """True for the same address under the same title: a page under another headline may be another story (live pages).

    If it isn't known whose entry had the address, only its owner's can be the same, and only under a title that has words;
    a damaged page may have left the title of a report unknown.
    """
    if row.canonical is None or row.canonical != item.canonical or row.source not in (None, item.source):
        return False
    title = title_hash(item.entry.title)
    if row.source is None:
        return not item.second_hand and bool(title) and row.title_hash in (b"", title)
    return not (title and row.title_hash) or title == row.title_hash


def restore_item(item: Item, before: Remembered) -> Item:
    """Returns the item as it was: whether it may enter feeds was decided when it first came."""
    return replace(item, old=before.old, excess=item.excess or before.excess)


def restore_placement(
    placement: Placement, target: Story | None, before: Remembered, published: Collection[StoryId]
) -> Placement:
    """Returns the placement in the story that the item was in. target: that story if it is there, else it begins anew.

    Stories that grouping finds to be the same, and that no reader knows, are merged into it.
    """
    found = (placement.story, *placement.merges)
    home = target.id if target is not None else None
    merges = tuple(one for one in found if one not in (None, home, before.story) and one not in published)
    return replace(placement, story=home, evidence=EVIDENCE, merges=merges, spare=False)
