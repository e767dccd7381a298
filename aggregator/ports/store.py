"""The database, as it is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from aggregator.model import (
    Evidence,
    Instant,
    ItemId,
    Slug,
    Source,
    SourceId,
    SourceState,
    Story,
    StoryId,
)
from aggregator.ports.rows import (
    ArchivePage,
    Delivery,
    Event,
    Hold,
    KnownItem,
    Member,
    OutputState,
    Override,
    PollRequest,
    Reject,
    Shown,
    Subscription,
    Whereabouts,
)
from aggregator.ports.search import StoryFilter
from aggregator.ports.transaction import Transaction


class Store(Protocol):
    """The database. Reads see committed state. One writer: `begin` waits for its turn."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """BEGIN IMMEDIATE … COMMIT; an exception inside rolls everything back."""
        ...

    def close(self) -> None: ...

    # sources
    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        """Makes rows for new sources (due now), revives those that came back, marks the missing as not configured (not due).

        A configured URL that changed resets validators, redirects and `gone`.
        """
        ...

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        """Configured sources alone, in the order of the config."""
        ...

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        """Configured, not gone sources whose `due` has come, the longest due first. To poll them, `Transaction.claim` them."""
        ...

    def holds(self, now: Instant) -> dict[str, Hold]: ...

    # items
    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        """Of the items that were in the source's last document."""
        ...

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        """Items of this source that have one of these guids or canonical URLs."""
        ...

    # stories
    def story(self, story: StoryId) -> Story | None:
        """With its items; an alias comes back as stored (`alias_of` set, no items)."""
        ...

    def stories(self, ids: Iterable[StoryId]) -> list[Story]: ...

    def find(self, where: StoryFilter, limit: int | None = None) -> Iterator[Story]:
        """Stories that may match, newest published first, no aliases and no dropped ones."""
        ...

    def story_of(self, url_or_id: str) -> StoryId | None:
        """The story of a story id (aliases followed), an item's URL (as sent or canonical) or its guid."""
        ...

    def whereabouts(self, story: StoryId) -> Whereabouts | None:
        """Where an id leads, aliases followed; None for an unknown one. One look, whatever the answer."""
        ...

    def evidence(self, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
        """When and why each of its items joined."""
        ...

    def rejects(self, limit: int, source: SourceId | None = None, without: Collection[SourceId] = ()) -> list[Reject]:
        """Newest first: of one source, or of all but some."""
        ...

    def overrides(self) -> list[Override]: ...

    # outputs
    def outputs(self) -> dict[Slug, OutputState]: ...

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        """Newest entered first; `before`: of smaller seq alone."""
        ...

    def shown(self, slug: Slug, newest: int | None = None) -> list[Shown]:
        """Members in no closed archive page, newest entered first. Cheap: no story is loaded.

        newest: so many of them, those published last, the higher id being the newer of equals; those of a source beyond its share
        (`ports.share`) only if others don't fill the places.
        """
        ...

    def lead_sources(self, slug: Slug) -> dict[StoryId, SourceId]:
        """Of the members in no closed archive page: the source that the story's lead is from."""
        ...

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        """The published feeds that each of the stories is in, archive pages included; of an unknown one none."""
        ...

    def pages(self, slug: Slug) -> list[ArchivePage]:
        """Closed archive pages, the oldest first, with `body` left empty."""
        ...

    def page(self, slug: Slug, page: int) -> ArchivePage | None: ...

    # who is told
    def subscriptions(self, topic: str | None = None) -> list[Subscription]: ...
    def subscription(self, topic: str, callback: str) -> Subscription | None: ...

    def count_subscriptions(self, topic: str, domain: str) -> tuple[int, int]:
        """Of this topic, and of this domain to all topics. What else is stored costs nothing."""
        ...

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        """Those due, the longest due first."""
        ...

    def events(self, limit: int) -> list[Event]:
        """Newest opened first."""
        ...

    def poll_requests(self) -> list[PollRequest]:
        """Those that nobody has taken up yet, in the order in which they were made."""
        ...

    def poll_answer(self, key: str) -> str | None:
        """What was answered to a request, or None as long as there is no answer."""
        ...

    # the rest
    def counts(self) -> Mapping[str, int]:
        """sources, items, stories, aliases, bytes (of the database)."""
        ...

    def value(self, key: str) -> str | None: ...

    def values(self, prefix: str) -> dict[str, str]:
        """The stored values whose keys begin so, by key."""
        ...
