"""Refreshes stories after a change: their lead, tags, `updated`, and the feeds that they are in.

Runs inside one transaction. The stages (dedup, tag, publish) decide; this module applies their decisions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.lead import PINNED, choose_lead, may_move, move_lead
from aggregator.dedup.standing import Standings
from aggregator.dedup.visible import TOLD, is_edit, visible_hash
from aggregator.model import Instant, ItemId, Slug, Story, StoryId, ThreadId
from aggregator.ports import Feeds, OutputState, Rules, Tagged, Threshold, Transaction
from aggregator.stories import earlier, enrichment
from aggregator.stories.dates import dated
from aggregator.stories.decisions.overrides import Correction, corrections_of, override_key
from aggregator.stories.membership import decide_membership

Slugs: TypeAlias = tuple[Slug, ...]


class Curator(Struct, frozen=True):
    """Applies rules and feeds at one instant. settle: seconds, as in `Publishing`.

    oldest: publication time before which no story enters a feed, for stories that were remade from stored items.
    heirs: stories made from others, with the feeds that those were in: they may enter these feeds although they are old.
    engine: asked how reports agree, where items have come or changed; None where none have.
    is_upgrade: known entries were read anew by another release, or the config has other hooks, so that how they differ is no edit
    of theirs.
    """

    rules: Rules
    outputs: Mapping[Slug, OutputState]
    settle: float
    now: Instant
    oldest: Mapping[Slug, Instant] = field(default_factory=dict)
    heirs: Mapping[StoryId, Collection[Slug]] = field(default_factory=dict)
    engine: Engine | None = None
    is_upgrade: bool = False

    def refresh(self, transaction: Transaction, ids: Iterable[StoryId]) -> set[Slug]:
        """Updates these stories to what their items say now. Returns the feeds whose documents differ now."""
        stories = [story for story in transaction.stories(ids) if story.items]
        published = transaction.published_stories([story.id for story in stories])
        current = transaction.members_of([story.id for story in stories])
        entering: dict[Slug, list[StoryId]] = {}
        leaving: dict[Slug, list[StoryId]] = {}
        slugs: set[Slug] = set()
        retold: list[Story] = []
        reached: list[tuple[Threshold, Story]] = []
        hooks, asked = self.rules.hooks, enrichment.known(transaction, self.rules.hooks, stories)
        corrections = transaction.corrections(override_key(item) for story in stories for item in story.items)
        for stored in stories:
            before = dated(stored, published=stored.id in published)
            before = enrichment.with_answers(before, hooks, asked)
            if before.items != stored.items:
                transaction.save_dates([item for item in before.items if item.undated])
            after, tagged = derive_story(
                before,
                self.rules,
                self.now,
                published=before.id in published,
                correction=corrections_of(before, corrections),
                standings=self._standings(transaction, before, published),
                is_reread=self.is_upgrade and all(item.first_seen < self.now for item in before.items),
            )
            enter, leave, stay = self._place(after, tagged, current[after.id])
            for slug in enter:
                entering.setdefault(slug, []).append(after.id)
            for slug in leave:
                leaving.setdefault(slug, []).append(after.id)
            for one in enrichment.to_ask(after, hooks, asked, tagged.topics, (*enter, *stay), self.now):
                transaction.save_asking(one)
            reached.extend((one, after) for one in tagged.reached if one.output in (*enter, *stay))
            if after != stored:
                transaction.save_story(after)
                slugs.update(stay)
            if after.dropped or after.headline != stored.headline:
                retold.append(after)
        for slug, members in entering.items():
            transaction.enter(slug, members, self.now)
        for slug, members in leaving.items():
            transaction.leave(slug, members)
        slugs.update(entering, leaving, self._follow(transaction, [story.id for story in stories], retold))
        for threshold, story in reached:
            if transaction.add_reached(threshold.key, subject_of(threshold, story), story.id, self.now):
                slugs.add(threshold.output)
        transaction.bump(slugs, self.now)
        return slugs

    def _follow(self, transaction: Transaction, ids: Sequence[StoryId], retold: Sequence[Story]) -> set[Slug]:
        """Updates what stories show as earlier, once the feeds of all are known. Returns the feeds whose documents differ now.

        retold: stories that were taken down, or that a person gave another headline: others that show them follow.
        """
        showing = earlier.retell(transaction, retold) if retold else []
        concerned = [story for story in transaction.stories(dict.fromkeys([*ids, *showing])) if story.thread or story.earlier]
        published = transaction.published_stories([story.id for story in concerned]) if concerned else frozenset[StoryId]()
        changed = []
        for story in concerned:
            if story.id in published:
                follows = earlier.still_shown(transaction, story)
            else:
                follows = earlier.find_earlier(transaction, story, self.rules.public)
            if follows != story.earlier:
                transaction.save_story(replace(story, earlier=follows))
                changed.append(story.id)
        return set().union(*transaction.members_of(changed).values()) if changed else set()

    def _standings(self, transaction: Transaction, story: Story, published: Collection[StoryId]) -> Standings | None:
        """How the story's reports agree, if its lead may change by that."""
        if self.engine is None or len(story.reports) < 2 or (story.id in published and not may_move(story, self.now)):
            return None
        return self.engine.standings(transaction.index, story.id, story.lead if story.id in published else None)

    def _place(self, story: Story, tagged: Tagged, current: Collection[Slug]) -> tuple[Slugs, Slugs, Slugs]:
        """Returns the feeds that a story enters, leaves and stays in. current: those that it is in."""
        inherited = self.heirs.get(story.id, ())
        offered = replace(story, old=False) if inherited else story
        placed = decide_membership(offered, tagged.outputs, current, self.outputs, now=self.now, settle=self.settle)
        enter = placed.enter
        if self.oldest:
            enter = tuple(slug for slug in enter if story.published >= self.oldest.get(slug, story.published))
        if inherited and story.old:
            enter = tuple(slug for slug in enter if slug in inherited)
        return enter, placed.leave, placed.stay


def subject_of(threshold: Threshold, story: Story) -> StoryId | ThreadId:
    """What reaches a threshold once: the story, or the thread that it is in."""
    return story.thread.id if threshold.by_thread and story.thread is not None else story.id


def horizons(store: Feeds) -> dict[Slug, Instant]:
    """Returns, for each feed that people read, the publication time of the oldest story that it shows: none older may enter."""
    shown = {slug: store.shown(slug) for slug, state in store.outputs().items() if not state.filling}
    return {slug: min(one.published for one in rows) for slug, rows in shown.items() if rows}


def derive_story(
    before: Story,
    rules: Rules,
    now: Instant,
    *,
    published: bool,
    correction: Correction | None = None,
    standings: Standings | None = None,
    is_reread: bool = False,
) -> tuple[Story, Tagged]:
    """Derives a story from its items: lead, tags, topics, and a new `updated` if what a reader sees has changed.

    correction: by a person; None if it is as the story says. standings: None if no item has come or changed. is_reread: only the
    reader has changed, so `updated` stays.
    """
    is_pinned = before.lead_reason == PINNED and any(item.id == before.lead for item in before.items)
    bound = correction or Correction(before.lead if is_pinned else None, before.headline)
    lead, reason, moved = _lead_of(before, bound.lead, standings, published, now)
    unchanged = (lead, bound.headline, moved) == (before.lead, before.headline, before.lead_moved)
    story = before if unchanged else replace(before, lead=lead, headline=bound.headline, lead_moved=moved)
    tagged = rules.apply(replace(story, items=story.reports), now)
    visible = visible_hash(story, full=rules.full)
    if before.visible and (is_reread or not is_edit(story, before.visible, visible, full=rules.full)):
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


def renew_hashes(transaction: Transaction, items: Collection[ItemId], rules: Rules) -> None:
    """Renews hashes of older releases, which tell no pictures apart, before these items change. No date moves by that.

    What an older release read as an enclosure is read as a picture now: by the old hash, that would be an edit.
    """
    ids = transaction.stories_with(items) if items else []
    for story in transaction.stories(ids):
        if story.items and len(story.visible) == TOLD:
            visible = visible_hash(story, full=rules.full)
            if not is_edit(story, story.visible, visible, full=rules.full):
                transaction.save_story(replace(story, visible=visible))


def _lead_of(
    story: Story, pinned: ItemId | None, standings: Standings | None, published: bool, now: Instant
) -> tuple[ItemId, str, Instant]:
    """The story's lead as it is to be, the reason, and when it moved last since the story was published."""
    lead, reason = choose_lead(story.items, story.lead, published, pinned, standings)
    if lead != story.lead:
        return lead, reason, 0.0
    if published and standings and pinned is None and (move := move_lead(story, standings, now)) is not None:
        return *move, now
    if story.lead_moved and PINNED not in (reason, story.lead_reason):
        reason = story.lead_reason
    return lead, reason, story.lead_moved


def _first_updated(story: Story, now: Instant) -> Instant:
    """Returns `updated` of a new story: its lead's own date, but not later than now."""
    return min(now, max(story.published, story.lead_item.entry.updated or 0.0))
