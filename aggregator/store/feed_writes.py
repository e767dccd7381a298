"""Writes which feeds stories are in, and what is published of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import ArchivePage, OutputState
from aggregator.store import outputs
from aggregator.store.connection import Connection
from aggregator.store.story_cache import StoryCache


class FeedWrites(StoryCache):
    """The part of a transaction that puts stories into feeds. Those that enter one wait, as the stories do."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._entering: dict[Slug, dict[StoryId, Instant]] = {}
        self._outputs: dict[Slug, OutputState] | None = None
        self._bumped: dict[Slug, OutputState] = {}
        self._are_members_written = False
        self._marked: set[StoryId] = set()
        self.promised = False
        """True if an id was promised to subscribers: then the commit must be on disk before anyone sees it."""

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        asked = [id for id in ids if not self._is_in_no_stored_feed(id)]
        stored = outputs.members_of(self._connection, asked) if asked else {}
        return {id: stored.get(id, frozenset()).union(self._enters(id)) for id in ids}

    def _is_in_no_stored_feed(self, story: StoryId) -> bool:
        """True for a story that this transaction has made and can't have put into a feed yet: nothing need be looked up."""
        return self._batch.is_new(story) or (self._batch.has(story) and not self._are_members_written)

    def _enters(self, story: StoryId) -> Iterator[Slug]:
        return (slug for slug, stories in self._entering.items() if story in stories)

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        asked = [id for id in ids if id in self._marked or not self._batch.has(id)]
        return outputs.published(self._connection, asked) if asked else frozenset()

    def enter(self, slug: Slug, stories: Sequence[StoryId], now: Instant) -> None:
        self._known_outputs().setdefault(slug, OutputState(slug, b""))
        waiting = self._entering.setdefault(slug, {})
        for story in stories:
            waiting.setdefault(story, now)

    def leave(self, slug: Slug, stories: Collection[StoryId]) -> None:
        self._flush_members()
        self._batch.flush()
        outputs.leave(self._connection, slug, stories)

    def withdraw(self, slug: Slug, stories: Collection[StoryId]) -> None:
        self._flush_members()
        self._batch.flush()
        outputs.withdraw(self._connection, slug, stories)

    def clear(self, slug: Slug) -> None:
        self._flush_members()
        outputs.clear(self._connection, slug)

    def _flush_members(self) -> None:
        """Writes stories and the feeds they enter. Called before members are read or removed."""
        if self._entering:
            entering = {id for stories in self._entering.values() for id in stories if self._is_in_no_stored_feed(id)}
            new = self._batch.keys_of_made(entering)
            self._batch.flush()
            for slug, stories in self._entering.items():
                outputs.enter(self._connection, slug, stories, new)
            self._entering, self._are_members_written = {}, True

    def bump(self, slugs: Collection[Slug], now: Instant) -> None:
        known = self._known_outputs()
        for slug in slugs:
            if (state := known.get(slug)) is not None:
                known[slug] = self._bumped[slug] = replace(state, revision=state.revision + 1, changed=now)

    def outputs(self) -> dict[Slug, OutputState]:
        return dict(sorted(self._known_outputs().items()))

    def _known_outputs(self) -> dict[Slug, OutputState]:
        """The feeds' states: read once and kept up to date by this transaction."""
        if self._outputs is None:
            self._outputs = outputs.outputs(self._connection)
        return self._outputs

    def save_output(self, state: OutputState) -> None:
        self._known_outputs()[state.slug] = state
        self._bumped.pop(state.slug, None)
        outputs.save(self._connection, state)

    def mark_published(self, ids: Collection[StoryId]) -> None:
        self._batch.flush()
        self._marked.update(ids)
        self.promised |= outputs.mark_published(self._connection, ids)

    def return_to_pages(self, story: StoryId) -> None:
        self._flush_members()
        outputs.return_to_pages(self._connection, story)

    def save_page(self, page: ArchivePage) -> None:
        self._flush_members()
        outputs.save_page(self._connection, page)
