"""The transaction of a MemoryStore: changes a copy of its world."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Evidence, Instant, Item, ItemId, Slug, SourceId, SourceState, Story, StoryId
from aggregator.ports import (
    ArchivePage,
    Delivery,
    Event,
    Hold,
    Member,
    OutputState,
    Override,
    Reject,
    StoryIndex,
    Subscription,
)
from aggregator.store.documents import Listing
from aggregator.store.identity import story_ids
from aggregator.store.memory_world import World
from aggregator.store.small import REJECTS_KEPT, count_new
from aggregator.store.story_rows import born


class MemoryTransaction:
    """A ports.Transaction. Made by `MemoryStore.begin`."""

    def __init__(self, world: World, index: StoryIndex) -> None:
        self._world = world
        self._index = index
        self._listings: dict[SourceId, Listing] = {}

    @property
    def index(self) -> StoryIndex:
        return self._index

    def finish(self) -> None:
        """Puts the documents that were listed in place."""
        for source, listing in self._listings.items():
            before = self._world.documents.get(source, {})
            marks = {id: self._world.items[id].entry.fingerprint for id in listing.ids if id in self._world.items}
            self._world.documents[source] = listing.after(before, marks)

    # --- sources
    def save_state(self, state: SourceState) -> None:
        if state.id not in self._world.states:
            raise StoreError(f"a state was saved of a source that is not known: {state.id}")
        self._world.states[state.id] = state

    def touch_items(self, source: SourceId, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        self._listings.setdefault(source, Listing()).touch(fingerprints, ids, now)

    # --- items
    def add_item(self, item: Item, story: StoryId | None, evidence: Evidence) -> tuple[Item, StoryId]:
        world = self._world
        if any(one.source == item.source and one.guid == item.guid for one in world.items.values()):
            raise StoreError(f"{item.source} has an item {item.guid} already")
        stored = replace(item, id=ItemId(world.last_item + 1))
        target = self._begin_story(stored) if story is None else self._alive(story)
        world.last_item += 1
        self._put(stored, target, evidence, stored.first_seen)
        self._listings.setdefault(item.source, Listing()).present[stored.id] = item.entry.fingerprint
        return stored, target

    def _begin_story(self, item: Item) -> StoryId:
        world = self._world
        for id in story_ids(item):
            if id not in world.stories:
                world.stories[id] = replace(born(id, item), items=())
                world.versions[id] = 0
                return id
            if world.stories[id].alias_of is None and not world.items_of(id):
                world.stories[id] = replace(world.stories[id], lead=item.id)
                return id
        raise AssertionError("story_ids never ends")

    def _put(self, item: Item, story: StoryId, evidence: Evidence, now: Instant) -> None:
        self._world.items[item.id] = item
        self._world.story_of[item.id] = story
        self._world.evidence[item.id] = (now, evidence)
        self._world.versions[story] += 1

    def _alive(self, story: StoryId) -> StoryId:
        found = self._world.alive(story)
        if found is None:
            raise StoreError(f"there is no story {story}")
        return found

    def _item(self, item: ItemId) -> Item:
        if item not in self._world.items:
            raise StoreError(f"there is no item {item}")
        return self._world.items[item]

    def update_item(self, item: Item) -> StoryId:
        before = self._item(item.id)
        story = self._world.story_of[item.id]
        self._world.items[item.id] = replace(item, source=before.source, guid=before.guid, first_seen=before.first_seen)
        self._world.versions[story] += 1
        self._listings.setdefault(before.source, Listing()).present[item.id] = item.entry.fingerprint
        return story

    def rekey_item(self, item: ItemId, guid: str) -> None:
        before = self._item(item)
        if not any(one.source == before.source and one.guid == guid for one in self._world.items.values()):
            own = guid if before.entry.guid == before.guid else before.entry.guid
            self._world.items[item] = replace(before, guid=guid, entry=replace(before.entry, guid=own))

    # --- stories
    def story(self, story: StoryId) -> Story | None:
        return self._world.story(story)

    def stories(self, ids: Iterable[StoryId]) -> list[Story]:
        return self._world.whole_stories(ids)

    def save_story(self, story: Story) -> None:
        if story.id not in self._world.stories:
            raise StoreError(f"there is no story {story.id}")
        self._world.stories[story.id] = replace(story, items=())
        self._world.versions[story.id] += 1

    def merge_stories(self, kept: StoryId, alias: StoryId, now: Instant) -> None:
        target, source = self._alive(kept), self._alive(alias)
        if target != source:
            for item in self._world.items_of(source):
                self._world.story_of[item.id] = target
            self._redirect(source, target, now)
            self._world.versions[target] += 1
            self._index.merge(target, source)

    def _redirect(self, alias: StoryId, kept: StoryId, now: Instant) -> None:
        world = self._world
        for slug in world.members_of(alias):
            self.leave(slug, [alias])
        world.stories[alias] = replace(world.stories[alias], alias_of=kept, updated=now)
        for story in world.stories.values():
            if story.alias_of == alias:
                world.stories[story.id] = replace(story, alias_of=kept)

    def move_item(self, item: ItemId, story: StoryId | None, evidence: Evidence, now: Instant) -> StoryId:
        world, moved, old = self._world, self._item(item), self._world.story_of[item]
        if story is None:
            target = old if len(world.items_of(old)) == 1 else self._begin_story(moved)
        else:
            target = self._alive(story)
        self._put(moved, target, evidence, now)
        self._index.move(item, target)
        if target != old:
            self._after_leaving(old, target, item, now)
        return target

    def _after_leaving(self, old: StoryId, new: StoryId, item: ItemId, now: Instant) -> None:
        left = self._world.items_of(old)
        story = self._world.stories[old]
        if not left:
            self._redirect(old, new, now)
        elif story.lead == item:
            self._world.stories[old] = replace(story, lead=left[0].id, lead_reason="the lead moved to another story")
        self._world.versions[old] += 1

    # --- published feeds
    def members_of(self, story: StoryId) -> frozenset[Slug]:
        return self._world.members_of(story)

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        return frozenset(self._world.published.intersection(ids))

    def enter(self, slug: Slug, stories: Sequence[StoryId], now: Instant) -> None:
        members = self._world.members.setdefault(slug, {})
        self._world.outputs.setdefault(slug, OutputState(slug, b""))
        for story in stories:
            if story not in members and story in self._world.stories:
                seq = self._world.last_seq[slug] = self._world.last_seq.get(slug, 0) + 1
                members[story] = Member(story, seq, now)

    def leave(self, slug: Slug, stories: Collection[StoryId]) -> None:
        for story in stories:
            self._world.members.get(slug, {}).pop(story, None)
            self._world.archived.pop((slug, story), None)

    def clear(self, slug: Slug) -> None:
        self.leave(slug, [story for story in self._world.members.get(slug, {}) if (slug, story) not in self._world.archived])

    def bump(self, slugs: Collection[Slug], now: Instant) -> None:
        for slug in slugs:
            if (state := self._world.outputs.get(slug)) is not None:
                self._world.outputs[slug] = replace(state, revision=state.revision + 1, changed=now)

    def outputs(self) -> dict[Slug, OutputState]:
        return dict(sorted(self._world.outputs.items()))

    def save_output(self, state: OutputState) -> None:
        self._world.outputs[state.slug] = state

    def mark_published(self, ids: Collection[StoryId]) -> None:
        self._world.published.update(id for id in ids if id in self._world.stories)

    def save_page(self, page: ArchivePage) -> None:
        world = self._world
        world.pages[page.slug, page.page] = page
        world.archived = {key: number for key, number in world.archived.items() if (key[0], number) != (page.slug, page.page)}
        for story in page.stories:
            if story in world.members.get(page.slug, {}):
                world.archived[page.slug, story] = page.page

    # --- who is told
    def save_subscription(self, subscription: Subscription) -> None:
        self._world.subscriptions[subscription.topic, subscription.callback] = subscription

    def remove_subscription(self, topic: str, callback: str) -> None:
        self._world.subscriptions.pop((topic, callback), None)

    def end_leases(self, now: Instant) -> None:
        for key in [key for key, one in self._world.subscriptions.items() if one.lease_until <= now]:
            del self._world.subscriptions[key]

    def save_delivery(self, delivery: Delivery) -> None:
        self._world.deliveries[_key(delivery)] = delivery

    def remove_delivery(self, delivery: Delivery) -> None:
        stored = self._world.deliveries.get(_key(delivery))
        if stored is not None and stored.version == delivery.version:
            del self._world.deliveries[_key(delivery)]

    def save_event(self, event: Event) -> None:
        self._world.events[event.key, event.opened] = event

    # --- the rest
    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        world = self._world
        new = count_new(rejects, world.rejects.keys())
        for one in rejects:
            known = world.rejects.get((one.source, one.guid))
            world.rejects[one.source, one.guid] = replace(one, at=known.at) if known else one
        for source in {one.source for one in rejects}:
            own = [key for key in world.rejects if key[0] == source]
            for key in own[:-REJECTS_KEPT]:
                del world.rejects[key]
        return new

    def save_hold(self, hold: Hold) -> None:
        self._world.holds[hold.domain] = hold

    def add_override(self, override: Override) -> None:
        self._world.overrides.append(override)

    def overrides(self) -> list[Override]:
        return list(self._world.overrides)

    def set_value(self, key: str, value: str | None) -> None:
        if value is None:
            self._world.values.pop(key, None)
        else:
            self._world.values[key] = value


def _key(delivery: Delivery) -> tuple[str, str, str, str]:
    return delivery.kind, delivery.topic, delivery.target, delivery.subject
