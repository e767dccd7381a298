"""Selects the stored stories that enter and leave a feed when its rule, or what is stored, is edited.

Adopting a config and `plan` use the same selection, so that what was planned is what happens.
"""

from __future__ import annotations

from msgspec import Struct, field

from aggregator.model import Instant, Story, StoryId
from aggregator.ports import Feeds, OutputState
from aggregator.ports.share import Places
from aggregator.settings import DAY, Output

YOUNG = DAY
"""Seconds since a feed's first story entered in which an edit may fill its free places with older stories: hardly anybody has
subscribed yet, and who tries a query on the first evening wants to see what it matches."""


class Selection(Struct):
    """Collects the stories that a feed will hold. known: the feed existed before the edit, so people may read it.

    oldest: stories published before it don't enter, so that an edited feed shows no older stories than it did, save in the free
    places of a `young` one. shown: the stories in its document now; found: how many newly match.
    """

    output: Output
    oldest: Instant
    shown: frozenset[StoryId]
    members: frozenset[StoryId]
    known: bool
    young: bool
    places: Places
    matching: set[StoryId] = field(default_factory=set)
    found: int = 0

    def offer(self, story: Story) -> None:
        """Takes a matching story. Stories come newest first; one that matched before and was kept out stays out."""
        self.matching.add(story.id)
        if story.excess or story.id in self.members:
            return
        if self.known and (self.output.topic in story.topics if self.output.topic else story.old):
            return
        self.found += 1
        if story.published >= self.oldest or self.young:
            self.places.offer(story)

    def entering(self) -> list[StoryId]:
        """The stories that enter, newest first: at most `items`."""
        free = self.output.items - len(self.shown & self.matching)
        chosen: list[StoryId] = []
        for published, story in self.places.taken():
            if published >= self.oldest or len(chosen) < free:
                chosen.append(story)
        return chosen


def select(store: Feeds, output: Output, known: OutputState | None, now: Instant) -> Selection:
    """Begins a selection for a feed. known: its state before the edit, None for a new feed."""
    shown = store.shown(output.slug)
    members = store.members(output.slug)
    is_read = known is not None and not known.filling
    return Selection(
        output,
        oldest=min((one.published for one in shown), default=0.0) if is_read else 0.0,
        shown=frozenset(one.story for one in shown),
        members=frozenset(member.story for member in members),
        known=known is not None,
        young=is_read and all(member.entered > now - YOUNG for member in members),
        places=Places(output.items),
    )
