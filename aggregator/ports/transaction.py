"""All writes of one poll."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from aggregator.model import (
    Evidence,
    Instant,
    Item,
    ItemId,
    Slug,
    SourceId,
    SourceState,
    Story,
    StoryId,
)
from aggregator.ports.index import StoryIndex
from aggregator.ports.rows import ArchivePage, Delivery, Event, Hold, OutputState, Override, PollRequest, Reject, Subscription


class Transaction(Protocol):
    """All writes of one poll: committed together or not at all (`Store.begin`)."""

    @property
    def index(self) -> StoryIndex: ...

    def claim(self, now: Instant, limit: int, until: Instant, besides: Collection[SourceId] = ()) -> list[SourceState]:
        """Takes up sources that are due, the longest due first, but for those `besides`; returns their states as they were.

        Until their polls are stored they are due at `until`: what was killed with its poll is asked then, not at each start.
        """
        ...

    def save_state(self, state: SourceState) -> None: ...

    def add_item(self, item: Item, story: StoryId | None, evidence: Evidence) -> tuple[Item, StoryId]:
        """Stores a new item (its `id` is given here) in a story; None makes one, whose id is minted from (source, guid).

        A story that does not exist is a StoreError, at the latest at the end of the transaction; the item of an alias goes to the
        story that it leads to. What is returned is `story` as it was named: see `alive`.
        """
        ...

    def update_item(self, item: Item) -> StoryId:
        """Replaces what a changed item says. Identity, first_seen and story stay. Returns its story."""
        ...

    def rekey_item(self, item: ItemId, guid: str) -> None:
        """A feed changed an entry's guid: the item is now known by the new one."""
        ...

    def set_private(self, source: SourceId, private: bool) -> None:
        """Marks every item of a source. To be the first thing that a transaction does."""
        ...

    def touch_items(self, source: SourceId, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        """These items are still in their source's document (retention counts from here).

        With what this transaction adds and updates they are the whole of it: other items of the source have left it.
        """
        ...

    def story(self, story: StoryId) -> Story | None: ...

    def stories(self, ids: Iterable[StoryId]) -> list[Story]:
        """Whole stories as this transaction sees them, in the order asked for; unknown ids are left out."""
        ...

    def alive(self, ids: Collection[StoryId]) -> Mapping[StoryId, StoryId]:
        """The story that each of the ids leads to now: itself, or the one it was merged into. Unknown ids are left out."""
        ...

    def save_story(self, story: Story) -> None:
        """Stores everything of a story but its items."""
        ...

    def merge_stories(self, kept: StoryId, alias: StoryId, now: Instant) -> None:
        """Moves the alias's items to `kept`; the alias stays as a redirect and leaves all feeds."""
        ...

    def move_item(self, item: ItemId, story: StoryId | None, evidence: Evidence, now: Instant) -> StoryId:
        """Moves an item to another story (None: a new one). An item is never left without a story."""
        ...

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        """The published feeds that each of the stories is in; of an unknown one none."""
        ...

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        """Those of them that were ever in a published feed's document (see `mark_published`)."""
        ...

    def enter(self, slug: Slug, stories: Sequence[StoryId], now: Instant) -> None:
        """Puts stories into a feed, in this order; those that are in stay where they are."""
        ...

    def leave(self, slug: Slug, stories: Collection[StoryId]) -> None:
        """Takes stories out of a feed.

        One that stands in a closed archive page stays there, unless it was taken down or is an alias: else it could enter, and be
        archived, again and again.
        """
        ...

    def withdraw(self, slug: Slug, stories: Collection[StoryId]) -> None:
        """Takes stories out of a feed for good, those in its closed pages, too; the pages are the caller's to save anew."""
        ...

    def clear(self, slug: Slug) -> None:
        """Takes all stories out of a feed that are in no closed page of it."""
        ...

    def bump(self, slugs: Collection[Slug], now: Instant) -> None:
        """These feeds' documents have changed (their `revision` grows)."""
        ...

    def outputs(self) -> dict[Slug, OutputState]: ...
    def save_output(self, state: OutputState) -> None: ...

    def mark_published(self, ids: Collection[StoryId]) -> None:
        """A document with these stories is about to become visible: from now on their ids are promises."""
        ...

    def save_page(self, page: ArchivePage) -> None:
        """Closes an archive page: its stories stay members and are no more `shown`. A page of that number is replaced."""
        ...

    def save_subscription(self, subscription: Subscription) -> None:
        """By (topic, callback): a renewal replaces."""
        ...

    def remove_subscription(self, topic: str, callback: str) -> None: ...

    def end_leases(self, now: Instant) -> None:
        """Removes the subscriptions whose lease is over."""
        ...

    def save_delivery(self, delivery: Delivery) -> None: ...

    def remove_delivery(self, delivery: Delivery) -> None:
        """By its key, if the stored one still has this version."""
        ...

    def save_event(self, event: Event) -> None:
        """By (key, opened)."""
        ...

    def add_poll_request(self, request: PollRequest) -> None: ...

    def take_poll_requests(self) -> list[PollRequest]:
        """Those that nobody has taken up yet; nobody gets them a second time."""
        ...

    def answer_poll_request(self, key: str, answer: str) -> None:
        """For `Store.poll_answer`. The newest answers alone are kept."""
        ...

    def remove_poll_request(self, key: str) -> None: ...

    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        """Keeps what was thrown away. Returns how many were new, by the first word of their rule ("keep", "drop")."""
        ...

    def save_hold(self, hold: Hold) -> None: ...

    def add_override(self, override: Override) -> None: ...

    def overrides(self) -> list[Override]:
        """In the order in which they were made, this transaction's own among them."""
        ...

    def set_value(self, key: str, value: str | None) -> None: ...
