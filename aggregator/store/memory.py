"""The store without a disk: the same promises as SQLite's, kept by plain dictionaries. For unit tests; nothing survives it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Evidence, Instant, Item, ItemId, Slug, Source, SourceId, SourceState, Story, StoryId, Validators
from aggregator.ports import (
    ArchivePage,
    Delivery,
    Event,
    Hold,
    KnownItem,
    Member,
    OutputState,
    Override,
    Reject,
    Shown,
    StoryFilter,
    Subscription,
)
from aggregator.store.index import MemoryStoryIndex
from aggregator.store.memory_search import matches, title_words
from aggregator.store.memory_transaction import MemoryTransaction
from aggregator.store.memory_world import World
from aggregator.store.rows import title_hash
from aggregator.text.urls import canonical


class MemoryStore:
    """A ports.Store in memory."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._owner: int | None = None
        self._world = World()
        self._index = MemoryStoryIndex()

    @contextmanager
    def begin(self) -> Iterator[MemoryTransaction]:
        """Works on a copy, which becomes the store's world at the end, or is thrown away."""
        if self._owner == threading.get_ident():
            raise StoreError("a transaction was begun inside another one")
        with self._turn:
            self._owner = threading.get_ident()
            try:
                yield from self._transaction()
            finally:
                self._owner = None

    def _transaction(self) -> Iterator[MemoryTransaction]:
        world = self._world.copy()
        transaction = MemoryTransaction(world, self._index)
        self._index.begin()
        try:
            yield transaction
            transaction.finish()
        except BaseException:
            self._index.rolled_back()
            raise
        self._index.commit()
        self._world = world

    def close(self) -> None:
        """Nothing to close."""

    # --- sources
    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        with self._turn:
            self._world = self._synced(sources, now)

    def _synced(self, sources: Sequence[Source], now: Instant) -> World:
        world = self._world.copy()
        world.configured = {}
        for source in sources:
            state = world.states.get(source.id)
            if state is None:
                state = SourceState(source.id, source.url, due=now, reason="new")
            elif world.urls[source.id] != source.url:
                state = _moved(state, source.url, now)
            elif source.id not in self._world.configured:
                state = replace(state, due=now, gone=False, failures=0, parse_failures=0, reason="back in the config")
            world.states[source.id] = state
            world.urls[source.id] = source.url
            world.configured[source.id] = source.enabled
        return world

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        return {id: self._world.states[id] for id in self._world.configured if ids is None or id in ids}

    def _pollable(self) -> list[SourceState]:
        states = self._world.states
        return [states[id] for id, enabled in self._world.configured.items() if enabled and not states[id].gone]

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        return sorted((one for one in self._pollable() if one.due <= now), key=lambda one: one.due)[:limit]

    def holds(self, now: Instant) -> dict[str, Hold]:
        return {domain: hold for domain, hold in self._world.holds.items() if hold.until > now}

    # --- items
    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        return frozenset(mark for mark in self._world.documents.get(source, {}).values() if mark)

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        found = [
            item
            for item in self._world.items.values()
            if item.source == source and (item.guid in guids or (item.canonical is not None and item.canonical in canonicals))
        ]
        return [self._known(item) for item in sorted(found, key=lambda item: item.id)]

    def _known(self, item: Item) -> KnownItem:
        return KnownItem(
            item.id,
            item.guid,
            item.canonical,
            item.hash,
            item.entry.fingerprint,
            title_hash(title_words(item)),
            self._world.story_of[item.id],
            item.first_seen,
            item.published,
            item.undated,
            item.old,
        )

    # --- stories
    def story(self, story: StoryId) -> Story | None:
        return self._world.story(story)

    def stories(self, ids: Iterable[StoryId]) -> list[Story]:
        return self._world.whole_stories(ids)

    def find(self, where: StoryFilter, limit: int | None = None) -> Iterator[Story]:
        world = self._world
        stories = sorted(world.stories, key=lambda id: (-world.stories[id].published, id))
        alive = (story for story in world.whole_stories(stories) if story.items and story.alias_of is None and not story.dropped)
        in_topic = {story for story, _ in world.members.get(Slug(where.topic), {}).items()} if where.topic else set()
        found = matches(list(alive), where, in_topic)
        yield from found if limit is None else found[:limit]

    def story_of(self, url_or_id: str) -> StoryId | None:
        world = self._world
        alive = world.alive(StoryId(url_or_id.removeprefix("urn:uuid:")))
        if alive is not None:
            return alive
        items = sorted(world.items.values(), key=lambda item: (item.first_seen, item.id))
        link = canonical(url_or_id) or url_or_id
        found = next((item for item in items if item.canonical == link), None)
        found = found or next((item for item in items if item.guid == url_or_id), None)
        return world.story_of[found.id] if found else None

    def evidence(self, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
        return {item.id: self._world.evidence[item.id] for item in self._world.items_of(story)}

    def rejects(self, limit: int, source: SourceId | None = None) -> list[Reject]:
        newest = reversed(self._world.rejects.values())
        return [one for one in newest if source is None or one.source == source][:limit]

    def overrides(self) -> list[Override]:
        return list(self._world.overrides)

    # --- outputs
    def outputs(self) -> dict[Slug, OutputState]:
        return dict(sorted(self._world.outputs.items()))

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        newest = sorted(self._world.members.get(slug, {}).values(), key=lambda member: -member.seq)
        return [member for member in newest if before is None or member.seq < before][:limit]

    def shown(self, slug: Slug, newest: int | None = None) -> list[Shown]:
        world = self._world
        found = []
        for member in self.members(slug):
            if (slug, member.story) not in world.archived:
                story = world.stories[member.story]
                version = world.versions[member.story]
                found.append(Shown(member.story, member.seq, member.entered, story.published, story.updated, version))
        if newest is not None:
            dated = sorted(found, key=lambda one: (one.published, one.story), reverse=True)
            found = sorted(dated[:newest], key=lambda one: -one.seq)
        return found

    def members_of(self, story: StoryId) -> frozenset[Slug]:
        return self._world.members_of(story)

    def pages(self, slug: Slug) -> list[ArchivePage]:
        return [replace(page, body=b"") for (owner, _), page in sorted(self._world.pages.items()) if owner == slug]

    def page(self, slug: Slug, page: int) -> ArchivePage | None:
        return self._world.pages.get((slug, page))

    # --- who is told
    def subscriptions(self, topic: str | None = None) -> list[Subscription]:
        return [one for _, one in sorted(self._world.subscriptions.items()) if topic is None or one.topic == topic]

    def subscription(self, topic: str, callback: str) -> Subscription | None:
        return self._world.subscriptions.get((topic, callback))

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        stored = self._world.subscriptions.values()
        return sum(one.topic == topic for one in stored), sum(one.domain == domain for one in stored)

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        waiting = [one for one in self._world.deliveries.values() if one.due <= now]
        return sorted(waiting, key=lambda one: (one.due, one.created, one.topic, one.target))[:limit]

    def events(self, limit: int) -> list[Event]:
        return sorted(self._world.events.values(), key=lambda one: (-one.opened, one.key))[:limit]

    # --- the rest
    def counts(self) -> Mapping[str, int]:
        world = self._world
        return {
            "sources": len(world.configured),
            "items": len(world.items),
            "stories": len(set(world.story_of.values())),
            "aliases": sum(story.alias_of is not None for story in world.stories.values()),
            "bytes": 0,
        }

    def value(self, key: str) -> str | None:
        return self._world.values.get(key)

    def values(self, prefix: str) -> dict[str, str]:
        return {key: value for key, value in self._world.values.items() if key.startswith(prefix)}


def _moved(state: SourceState, url: str, now: Instant) -> SourceState:
    return replace(
        state,
        url=url,
        due=now,
        not_before=0.0,
        gone=False,
        failures=0,
        parse_failures=0,
        moved_to=None,
        moved_times=0,
        validators=Validators(),
        validators_url=None,
        body_hash=b"",
        reason="new address",
    )
