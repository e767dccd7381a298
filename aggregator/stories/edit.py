"""Edits stories by hand: merge, split, drop. Each edit is stored as an override for good, and the engine never undoes it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from aggregator.errors import UsageError
from aggregator.model import Evidence, Item, Slug, Story, StoryId
from aggregator.ports import Override, Rules, Store, Transaction
from aggregator.settings import Settings
from aggregator.stories.curate import Curator
from aggregator.stories.join import order_by_claim
from aggregator.stories.overrides import override_key
from aggregator.text.urls import canonical


class StoryEditor:
    """Implements `stories merge`, `stories split` and `stories drop`. The daemon publishes the changes with its next tick."""

    def __init__(self, store: Store, settings: Settings, rules: Rules) -> None:
        self._store = store
        self._settings = settings
        self._rules = rules

    def merge(self, first: StoryId, second: StoryId) -> StoryId:
        """Merges two stories; a published one keeps its id, else the older one. Returns the id that stays.

        Raises UsageError if both are the same story, one is private and the other isn't, or one was dropped or is empty.
        """
        if first == second:
            raise UsageError("these are one story already")
        now = time.time()
        with self._store.begin() as transaction:
            stories = [one for one in transaction.stories([first, second]) if one.items and not one.dropped]
            if len(stories) < 2:
                raise UsageError("one of them was taken down by hand, or has no entries any more")
            if stories[0].private != stories[1].private:
                raise UsageError("one of them is private (its source is): the other one would leave the public feeds")
            published = transaction.published_stories([first, second])
            kept, alias = order_by_claim(stories, published)
            whole = override_key(kept.items[0])
            for item in (*kept.items[1:], *alias.items):
                transaction.add_override(Override("merge", whole, override_key(item), now))
            heirs = {kept.id: transaction.members_of([alias.id])[alias.id]}
            transaction.merge_stories(kept.id, alias.id, now)
            self._curator(transaction, now, heirs).refresh(transaction, [kept.id])
        return kept.id

    def split(self, named: str) -> StoryId:
        """Moves an entry, or all entries at an address, to a new story. Raises UsageError if none would be left."""
        now = time.time()
        found = self._store.story_of(named)
        story = self._store.story(found) if found else None
        if story is None:
            raise UsageError(f"no entry {named!r}: give the address of its article, or its guid")
        items = _find_items(story, named)
        if not items:
            raise UsageError("that names a story; name one of its entries")
        if len(items) == len(story.items):
            raise UsageError("this is the only entry of its story")
        with self._store.begin() as transaction:
            new: StoryId | None = None
            for item in items:
                transaction.add_override(Override("split", override_key(item), override_key(items[0]), now))
                new = transaction.move_item(item.id, new, Evidence("split by hand"), now)
            transaction.index.forget([item.id for item in items])  # no new item may bring them back together
            touched = [story.id, new or story.id]
            heirs = {touched[1]: transaction.members_of([story.id])[story.id]}
            self._curator(transaction, now, heirs).refresh(transaction, dict.fromkeys(touched))
        return touched[1]

    def drop(self, url: str) -> str:
        """Removes an article's story from all feeds for good. Returns its title. Raises UsageError if there is none."""
        now = time.time()
        found = self._store.story_of(url)
        story = self._store.story(found) if found else None
        if story is None:
            raise UsageError(f"no story has an article at {url!r}")
        with self._store.begin() as transaction:
            for item in story.items:
                transaction.add_override(Override("drop", item.canonical or override_key(item), None, now))
            transaction.save_story(replace(story, dropped=True))
            self._curator(transaction, now, {}).refresh(transaction, [story.id])
        return story.lead_item.entry.title

    def _curator(self, transaction: Transaction, now: float, heirs: Mapping[StoryId, Collection[Slug]]) -> Curator:
        return Curator(self._rules, transaction.outputs(), self._settings.publish.settle, now, heirs=heirs)


def _find_items(story: Story, named: str) -> list[Item]:
    """Returns the story's entries with a guid or an article's address."""
    exact = [item for item in story.items if named in (item.guid, item.entry.guid, item.entry.url)]
    address = canonical(named)
    return exact + [item for item in story.items if item not in exact and address and item.canonical == address]
