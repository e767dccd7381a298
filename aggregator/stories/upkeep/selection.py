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

COMPETING = 10_000
"""Stories that enter a ranked feed at most when it is new or edited: they compete for its places."""


class Selection(Struct):
    """Collects the stories that a feed will hold. known: the feed existed before the edit, so people may read it.

    edited: its rule was edited, so that all stories are looked at. oldest: stories published before it don't enter, so that an
    edited feed shows no older stories than it did; free places alone are filled with older ones while the feed is `young`, and
    with those that return. shown: the stories in its document now; looked_at: the stories that were looked at, if not all;
    found: how many newly match.
    """

    output: Output
    oldest: Instant
    shown: frozenset[StoryId]
    members: set[StoryId]
    known: bool
    edited: bool
    young: bool
    places: Places
    matching: set[StoryId] = field(default_factory=set)
    looked_at: set[StoryId] = field(default_factory=set)
    found: int = 0

    def matched_before(self, story: Story) -> bool:
        """True if a story, as stored, matched before an edit of the rule and was kept out, or is backlog that must stay out."""
        return self.output.topic in story.topics if self.output.topic else story.old

    def offer(self, story: Story, *, matched: bool, returns: bool = False) -> None:
        """Takes a matching story. Stories come newest first; one that matched before and was kept out stays out.

        returns: subscribers may have seen the story before it was hidden.
        """
        self.matching.add(story.id)
        if story.excess or story.id in self.members or (self.known and matched and not returns):
            return
        self.found += 1
        if story.published >= self.oldest or self.young or returns:
            self.places.offer(story)

    def entering(self) -> dict[StoryId, Instant]:
        """The stories that enter, with their dates, newest first: at most `items`."""
        free = self.output.items - len(self.shown - self.leaving())
        chosen: dict[StoryId, Instant] = {}
        for published, story in self.places.taken():
            if published >= self.oldest or len(chosen) < free:
                chosen[story] = published
        return chosen

    def keep_members(self) -> None:
        """Lets no story leave."""
        self.matching |= self.members

    def leaving(self) -> frozenset[StoryId]:
        """The stories that no longer match."""
        looked_at = self.members if self.edited else self.members & self.looked_at
        return frozenset(looked_at - self.matching)


def select(store: Feeds, output: Output, known: OutputState | None, now: Instant, *, edited: bool = True) -> Selection:
    """Begins a selection for a feed. known: its state before the edit, None for a new feed.

    Of an unedited feed, the caller adds those of its members that are looked at: it may have a hundred thousand.
    """
    shown = store.shown(output.slug)
    members = store.members(output.slug) if edited else []
    is_read = known is not None and not known.filling
    return Selection(
        output,
        oldest=min((one.published for one in shown), default=0.0) if is_read and not output.ranked else 0.0,
        shown=frozenset(one.story for one in shown),
        members={member.story for member in members},
        known=known is not None,
        edited=edited,
        young=is_read and edited and all(member.entered > now - YOUNG for member in members),
        places=Places(COMPETING if output.ranked else output.items),
    )
