"""Looks at stored stories after an edit, decides what becomes of them, and stores it.

It looks first and writes afterwards, a few stories in a transaction: what is killed between begins anew at the next start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.ports import Feeds, Rules, Store, StoryFilter, StoryWrites, Transaction
from aggregator.stories.curate import derive_story
from aggregator.stories.decisions.overrides import corrections_of, override_key
from aggregator.stories.upkeep.restate import Restatement, shown
from aggregator.stories.upkeep.selection import Selection

T = TypeVar("T")

CHUNK = 300
"""Stories in one transaction: bounds how long polls wait to commit."""


class Sighting(Struct, frozen=True):
    """A stored story before and after the edit. before: as stored, hidden items included; after: as it is to be read.

    outputs, was: feeds whose rules it matches with its entries as they are to be, and as they were. returns: all of it was
    hidden after subscribers had seen it, and some of it is to be seen again.
    """

    before: Story
    after: Story
    outputs: tuple[Slug, ...]
    was: frozenset[Slug]
    returns: bool


class Edit(Struct):
    """What an edit changes, as `look` collects it.

    retag: the rules were edited; stories: those to be written, with their dates.
    """

    selections: Sequence[Selection]
    restatement: Restatement
    rules: Rules
    retag: bool
    stories: dict[StoryId, Instant] = field(default_factory=dict)

    @property
    def needs_all(self) -> bool:
        """True if every stored story must be looked at."""
        return self.retag or any(selection.edited for selection in self.selections)


def look(store: Store, edit: Edit, now: Instant, since: Instant | None = None) -> None:
    """Looks at all stories that the edit may change, newest first. since: only at those with an item first seen after it."""
    concerned = StoryFilter(sources=frozenset(map(str, edit.restatement.sources)), hidden=True, dropped=True)
    by_slug = {selection.output.slug: selection for selection in edit.selections}
    for chunk in chunks(store.find(StoryFilter(hidden=True, since=since) if edit.needs_all else concerned), CHUNK):
        restated = [story.id for story in chunk if edit.restatement.concerns(story)]
        edit.stories |= {story.id: story.published for story in chunk if edit.restatement.concerns(story)}
        for id, slugs in store.members_of(restated).items():
            for slug in slugs & by_slug.keys():
                by_slug[slug].members.add(id)
        for story in chunk:
            if story.dropped:
                continue
            if edit.restatement.concerns(story):
                offer(sight(store, story, edit.restatement, edit.rules, now), edit.selections)
            elif shown(story).items:
                _look_at(story, edit, by_slug, now)
    if edit.needs_all and edit.restatement:
        edit.stories |= {story.id: story.published for story in store.find(concerned) if story.dropped}
    for selection in edit.selections:
        edit.stories |= {**dict.fromkeys(selection.leaving(), 0.0), **selection.entering(), **edit.stories}


def _look_at(story: Story, edit: Edit, by_slug: Mapping[Slug, Selection], now: Instant) -> None:
    """Looks at a story of which only the rules may have changed."""
    after, tagged = derive_story(shown(story), edit.rules, now, published=True)
    for slug in tagged.outputs:
        if slug in by_slug and by_slug[slug].edited:
            by_slug[slug].offer(after, matched=by_slug[slug].matched_before(story))
    if edit.retag and (after.tags, after.topics) != (story.tags, story.topics):
        edit.stories[story.id] = story.published


def sight(store: Feeds, story: Story, restatement: Restatement, rules: Rules, now: Instant) -> Sighting:
    """Restates one story, and finds the feeds that it matches now and matched before."""
    before, after = shown(story), shown(restatement.story(story))
    was = rules.apply(replace(before, items=before.reports), now).outputs if before.items else ()
    if not after.items:
        return Sighting(story, replace(after, tags=(), topics=()), (), frozenset(was), returns=False)
    derived, tagged = derive_story(after, rules, now, published=bool(before.items))
    returns = not before.items and story.id in store.published_stories([story.id])
    return Sighting(story, derived, tagged.outputs, frozenset(was), returns)


def offer(seen: Sighting, selections: Iterable[Selection]) -> None:
    """Offers a restated story to the feeds that it matches."""
    for selection in selections:
        slug = selection.output.slug
        selection.looked_at.add(seen.before.id)
        if slug in seen.outputs:
            kept_out = selection.matched_before(seen.before if selection.output.topic else seen.after)
            matched = kept_out if selection.edited else slug in seen.was or (kept_out and selection.output.topic is None)
            selection.offer(seen.after, matched=matched, returns=seen.returns)


def write(store: Store, edit: Edit, now: Instant) -> set[Slug]:
    """Stores what `look` has found, oldest first, as feeds number stories in that order. Returns the feeds that differ now."""
    changes = [(selection.output.slug, frozenset(selection.entering()), selection.leaving()) for selection in edit.selections]
    touched: set[Slug] = set()
    oldest_first = sorted(edit.stories, key=lambda story: (edit.stories[story], story))
    for chunk in chunks(iter(oldest_first), CHUNK):
        with store.begin() as transaction:
            saved = [story.id for story in _current(transaction, chunk) if _save(transaction, story, edit, now)]
            slugs = set[Slug]().union(*transaction.members_of(saved).values())
            for slug, entering, leaving in changes:
                if enter := [story for story in chunk if story in entering]:
                    transaction.enter(slug, enter, now)
                if leave := [story for story in chunk if story in leaving]:
                    transaction.leave(slug, leave)
                if enter or leave:
                    slugs.add(slug)
            transaction.bump(slugs, now)
            touched |= slugs
    return touched


def _current(transaction: StoryWrites, ids: Collection[StoryId]) -> list[Story]:
    """The stories as they are now: a command may have changed them since they were looked at."""
    return [story for story in transaction.stories(ids, hidden=True) if story.items and story.alias_of is None]


def _save(transaction: Transaction, story: Story, edit: Edit, now: Instant) -> bool:
    """Stores a story and its items as they are to be. Returns False if nothing differs."""
    if not edit.restatement.concerns(story):
        if not edit.retag:
            return False
        after, _ = derive_story(shown(story), edit.rules, now, published=True)
        if (after.tags, after.topics) == (story.tags, story.topics):
            return False
        transaction.save_story(replace(shown(story), tags=after.tags, topics=after.topics))
        return True
    whole = edit.restatement.story(story)
    transaction.save_attributes([after for before, after in zip(story.items, whole.items, strict=True) if before != after])
    current = shown(whole)
    published = story.id in transaction.published_stories([story.id])
    correction = corrections_of(current, transaction.corrections(override_key(item) for item in current.items))
    after = replace(current, tags=(), topics=())
    if current.items:
        after, _ = derive_story(current, edit.rules, now, published=published, correction=correction)
    if after != current:
        transaction.save_story(after)
    return after != current or whole != story


def chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """Yields lists of `size` items; the last one may be shorter."""
    while chunk := list(islice(items, size)):
        yield chunk
