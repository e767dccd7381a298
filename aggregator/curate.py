"""Keeps stories and feeds true after something changed: lead, tags, what a reader sees, and which feeds a story is in.

Runs inside one transaction. The decisions are the stages' own; this puts them together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from aggregator.dedup.lead import choose_lead
from aggregator.dedup.visible import visible_hash
from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.ports import OutputState, Rules, Tagged, Transaction
from aggregator.publish import select


@dataclass(frozen=True, slots=True)
class Curator:
    """The rules and feeds by which stories are looked at, at one instant. settle: seconds, as in `Publishing`.

    oldest: of feeds into which no story comes that was published before (where stories were made anew of stored items).
    heirs: stories made of others, with the feeds that those were in: they may enter these although they are old.
    """

    rules: Rules
    outputs: Mapping[Slug, OutputState]
    settle: float
    now: Instant
    oldest: Mapping[Slug, Instant] = field(default_factory=dict)
    heirs: Mapping[StoryId, Collection[Slug]] = field(default_factory=dict)

    def refresh(self, transaction: Transaction, ids: Iterable[StoryId]) -> set[Slug]:
        """Looks at these stories again, as their items are now. Returns the feeds whose documents differ now."""
        slugs: set[Slug] = set()
        stories = [story for story in transaction.stories(ids) if story.items]
        published = transaction.published_stories([story.id for story in stories])
        for before in stories:
            after, tagged = settled(before, self.rules, self.now, published=before.id in published)
            if after != before:
                transaction.save_story(after)
            slugs |= self._place(transaction, after, tagged, changed=after != before)
        transaction.bump(slugs, self.now)
        return slugs

    def _place(self, transaction: Transaction, story: Story, tagged: Tagged, *, changed: bool) -> set[Slug]:
        """Lets a story enter and leave feeds."""
        current = transaction.members_of(story.id)
        heritage = self.heirs.get(story.id, ())
        offered = replace(story, old=False) if heritage else story
        placed = select.place(offered, tagged.outputs, current, self.outputs, now=self.now, settle=self.settle)
        young = [slug for slug in placed.enter if story.published >= self.oldest.get(slug, story.published)]
        entering = [slug for slug in young if slug in heritage] if heritage and story.old else young
        for slug in entering:
            transaction.enter(slug, [story.id], self.now)
        for slug in placed.leave:
            transaction.leave(slug, [story.id])
        return {*entering, *placed.leave, *(placed.stay if changed else ())}


def settled(before: Story, rules: Rules, now: Instant, *, published: bool) -> tuple[Story, Tagged]:
    """The story as its items make it: lead, tags, topics, and `updated` where what a reader sees has changed."""
    lead, reason = choose_lead(before.items, before.lead, published)
    story = before if lead == before.lead else replace(before, lead=lead)
    tagged = rules.apply(story, now)
    visible = visible_hash(story)
    if visible == before.visible:
        updated = before.updated
    else:
        updated = max(now, before.updated + 1) if before.visible else _born(story, now)
    after = replace(
        story,
        lead_reason=reason,
        old=all(item.old for item in before.items),
        tags=tagged.tags,
        topics=tagged.topics,
        visible=visible,
        updated=updated,
    )
    return after, tagged


def _born(story: Story, now: Instant) -> Instant:
    """`updated` of a new story: what its lead says of itself, never later than now."""
    return min(now, max(story.published, story.lead_item.entry.updated or 0.0))
