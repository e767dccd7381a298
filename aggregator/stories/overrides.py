"""A person's decisions on stories: merge, split, drop. Stored for good; the engine never undoes them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from aggregator.errors import UsageError
from aggregator.model import Evidence, Item, Slug, Story, StoryId
from aggregator.ports import Override, Rules, Store, Transaction
from aggregator.settings import Settings
from aggregator.stories.curate import Curator
from aggregator.stories.ingest import by_claim, key_of
from aggregator.text.urls import canonical


class Overrides:
    """What `stories merge`, `stories split` and `stories drop` do. The daemon publishes it with its next tick."""

    def __init__(self, store: Store, settings: Settings, rules: Rules) -> None:
        self._store = store
        self._settings = settings
        self._rules = rules

    def merge(self, first: StoryId, second: StoryId) -> StoryId:
        """Makes two stories one; the one published first, else the older, keeps its id.

        Raises UsageError for one story twice, and for one that was taken down or has no entries any more.
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
            kept, alias = by_claim(stories, published)
            whole = key_of(kept.items[0])
            for item in (*kept.items[1:], *alias.items):
                transaction.add_override(Override("merge", whole, key_of(item), now))
            heirs = {kept.id: transaction.members_of([alias.id])[alias.id]}
            transaction.merge_stories(kept.id, alias.id, now)
            self._curator(transaction, now, heirs).refresh(transaction, [kept.id])
        return kept.id

    def split(self, named: str) -> StoryId:
        """Gives an entry a story of its own: all of an address, if it names one. Raises UsageError where none would be left."""
        now = time.time()
        found = self._store.story_of(named)
        story = self._store.story(found) if found else None
        if story is None:
            raise UsageError(f"no entry {named!r}: give the address of its article, or its guid")
        items = _named(story, named)
        if not items:
            raise UsageError("that names a story; name one of its entries")
        if len(items) == len(story.items):
            raise UsageError("this is the only entry of its story")
        with self._store.begin() as transaction:
            new: StoryId | None = None
            for item in items:
                transaction.add_override(Override("split", key_of(item), key_of(items[0]), now))
                new = transaction.move_item(item.id, new, Evidence("split by hand"), now)
            transaction.index.forget([item.id for item in items])  # nothing may lead them back
            touched = [story.id, new or story.id]
            heirs = {touched[1]: transaction.members_of([story.id])[story.id]}
            self._curator(transaction, now, heirs).refresh(transaction, dict.fromkeys(touched))
        return touched[1]

    def drop(self, url: str) -> str:
        """Takes the story of an article down everywhere. Returns its title. Raises UsageError if it is not known."""
        now = time.time()
        found = self._store.story_of(url)
        story = self._store.story(found) if found else None
        if story is None:
            raise UsageError(f"no story has an article at {url!r}")
        with self._store.begin() as transaction:
            for item in story.items:
                transaction.add_override(Override("drop", item.canonical or key_of(item), None, now))
            transaction.save_story(replace(story, dropped=True))
            self._curator(transaction, now, {}).refresh(transaction, [story.id])
        return story.lead_item.entry.title

    def _curator(self, transaction: Transaction, now: float, heirs: Mapping[StoryId, Collection[Slug]]) -> Curator:
        return Curator(self._rules, transaction.outputs(), self._settings.publish.settle, now, heirs=heirs)


def _named(story: Story, named: str) -> list[Item]:
    """The story's entries of a guid, or of an article's address."""
    exact = [item for item in story.items if named in (item.guid, item.entry.guid, item.entry.url)]
    address = canonical(named)
    return exact + [item for item in story.items if item not in exact and address and item.canonical == address]
