"""Stories in the database: for grouping, tagging, searching and looking."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from aggregator.model import Evidence, Instant, Item, ItemId, Story, StoryId
from aggregator.ports.index import StoryIndex
from aggregator.ports.rows import Override, Whereabouts
from aggregator.ports.search import StoryFilter


class Stories(Protocol):
    """Stories as they are committed."""

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

    def overrides(self) -> list[Override]: ...


class StoryWrites(Protocol):
    """What grouping, a person's decisions and tagging write, and what they must see of it before it is committed."""

    @property
    def index(self) -> StoryIndex: ...

    def story(self, story: StoryId) -> Story | None: ...

    def stories(self, ids: Iterable[StoryId]) -> list[Story]:
        """Whole stories as this transaction sees them, in the order asked for; unknown ids are left out."""
        ...

    def alive(self, ids: Collection[StoryId]) -> Mapping[StoryId, StoryId]:
        """The story that each of the ids leads to now: itself, or the one it was merged into. Unknown ids are left out."""
        ...

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        """Those of them that were ever in a published feed's document (see `mark_published`)."""
        ...

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

    def save_story(self, story: Story) -> None:
        """Stores everything of a story but its items."""
        ...

    def merge_stories(self, kept: StoryId, alias: StoryId, now: Instant) -> None:
        """Moves the alias's items to `kept`; the alias stays as a redirect and leaves all feeds."""
        ...

    def move_item(self, item: ItemId, story: StoryId | None, evidence: Evidence, now: Instant) -> StoryId:
        """Moves an item to another story (None: a new one). An item is never left without a story."""
        ...

    def add_override(self, override: Override) -> None: ...

    def overrides(self) -> list[Override]:
        """In the order in which they were made, this transaction's own among them."""
        ...
