"""Refreshes stories after a change: their lead, tags, `updated`, and the feeds that they are in.

Runs inside one transaction. The stages (dedup, tag, publish) decide; this module applies their decisions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.dedup.lead import PINNED, choose_lead
from aggregator.dedup.visible import visible_hash
from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.ports import Feeds, OutputState, Rules, Tagged, Transaction
from aggregator.publish import placement
from aggregator.stories.overrides import Correction, corrections_of, override_key

Slugs: TypeAlias = tuple[Slug, ...]


class Curator(Struct, frozen=True):
    """Applies rules and feeds at one instant. settle: seconds, as in `Publishing`.

    oldest: publication time before which no story enters a feed, for stories that were remade from stored items.
    heirs: stories made from others, with the feeds that those were in: they may enter these feeds although they are old.
    """

    rules: Rules
    outputs: Mapping[Slug, OutputState]
    settle: float
    now: Instant
    oldest: Mapping[Slug, Instant] = field(default_factory=dict)
    heirs: Mapping[StoryId, Collection[Slug]] = field(default_factory=dict)

    def refresh(self, transaction: Transaction, ids: Iterable[StoryId]) -> set[Slug]:
        """Updates these stories to what their items say now. Returns the feeds whose documents differ now."""
        stories = [story for story in transaction.stories(ids) if story.items]
        published = transaction.published_stories([story.id for story in stories])
        current = transaction.members_of([story.id for story in stories])
        entering: dict[Slug, list[StoryId]] = {}
        leaving: dict[Slug, list[StoryId]] = {}
        slugs: set[Slug] = set()
        corrections = transaction.corrections([override_key(item) for story in stories for item in story.items])
        for before in stories:
            after, tagged = derive_story(
                before, self.rules, self.now, published=before.id in published, correction=corrections_of(before, corrections)
            )
            enter, leave, stay = self._place(after, tagged, current[after.id])
            for slug in enter:
                entering.setdefault(slug, []).append(after.id)
            for slug in leave:
                leaving.setdefault(slug, []).append(after.id)
            if after != before:
                transaction.save_story(after)
                slugs.update(stay)
        for slug, members in entering.items():
            transaction.enter(slug, members, self.now)
        for slug, members in leaving.items():
            transaction.leave(slug, members)
        slugs.update(entering, leaving)
        transaction.bump(slugs, self.now)
        return slugs

    def _place(self, story: Story, tagged: Tagged, current: Collection[Slug]) -> tuple[Slugs, Slugs, Slugs]:
        """Returns the feeds that a story enters, leaves and stays in. current: those that it is in."""
        inherited = self.heirs.get(story.id, ())
        offered = replace(story, old=False) if inherited else story
        placed = placement.place(offered, tagged.outputs, current, self.outputs, now=self.now, settle=self.settle)
        enter = placed.enter
        if self.oldest:
            enter = tuple(slug for slug in enter if story.published >= self.oldest.get(slug, story.published))
        if inherited and story.old:
            enter = tuple(slug for slug in enter if slug in inherited)
        return enter, placed.leave, placed.stay


def horizons(store: Feeds) -> dict[Slug, Instant]:
    """Returns, for each feed that people read, the publication time of the oldest story that it shows: none older may enter."""
    shown = {slug: store.shown(slug) for slug, state in store.outputs().items() if not state.filling}
    return {slug: min(one.published for one in rows) for slug, rows in shown.items() if rows}


def derive_story(
    before: Story, rules: Rules, now: Instant, *, published: bool, correction: Correction | None = None
) -> tuple[Story, Tagged]:
    """Derives a story from its items: lead, tags, topics, and a new `updated` if what a reader sees has changed.

    correction: by a person; None if it is as the story says.
    """
    is_pinned = before.lead_reason == PINNED and any(item.id == before.lead for item in before.items)
    bound = correction or Correction(before.lead if is_pinned else None, before.headline)
    lead, reason = choose_lead(before.items, before.lead, published, bound.lead)
    unchanged = (lead, bound.headline) == (before.lead, before.headline)
    story = before if unchanged else replace(before, lead=lead, headline=bound.headline)
    tagged = rules.apply(replace(story, items=story.reports), now)
    visible = visible_hash(story, full=rules.full)
    if visible == before.visible:
        updated = before.updated
    else:
        updated = max(now, before.updated + 1) if before.visible else _first_updated(story, now)
    after = replace(
        story,
        lead_reason=reason,
        old=all(item.old or item.excess for item in before.items),
        tags=tagged.tags,
        topics=tagged.topics,
        visible=visible,
        updated=updated,
    )
    return after, tagged


def _first_updated(story: Story, now: Instant) -> Instant:
    """Returns `updated` of a new story: its lead's own date, but not later than now."""
    return min(now, max(story.published, story.lead_item.entry.updated or 0.0))
