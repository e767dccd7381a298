"""Groups stored items anew under an edited config or a newer engine: plans which stories would merge or split, and applies it.

`compare` is pure, as is `rehearsal`, which groups the items once more. `apply` carries the differences out and keeps the promises
to subscribers: published ids stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.signature import TEXT
from aggregator.model import Evidence, Instant, Item, ItemId, Slug, Source, Story, StoryId
from aggregator.ports import Rules, Store, StoryFilter, StoryWrites, Transaction
from aggregator.settings import Settings
from aggregator.stories.curate import Curator, horizons
from aggregator.stories.decisions.overrides import active_overrides
from aggregator.stories.decisions.thread_edit import retell_threads
from aggregator.stories.join import order_by_claim
from aggregator.stories.upkeep.rehearsal import Arrival, Groups, rehearse
from aggregator.stories.upkeep.reselect import chunks

CHUNK = 20
"""Changes in one transaction: bounds how long polls wait to commit."""
BATCH = 500
"""Stories that are added to the index in one transaction."""


class Part(Struct, frozen=True):
    """A story as it would be. id: None for a new one; aliases: stories merged into it; items: in the order of `first_seen`."""

    id: StoryId | None
    items: tuple[Item, ...]
    aliases: tuple[StoryId, ...] = ()


class Change(Struct, frozen=True):
    """Stories that would exchange items with one another, before and after. evidence: found anew, for all their items.

    published: the stories of `before` whose ids are published, so they must stay.
    """

    before: tuple[Story, ...]
    after: tuple[Part, ...]
    evidence: Mapping[ItemId, Evidence]
    published: frozenset[StoryId]

    @property
    def kind(self) -> str:
        """join: all become one story; part: one story is split; regroup: both."""
        if len(self.after) == 1:
            return "join"
        return "part" if len(self.before) == 1 else "regroup"

    @property
    def seen_as_new(self) -> int:
        """The number of stories that subscribers would see under a new id."""
        return sum(part.id is None for part in self.after) if self.published else 0


class Plan(Struct, frozen=True):
    """All changes. apart: items that no other item may join any more; looked_at: number of items in the requested period."""

    changes: tuple[Change, ...]
    apart: frozenset[ItemId]
    looked_at: int

    @property
    def seen_as_new(self) -> int:
        return sum(change.seen_as_new for change in self.changes)


class Applied(Struct, frozen=True):
    """The result of `apply`. stale: changes skipped because their stories have changed since the plan; feeds: that differ now."""

    done: int
    stale: int
    feeds: frozenset[Slug]


# --- pure
def plan(store: Store, settings: Settings, rules: Rules, engine: Engine, since: Instant) -> Plan:
    """Plans the regrouping of items first seen since then.

    Items from up to `dedup.at_most` before arrive, too: later items may belong to their stories.
    """
    binding = active_overrides(store.overrides())
    sources = settings.sources_by_id
    stories = []
    arrivals = []
    for story in store.find(StoryFilter(since=since - settings.dedup.at_most)):
        own = [_arrival(item, sources.get(item.source), rules, story.id) for item in story.items]
        arrivals += own
        stories.append(replace(story, items=tuple(one.item for one in own)))
    groups = rehearse(arrivals, engine, binding)
    with store.begin() as transaction:
        published = transaction.published_stories([story.id for story in stories])
    changes = [
        change
        for change in compare(stories, groups, published)
        if any(item.first_seen >= since for story in change.before for item in story.items)
    ]
    apart = frozenset(one.item.id for one in arrivals if not one.joins)
    return Plan(tuple(changes), apart, sum(one.item.first_seen >= since for one in arrivals))


def _arrival(item: Item, source: Source | None, rules: Rules, story: StoryId) -> Arrival:
    """Makes an arrival of a stored item, with only as much text as grouping reads: many are in memory at once."""
    joins = (source is None or source.dedup) and rules.apart(item) is None
    lean = replace(item.entry, text=item.entry.text[:TEXT], summary="", content="", enclosures=(), categories=())
    return Arrival(replace(item, entry=lean), source.level if source else None, joins, story)


def compare(stories: Sequence[Story], groups: Groups, published: Collection[StoryId]) -> Iterator[Change]:
    """Yields the stories that would change, together with those that they exchange items with, newest first."""
    for before, labels in _connected(stories, groups):
        if len(before) == len(labels) == 1:
            continue
        known = frozenset(story.id for story in before if story.id in published)
        home = {item.id: story.id for story in before for item in story.items}
        parts = [_part(groups.members[label], before, known) for label in labels]
        evidence = {id: _with_stories(groups.evidence[id], stories_of=home) for id in home}
        yield Change(tuple(before), tuple(sorted(parts, key=lambda part: part.id is None)), evidence, known)


def _connected(stories: Sequence[Story], groups: Groups) -> Iterator[tuple[list[Story], list[StoryId]]]:
    """Yields stories and groups that share items, directly or through others."""
    by_label: dict[StoryId, list[Story]] = {}
    for story in stories:
        for label in dict.fromkeys(groups.label_of[item.id] for item in story.items):
            by_label.setdefault(label, []).append(story)
    seen: set[StoryId] = set()
    for first in stories:
        if first.id in seen:
            continue
        seen.add(first.id)
        whole, labels = [first], dict[StoryId, None]()
        for story in whole:  # grows as more is found
            for label in dict.fromkeys(groups.label_of[item.id] for item in story.items):
                labels[label] = None
                others = [other for other in by_label[label] if other.id not in seen]
                seen.update(other.id for other in others)
                whole += others
        yield whole, list(labels)


def _part(members: Iterable[Item], before: Iterable[Story], published: Collection[StoryId]) -> Part:
    """Returns the story that a group becomes: it keeps the id of the story whose lead it has; of several, a published one's."""
    items = tuple(sorted(members, key=lambda item: (item.first_seen, item.id)))
    ids = {item.id for item in items}
    claims = order_by_claim([story for story in before if story.lead in ids], published)
    if not claims:
        return Part(None, items)
    return Part(claims[0].id, items, tuple(story.id for story in claims[1:]))


def _with_stories(evidence: Evidence, *, stories_of: Mapping[ItemId, StoryId]) -> Evidence:
    """Replaces the label in the evidence by the story that it stands for; by None if that is none of these."""
    if evidence.nearest is None:
        return evidence
    return replace(evidence, nearest=stories_of.get(ItemId(int(evidence.nearest))))


# --- writing to the store
def apply(store: Store, settings: Settings, rules: Rules, engine: Engine, planned: Plan, now: Instant) -> Applied:
    """Carries a plan out, CHUNK changes per transaction. Published ids stay; a part without the lead becomes a new story.

    A story that has changed since the plan was made is left as it is.
    """
    oldest = horizons(store)
    feeds: set[Slug] = set()
    done = stale = 0
    with store.begin() as transaction:
        transaction.index.forget(planned.apart)
    for chunk in chunks(iter(planned.changes), CHUNK):
        with store.begin() as transaction:
            fresh = [change for change in chunk if _is_as_planned(transaction, change)]
            heirs: dict[StoryId, frozenset[Slug]] = {}
            for change in fresh:
                heirs |= _carry_out(transaction, change, now)
            curator = Curator(rules, transaction.outputs(), settings.publish.settle, now, oldest, heirs, engine)
            parted = [story.id for change in fresh for story in change.before]
            retold = retell_threads(transaction, set(transaction.threads_of([*parted, *heirs]).values()))
            feeds |= curator.refresh(transaction, dict.fromkeys([*heirs, *retold]))
        done += len(fresh)
        stale += len(chunk) - len(fresh)
    _index_joinable(store, settings, engine, planned.apart, now - settings.dedup.at_most)
    return Applied(done, stale, frozenset(feeds))


def _is_as_planned(transaction: StoryWrites, change: Change) -> bool:
    found = {story.id: story for story in transaction.stories([story.id for story in change.before])}
    return all(
        (now := found.get(story.id)) is not None
        and not now.dropped
        and now.lead == story.lead
        and [item.id for item in now.items] == [item.id for item in story.items]
        for story in change.before
    )


def _carry_out(transaction: Transaction, change: Change, now: Instant) -> dict[StoryId, frozenset[Slug]]:
    """Moves items that leave their story, then merges. Returns the resulting stories, each with the feeds it came from."""
    home = {item.id: story.id for story in change.before for item in story.items}
    feeds = transaction.members_of([story.id for story in change.before])
    made = []
    for part in change.after:
        target = part.id
        for item in part.items:
            if home[item.id] not in (target, *part.aliases) or target is None:
                target = transaction.move_item(item.id, target, change.evidence[item.id], now)
        made.append((target or change.before[0].id, part))
    for story, part in made:
        for alias in part.aliases:
            transaction.merge_stories(story, alias, now)
    return {story: frozenset[Slug]().union(*(feeds[home[item.id]] for item in part.items)) for story, part in made}


def _index_joinable(store: Store, settings: Settings, engine: Engine, apart: Collection[ItemId], since: Instant) -> None:
    """Adds items first seen since then to the index if they may be joined now and could not before."""
    levels = {source.id: source.level for source in settings.sources}
    for chunk in chunks(store.find(StoryFilter(since=since)), BATCH):
        items = [(story.id, item) for story in chunk for item in story.items if item.id not in apart]
        with store.begin() as transaction:
            index = transaction.index
            known = index.items([item.id for _, item in items])
            for story, item in items:
                if item.id not in known and item.first_seen >= since:
                    read = engine.prepare(item, levels.get(item.source))
                    placement = engine.place(index, item, read, item.first_seen)
                    engine.record(index, item, story, read, replace(placement, story=story))
