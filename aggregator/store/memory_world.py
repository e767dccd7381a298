"""Everything a MemoryStore knows, as one value that can be copied: what a transaction works on, and gives back or not."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import fields, replace

from aggregator.model import Evidence, Instant, Item, ItemId, Slug, SourceId, SourceState, Story, StoryId
from aggregator.ports import ArchivePage, Delivery, Event, Hold, Member, OutputState, Override, Reject, Subscription
from aggregator.store.story_rows import in_order


class World(Struct):
    """stories: without their items. configured: sources of the config in its order, and whether they are enabled.

    archived: which member is in a closed page.
    """

    states: dict[SourceId, SourceState] = field(default_factory=dict)
    urls: dict[SourceId, str] = field(default_factory=dict)
    configured: dict[SourceId, bool] = field(default_factory=dict)
    documents: dict[SourceId, dict[ItemId, bytes]] = field(default_factory=dict)
    last_item: int = 0
    items: dict[ItemId, Item] = field(default_factory=dict)
    story_of: dict[ItemId, StoryId] = field(default_factory=dict)
    evidence: dict[ItemId, tuple[Instant, Evidence]] = field(default_factory=dict)
    stories: dict[StoryId, Story] = field(default_factory=dict)
    versions: dict[StoryId, int] = field(default_factory=dict)
    published: set[StoryId] = field(default_factory=set)
    outputs: dict[Slug, OutputState] = field(default_factory=dict)
    last_seq: dict[Slug, int] = field(default_factory=dict)
    members: dict[Slug, dict[StoryId, Member]] = field(default_factory=dict)
    archived: dict[tuple[Slug, StoryId], int] = field(default_factory=dict)
    pages: dict[tuple[Slug, int], ArchivePage] = field(default_factory=dict)
    subscriptions: dict[tuple[str, str], Subscription] = field(default_factory=dict)
    deliveries: dict[tuple[str, str, str, str], Delivery] = field(default_factory=dict)
    events: dict[tuple[str, Instant], Event] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    rejects: dict[tuple[SourceId, str], Reject] = field(default_factory=dict)
    overrides: list[Override] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def copy(self) -> World:
        """Another world that changes on its own; what is in it are values, which are shared."""
        copied = replace(self)
        for one in fields(self):
            if one.name != "last_item":
                setattr(copied, one.name, getattr(self, one.name).copy())
        copied.members = {slug: members.copy() for slug, members in self.members.items()}
        return copied

    def items_of(self, story: StoryId) -> tuple[Item, ...]:
        """The items of a story, by first sight."""
        return in_order([self.items[id] for id, owner in self.story_of.items() if owner == story])

    def story(self, story: StoryId) -> Story | None:
        """A story with its items, or None."""
        return next(iter(self.whole_stories([story])), None)

    def whole_stories(self, ids: Iterable[StoryId]) -> list[Story]:
        """Stories with their items, in the order asked for; unknown ids are left out."""
        members: dict[StoryId, list[Item]] = {}
        for id, owner in self.story_of.items():
            members.setdefault(owner, []).append(self.items[id])
        return [replace(self.stories[id], items=in_order(members.get(id, []))) for id in ids if id in self.stories]

    def alive(self, story: StoryId) -> StoryId | None:
        """The story, aliases followed; None for an unknown one."""
        while (found := self.stories.get(story)) is not None:
            if found.alias_of is None:
                return story
            story = found.alias_of
        return None

    def members_of(self, story: StoryId) -> frozenset[Slug]:
        """The feeds that a story is in."""
        return frozenset(slug for slug, members in self.members.items() if story in members)
