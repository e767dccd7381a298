"""Stories in the database, for grouping, tagging, searching, and display."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

from aggregator.model import Evidence, Instant, Item, ItemId, SourceId, Story, StoryId, ThreadId
from aggregator.ports.decisions import Decisions, DecisionWrites
from aggregator.ports.index import GroupedItems, StoryIndex
from aggregator.ports.rows import Remembered, Traces, Whereabouts
from aggregator.ports.search import StoryFilter, WordQuery

ItemKey: TypeAlias = tuple[SourceId, str]
"""What identifies an item: source and guid."""


class Stories(Decisions, Protocol):
    """Reads committed stories."""

    def story(self, story: StoryId) -> Story | None:
        """The story with its items. An alias is returned as stored: with `alias_of`, and without items."""
        ...

    def stories(self, ids: Iterable[StoryId], *, hidden: bool = False) -> list[Story]:
        """The stories in the given order. hidden: with items that `keep` and `drop` took out of them, too."""
        ...

    def versions(self, ids: Collection[StoryId]) -> Mapping[StoryId, int]:
        """Story → the version that is stored. Without unknown ids."""
        ...

    def find(
        self, where: StoryFilter, limit: int | None = None, *, relevant: WordQuery | None = None, seconds: float | None = None
    ) -> Generator[Story]:
        """Stories that may match, last published first, without aliases; without dropped ones, unless asked for.

        relevant: words by which the stories are ordered before that, those first in which they weigh most (BM25). seconds: after
        which it raises TookTooLongError.
        """
        ...

    def story_of(self, url_or_id: str) -> StoryId | None:
        """Finds a story by its id (following aliases), or by an item's URL (as sent or canonical) or guid."""
        ...

    def stories_named(self, url_or_guid: str) -> list[StoryId]:
        """All stories with an item of this URL or guid to be seen, without dropped ones, the oldest first."""
        ...

    def ids_from(self, first: str, last: str, limit: int) -> list[StoryId | ThreadId]:
        """The ids of stories and threads from the first to the last one, in order, those that lead to others included."""
        ...

    def whereabouts(self, story: StoryId) -> Whereabouts | None:
        """Where an id leads, following aliases; None if it is unknown. Takes one query in every case, for equal timing."""
        ...

    def evidence(self, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
        """Item → when and why it joined the story."""
        ...

    def grouped(self) -> GroupedItems:
        """The index of recent items as committed, to look into."""
        ...

    def addresses(self, host: str) -> list[str]:
        """Addresses of stored articles at a host (without "www."); if there are none, those of the newest articles."""
        ...


class StoryWrites(DecisionWrites, Protocol):
    """Writes stories for grouping, tagging, and a person's decisions, and reads what is not committed yet."""

    @property
    def index(self) -> StoryIndex: ...

    def story(self, story: StoryId) -> Story | None: ...

    def stories(self, ids: Iterable[StoryId], *, hidden: bool = False) -> list[Story]:
        """Stories with items as this transaction sees them, in the given order, without unknown ids. hidden: as in `Stories`."""
        ...

    def stories_with(self, items: Collection[ItemId]) -> list[StoryId]:
        """The stories that these stored items are in."""
        ...

    def alive(self, ids: Collection[StoryId]) -> Mapping[StoryId, StoryId]:
        """Id → the story it leads to: itself, or the one it was merged into. Without unknown ids."""
        ...

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        """The stories that were ever in a published document (see `mark_published`)."""
        ...

    def recall(self, items: Sequence[Item]) -> Mapping[ItemKey, Sequence[Remembered]]:
        """What is remembered of these new items, by (source, guid): of the same identity, address or id. Nearly always empty."""
        ...

    def add_item(
        self, item: Item, story: StoryId | None, evidence: Evidence, before: Remembered | None = None
    ) -> tuple[Item, StoryId]:
        """Stores a new item, assigns its `id`, and adds it to a story. story: None for a new one with an id from (source, guid),
        or with the id and the dates of `before`, if that id is free; it then counts as published, if it was.

        An unknown story raises StoreError, at the latest at the end of the transaction. An alias's item goes to the story that
        the alias leads to. Returns the item, and `story` as given, which may be an alias (see `alive`).
        """
        ...

    def update_item(self, item: Item) -> StoryId:
        """Replaces the content of a changed item. Identity, first_seen, and story stay. Returns its story."""
        ...

    def save_attributes(self, items: Sequence[Item]) -> None:
        """Stores what the config says of these items: outlet, rank, group, tags, aggregator, second_hand, hidden."""
        ...

    def save_dates(self, items: Sequence[Item]) -> None:
        """Stores when these items were published: undated ones are no newer than the reports that they stand with."""
        ...

    def rekey_item(self, item: ItemId, guid: str) -> None:
        """Gives an item a new guid, after a feed changed that of the entry."""
        ...

    def save_story(self, story: Story) -> None:
        """Stores a story without its items."""
        ...

    def merge_stories(self, kept: StoryId, alias: StoryId, now: Instant) -> None:
        """Moves the alias's items to `kept`. The alias remains as a redirect and leaves all feeds."""
        ...

    def move_item(self, item: ItemId, story: StoryId | None, evidence: Evidence, now: Instant) -> StoryId:
        """Moves an item to another story, or to a new one if None. Returns that story."""
        ...

    def aliases_of(self, story: StoryId) -> tuple[StoryId, ...]:
        """The ids that lead to a story."""
        ...

    def part_stories(self, kept: StoryId, alias: StoryId, traces: Traces, now: Instant) -> None:
        """Undoes a merge: gives the alias its items back (`traces.items`, which `kept` has), and its own aliases.

        The evidence of the items stays. If `kept` has no item left, it becomes an alias.
        """
        ...
