"""The transaction: the writes of one poll, in batches.

New items, states and stories wait in memory and are written by `executemany` before a read that must see them, and at the
commit. Stories that were read are cached.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Evidence, Instant, Item, ItemId, SourceId, SourceState, Story, StoryId
from aggregator.ports import Remembered, Traces, WantedArticle
from aggregator.ports.stories import ItemKey
from aggregator.store import articles, listings, moves, outgoing, outputs, reads, remembered, states, threads
from aggregator.store.connection import Connection
from aggregator.store.feed_writes import FeedWrites
from aggregator.store.identity import story_ids
from aggregator.store.index import SqlStoryIndex
from aggregator.store.listings import Listing
from aggregator.store.story_rows import new_story, sort_items
from aggregator.store.thread_writes import ThreadWrites


class SqlTransaction(ThreadWrites, FeedWrites):
    """A ports.Transaction. Made by `SqliteStore.begin`, which commits it or rolls it back."""

    def __init__(self, connection: Connection, index: SqlStoryIndex) -> None:
        super().__init__(connection)
        self._index = index
        self._index_begun = False
        self._unseen: set[StoryId] = set()
        self._states: dict[SourceId, SourceState] = {}
        self._listings: dict[SourceId, Listing] = {}
        self._free: set[StoryId] = set()
        self._is_any_remembered: bool | None = None

    @property
    def connection(self) -> Connection:
        """For what a database of several nodes writes along."""
        return self._connection

    @property
    def index(self) -> SqlStoryIndex:
        """Begun on first use, because most transactions only save states."""
        if not self._index_begun:
            self._index_begun = True
            self._index.begin()
        return self._index

    def undo(self) -> None:
        """Tells the index that the transaction was rolled back."""
        if self._index_begun:
            self._index.rolled_back()

    def finish(self) -> None:
        """Writes all waiting rows. Called just before the commit."""
        if self._index_begun:
            self._index.commit()
        self._flush_members()
        outputs.bump(self._connection, self._bumped.values())
        self._batch.flush()
        listings.save(self._connection, self._listings)
        self._flush_values()
        if self._states:
            states.save(self._connection, self._states.values())
        self._batch.finish()

    # --- sources
    def claim(self, now: Instant, limit: int, until: Instant, besides: Collection[SourceId] = ()) -> list[SourceState]:
        return states.claim(self._connection, now, limit, until, besides)

    def ask_refused(self, now: Instant) -> None:
        states.ask_refused(self._connection, now)

    def save_state(self, state: SourceState) -> None:
        self._states[state.id] = state

    def touch_items(self, source: SourceId, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        self._listing(source).touch(fingerprints, ids, now)

    def _listing(self, source: SourceId) -> Listing:
        """What the transaction knows of a source's document, which is read once."""
        if source not in self._listings:
            self._listings[source] = listings.read(self._connection, source)
        return self._listings[source]

    # --- items
    def recall(self, items: Sequence[Item]) -> Mapping[ItemKey, Sequence[Remembered]]:
        begun = [next(story_ids(item)) for item in items if not self._is_stranger(item.source)]
        if begun:
            self._free.update(set(begun).difference(reads.versions(self._connection, begun)))
        return remembered.recall(self._connection, items) if items and self._remembers() else {}

    def _remembers(self) -> bool:
        """False in nearly every database: nothing need be looked up then."""
        if self._is_any_remembered is None:
            self._is_any_remembered = remembered.is_any(self._connection)
        return self._is_any_remembered

    def add_item(
        self, item: Item, story: StoryId | None, evidence: Evidence, before: Remembered | None = None
    ) -> tuple[Item, StoryId]:
        stored = replace(item, id=self._batch.next_item())
        target = self._begin_story(stored, before) if story is None else self._join_story(stored, story)
        self._batch.add_item(stored, target, evidence)
        self._listing(item.source).present[stored.id] = item.entry.fingerprint
        return stored, target

    def _begin_story(self, item: Item, before: Remembered | None = None) -> StoryId:
        for id in chain((before.story,) if before is not None else (), story_ids(item)):
            if not self._is_taken(id, item.source):
                self._stories[id] = new_story(id, item, before)
                self._batch.add_story(self._stories[id])
                if before is not None and before.shown and id == before.story:
                    self.mark_published([id])
                return id
            [found] = self.stories([id])
            if not found.items and found.alias_of is None:
                return self._revive(found, item)
        raise AssertionError("story_ids never ends")

    def _is_taken(self, id: StoryId, source: SourceId) -> bool:
        """True if a story has the id. `recall` has looked up those of a document at once."""
        if id in self._stories or self._batch.has(id):
            return True
        return id not in self._free and not self._is_stranger(source) and reads.story_exists(self._connection, id)

    def _is_stranger(self, source: SourceId) -> bool:
        """True for a source that never had a document: it began no earlier story."""
        return not (self._listing(source).is_known or self._remembers())

    def _revive(self, tombstone: Story, item: Item) -> StoryId:
        """Reuses the story of an item that retention removed and that came back: subscribers don't see it as new."""
        self.save_story(replace(tombstone, items=(item,), lead=item.id))
        self._stories[tombstone.id] = replace(tombstone, items=(item,), lead=item.id)
        return tombstone.id

    def _join_story(self, item: Item, story: StoryId) -> StoryId:
        """Adds the item to the cached story, if any. An unknown story is noticed at the flush."""
        if (known := self._stories.get(story)) is not None and known.alias_of is None:
            self._stories[story] = replace(known, items=sort_items([*known.items, item]))
        else:
            self._unseen.add(story)
        return story

    def alive(self, ids: Collection[StoryId]) -> Mapping[StoryId, StoryId]:
        return {id: living for id, (living, _) in self._batch.alive(ids).items()}

    def _alive(self, story: StoryId) -> StoryId:
        """The story, aliases followed. Raises StoreError for an unknown one."""
        known = self._stories.get(story)
        if known is not None and known.alias_of is None:
            return story
        if (found := self.alive([story]).get(story)) is None:
            raise StoreError(f"there is no story {story}")
        return found

    def update_item(self, item: Item) -> StoryId:
        story, source = self._batch.replace_item(item)
        self._forget(story)
        self._listing(source).present[item.id] = item.entry.fingerprint
        return story

    def save_attributes(self, items: Sequence[Item]) -> None:
        if not items:
            return
        self._batch.save_attributes(items)
        for item in items:
            self.index.set_outlet(item.id, item.outlet_key)
        for story in reads.stories_with(self._connection, [item.id for item in items]):
            self._forget(story)
            self._batch.grow(story)

    def save_dates(self, items: Sequence[Item]) -> None:
        self._batch.save_dates(items)
        for story in reads.stories_with(self._connection, [item.id for item in items]):
            self._forget(story)
            self._batch.grow(story)

    def set_private(self, source: SourceId, private: bool) -> None:
        moves.set_private(self._connection, source, private)

    def rekey_item(self, item: ItemId, guid: str) -> None:
        self._batch.flush()
        self._forget(moves.rekey(self._connection, item, guid))

    # --- articles
    def want_articles(self, source: SourceId, wanted: Sequence[WantedArticle], now: Instant) -> None:
        if wanted:
            self._batch.flush()
            articles.want(self._connection, source, wanted, now)

    def item(self, item: ItemId) -> tuple[Item, StoryId] | None:
        self._batch.flush()
        return reads.item(self._connection, item)

    def save_article(self, item: Item) -> StoryId:
        self._batch.save_article(item)
        [story] = reads.stories_with(self._connection, [item.id])
        self._forget(story)
        self._batch.grow(story)
        return story

    # --- stories
    def story(self, story: StoryId) -> Story | None:
        return next(iter(self.stories([story])), None)

    def stories(self, ids: Iterable[StoryId], *, hidden: bool = False) -> list[Story]:
        wanted = list(ids)
        if hidden:
            self._batch.flush()
            return reads.stories(self._connection, wanted, hidden)
        if self._unseen:
            self._forget(*(living for id, living in self.alive(self._unseen).items() if living != id))
            self._unseen.clear()
        missing = [id for id in wanted if id not in self._stories]
        if missing:
            self._batch.flush()
            self._stories.update((story.id, story) for story in reads.stories(self._connection, missing))
        return [self._stories[id] for id in wanted if id in self._stories]

    def stories_with(self, items: Collection[ItemId]) -> list[StoryId]:
        self._batch.flush()
        return reads.stories_with(self._connection, items)

    def save_story(self, story: Story) -> None:
        known = self._stories.get(story.id)
        if known is not None:
            self._stories[story.id] = story if story.items is known.items else replace(story, items=known.items)
        self._batch.save_story(story)

    def merge_stories(self, kept: StoryId, alias: StoryId, now: Instant) -> None:
        target, source = self._alive(kept), self._alive(alias)
        if target == source:
            return
        self._flush_members()
        self._batch.flush()
        moves.merge(self._connection, target, source, now)
        self.index.merge(target, source)
        outgoing.merge_reached(self._connection, target, source)
        self._forget(target, source, *threads.merge_story(self._connection, target, source))
        self._batch.forget_aliases()
        self._batch.grow(target)

    def move_item(self, item: ItemId, story: StoryId | None, evidence: Evidence, now: Instant) -> StoryId:
        self._flush_members()
        self._batch.flush()
        moved, old = moves.item_and_story(self._connection, item)
        if story is None:
            target = old if moves.is_alone(self._connection, item, old) else self._begin_story(moved)
        else:
            target = self._alive(story)
        self._batch.flush()
        moves.move(self._connection, item, target, evidence, now)
        self.index.move(item, target)
        self._forget(target)
        if target != old:
            moves.update_left_story(self._connection, old, target, item, now)
            self._forget(old)
            self._batch.forget_aliases()
            self._batch.grow(old)
        self._batch.grow(target)
        return target

    def aliases_of(self, story: StoryId) -> tuple[StoryId, ...]:
        return moves.aliases_of(self._connection, story)

    def part_stories(self, kept: StoryId, alias: StoryId, traces: Traces, now: Instant) -> None:
        self._flush_members()
        self._batch.flush()
        moves.part(self._connection, kept, alias, traces, now)
        for item in traces.items:
            self.index.move(item, alias)
        self._forget(kept, alias)
        self._batch.forget_aliases()
        self._batch.grow(kept)
