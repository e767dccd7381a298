"""From a document's entries to what is stored: identity, keep and drop, language, signatures; inside the lock, the joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.search import Placement
from aggregator.dedup.signature import Signature
from aggregator.model import Evidence, Instant, Item, ItemId, Source, SourceState, Story, StoryId
from aggregator.ports import Override, Reject, Rules, StoryWrites
from aggregator.reading.job import Described, Read
from aggregator.store.identity import story_ids
from aggregator.stories.budget import Allotted, Spent, allot
from aggregator.stories.identify import Changed, Decision, Lookup, New, Rekeyed, Repeated, Same, identify
from aggregator.stories.outlets import Owners, Voice


class Reading(Struct, frozen=True):
    """A document's entries, told apart and prepared outside the lock.

    signatures: of new and changed items, by their place in `decisions`.
    apart: places of those that join nothing (`dedup: false`, `dedup.never`); allotted: what the source's budget leaves of them.
    """

    decisions: tuple[Decision, ...]
    signatures: Mapping[int, Signature]
    rejects: tuple[Reject, ...]
    languages: Mapping[str, int]
    apart: frozenset[int]
    allotted: Allotted

    @property
    def new(self) -> int:
        return sum(isinstance(decision, New) for decision in self.decisions)

    @property
    def changed(self) -> int:
        return sum(
            isinstance(decision, Changed) or (isinstance(decision, Rekeyed) and decision.changed) for decision in self.decisions
        )

    @property
    def listed(self) -> tuple[ItemId, ...]:
        """Stored items that the document still lists."""
        return tuple(decision.item.id for decision in self.decisions if isinstance(decision, Changed | Same | Rekeyed))

    @property
    def arrivals(self) -> tuple[Instant, ...]:
        """When the new entries were published: what the source's rhythm is learnt from."""
        return tuple(
            sorted(
                decision.item.published for decision in self.decisions if isinstance(decision, New) and not decision.item.undated
            )
        )


class Decided(Struct, frozen=True):
    """What a person has decided for good, by `key_of` items; the later of two decisions on an item binds.

    dropped: canonical URLs, or keys; split: what nothing joins; merged: what belongs together, each with the key of its whole.
    """

    dropped: frozenset[str] = frozenset()
    split: frozenset[str] = frozenset()
    merged: Mapping[str, str] = field(default_factory=dict)

    def is_dropped(self, item: Item) -> bool:
        return item.canonical in self.dropped or key_of(item) in self.dropped

    def renamed(self, old: str, new: str, now: Instant) -> Iterator[Override]:
        """What must be decided of an item's new key, so that the decisions on the old one go on."""
        if old in self.split:
            yield Override("split", new, old, now)
        elif old in self.merged:
            yield Override("merge", old, new, now)
        if old in self.dropped:
            yield Override("drop", new, None, now)


def key_of(item: Item) -> str:
    """What a decision names an item by: it outlives the item's row."""
    return f"{item.source} {item.guid}"


def decided(overrides: Iterable[Override]) -> Decided:
    """The decisions that bind what is read now."""
    dropped: set[str] = set()
    split: set[str] = set()
    merged: dict[str, set[str]] = {}
    for one in sorted(overrides, key=lambda override: override.at):
        match one.kind:
            case "drop":
                dropped.add(one.a)
            case "split":
                split.add(one.a)
                merged.pop(one.a, set()).discard(one.a)
                if one.b is not None and one.b != one.a:
                    whole = merged.get(one.b, {one.b}) | {one.a}
                    merged.update(dict.fromkeys(whole, whole))
            case "merge" if one.b is not None:
                split -= {one.a, one.b}
                whole = merged.get(one.a, {one.a}) | merged.get(one.b, {one.b})
                merged.update(dict.fromkeys(whole, whole))
    return Decided(frozenset(dropped), frozenset(split), {key: min(whole) for key, whole in merged.items()})


class Reader(Struct, frozen=True):
    """The stages that a document's entries pass outside the lock."""

    rules: Rules
    engine: Engine
    backfill: float
    owners: Owners

    def read(
        self,
        source: Source,
        state: SourceState,
        read: Read,
        known: Lookup,
        voice: Voice,
        decided: Decided,
        spent: Spent,
        now: Instant,
    ) -> Reading:
        """Tells entries apart, throws out what keep, drop, a person and the budget say, and takes the signatures of the rest."""
        feed = read.feed
        first = state.first_success is None
        likely = (feed.language or "und").partition("-")[0].lower()
        backfill = self.backfill
        found = identify(feed.entries, feed.unchanged, known, source, voice, now, first, backfill, likely, partial=feed.partial)
        languages = dict(state.languages)
        decisions: list[Decision] = []
        rejects: list[Reject] = []
        for decision in [_with_language(one, read.described, languages) for one in found]:
            if isinstance(decision, New) and (rule := self._rejected(source, decision.item, decided)) is not None:
                item = decision.item
                rejects.append(Reject(source.id, item.guid, item.entry.url, item.entry.title, rule, now))
            else:
                decisions.append(decision)
        allotted = allot(decisions, spent, source.budget, now)
        signatures = {
            place: self._signature(one.item, source, read.described)
            for place, one in enumerate(allotted.decisions)
            if isinstance(one, New | Changed) or (isinstance(one, Rekeyed) and one.changed)
        }
        apart = {
            place
            for place, one in enumerate(allotted.decisions)
            if isinstance(one, New) and self._is_apart(source, one.item, decided)
        }
        return Reading(allotted.decisions, signatures, tuple(rejects), languages, frozenset(apart), allotted)

    def _signature(self, item: Item, source: Source, described: Mapping[bytes, Described]) -> Signature:
        read = described[item.entry.fingerprint].signature
        return read if self.engine.fits(read, item, source.level) else self.engine.prepare(item, source.level)

    def _is_apart(self, source: Source, item: Item, decided: Decided) -> bool:
        return not source.dedup or key_of(item) in decided.split or self.rules.apart(item) is not None

    def _rejected(self, source: Source, item: Item, decided: Decided) -> str | None:
        if decided.is_dropped(item):
            return "dropped by hand"
        return self.rules.rejected(source, item)


def _with_language(decision: Decision, described: Mapping[bytes, Described], languages: dict[str, int]) -> Decision:
    """The decision with its entry's language; what is sure is counted."""
    if isinstance(decision, Same | Repeated):
        return decision
    item = decision.item
    told = described[item.entry.fingerprint]
    if told.sure:
        languages[told.language] = languages.get(told.language, 0) + 1
    return decision if told.language == item.language else replace(decision, item=replace(item, language=told.language))


def store(transaction: StoryWrites, engine: Engine, found: Reading, decided: Decided, now: Instant) -> list[StoryId]:
    """Stores new and changed items, joins them to stories, and returns the stories that must be looked at again.

    The oldest first, whatever the document's order: stories then grow as they would have in time.
    """
    touched: dict[StoryId, None] = {}
    engine.expect(transaction.index, found.signatures.values())
    for number in sorted(range(len(found.decisions)), key=lambda place: _when(found.decisions[place])):
        match found.decisions[number]:
            case New(item):
                touched |= dict.fromkeys(
                    _join(transaction, engine, item, found.signatures[number], now, number not in found.apart)
                )
            case Changed(item):
                touched[_revise(transaction, engine, item, found.signatures[number])] = None
            case Rekeyed(item, changed, _, was):
                transaction.rekey_item(item.id, item.guid)
                for override in decided.renamed(f"{item.source} {was}", key_of(item), now):
                    transaction.add_override(override)
                if changed:
                    touched[_revise(transaction, engine, item, found.signatures[number])] = None
            case Same() | Repeated():
                pass
    return list(dict.fromkeys(transaction.alive(touched).values()))


def _when(decision: Decision) -> Instant:
    return 0.0 if isinstance(decision, Repeated) else decision.item.published


def _revise(transaction: StoryWrites, engine: Engine, item: Item, signature: Signature) -> StoryId:
    """Stores what a known item says now. It stays in its story; what comes is compared with the new text."""
    return transaction.update_item(replace(item, astray=engine.revise(transaction.index, item, signature)))


def _join(transaction: StoryWrites, engine: Engine, item: Item, signature: Signature, now: Instant, joins: bool) -> list[StoryId]:
    """Puts a new item into a story, and makes one of stories that it proves to be one."""
    placement = engine.place(transaction.index, item, signature, now, joins)
    if placement.story is not None and engine.knows_private(transaction.index):
        placement = _within_privacy(transaction, item, placement)
    if placement.spare:
        item = replace(item, excess=True)
    stored, story = transaction.add_item(item, placement.story, placement.evidence)
    engine.record(transaction.index, stored, story, signature, placement)
    if not placement.merges:
        return [story]
    one = [each for each in transaction.stories([story, *placement.merges]) if not each.dropped and each.alias_of is None]
    split = decided(transaction.overrides()).split  # keys of items that were named anew in this transaction among them
    if story not in (each.id for each in one) or any(key_of(item) in split for whole in one for item in whole.items):
        return [story]  # what a person took down or apart is not put together again
    published = transaction.published_stories([each.id for each in one])
    kept, *aliases = by_claim(one, published)
    for alias in aliases:
        transaction.merge_stories(kept.id, alias.id, now)
    return [kept.id]


def _within_privacy(transaction: StoryWrites, item: Item, placement: Placement) -> Placement:
    """The placement, if the story is as private as the item.

    The index keeps private words apart by their hashes, of 32 bits: whoever makes up words of the same ones must not learn by
    where his item goes what a private source tells.
    """
    found = [story for story in (placement.story, *placement.merges) if story is not None]
    like = {one.id for one in transaction.stories(found) if one.private == item.private}
    if placement.story not in like:
        return replace(placement, story=None, evidence=Evidence("new"), merges=())
    return replace(placement, merges=tuple(story for story in placement.merges if story in like))


def by_claim(stories: Iterable[Story], published: Collection[StoryId]) -> list[Story]:
    """Stories that prove to be one: the first of them keeps its id. A published one goes before others, then the earliest.

    Of two that began with the same entry, because it was taken out of one, the one that it was taken out of.
    """
    return sorted(stories, key=lambda one: (one.id not in published, one.first_seen, _is_second(one), one.items[0].id))


def _is_second(story: Story) -> bool:
    """Whether the story's first entry had begun another story before."""
    return story.id in islice(story_ids(story.items[0]), 1, 5)


def counted(counters: Mapping[str, int], *more: Mapping[str, int]) -> dict[str, int]:
    """Counters with others added."""
    total = Counter(counters)
    for one in more:
        total.update(one)
    return dict(total)
