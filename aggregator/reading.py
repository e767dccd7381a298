"""From a document's entries to what is stored: identity, keep and drop, language, signatures; inside the lock, the joins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.signature import Signature
from aggregator.identify import Changed, Decision, Lookup, New, Rekeyed, Repeated, Same, identify
from aggregator.model import Feed, Instant, Item, ItemId, Source, SourceState, StoryId
from aggregator.ports import LanguageGuesser, Override, Reject, Rules, Transaction


@dataclass(frozen=True, slots=True)
class Reading:
    """A document's entries, told apart and prepared outside the lock.

    signatures: of the new items, by their place in `decisions`.
    apart: places of those that join nothing (`dedup: false`, `dedup.never`).
    """

    decisions: tuple[Decision, ...]
    signatures: Mapping[int, Signature]
    rejects: tuple[Reject, ...]
    languages: Mapping[str, int]
    apart: frozenset[int]

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


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person has decided for good. dropped: canonical URLs; split: items as "source guid"."""

    dropped: frozenset[str]
    split: frozenset[str]


def decided(overrides: Iterable[Override]) -> Decided:
    """The decisions that bind what is read now."""
    kinds: dict[str, set[str]] = {"drop": set(), "split": set(), "merge": set()}
    for one in overrides:
        kinds[one.kind].add(one.a)
    return Decided(frozenset(kinds["drop"]), frozenset(kinds["split"]))


@dataclass(frozen=True, slots=True)
class Reader:
    """The stages that a document's entries pass outside the lock."""

    rules: Rules
    engine: Engine
    guesser: LanguageGuesser
    backfill: float

    def read(self, source: Source, state: SourceState, feed: Feed, known: Lookup, decided: Decided, now: Instant) -> Reading:
        """Tells entries apart, throws out what keep, drop and a person say, and prepares the rest for grouping."""
        first = state.first_success is None
        home = feed.url or state.url
        decisions: list[Decision] = []
        signatures: dict[int, Signature] = {}
        rejects: list[Reject] = []
        languages = dict(state.languages)
        apart: set[int] = set()
        for decision in identify(feed.entries, feed.unchanged, known, source, home, now, first, self.backfill):
            if isinstance(decision, New | Changed | Rekeyed):
                item = self._with_language(decision.item, feed, languages)
                if isinstance(decision, New) and (rule := self._rejected(source, item, decided)) is not None:
                    rejects.append(Reject(source.id, item.guid, item.entry.url, item.entry.title, rule, now))
                    continue
                if isinstance(decision, New):
                    signatures[len(decisions)] = self.engine.prepare(item, source.level)
                    if not source.dedup or self.rules.apart(item) is not None:
                        apart.add(len(decisions))
                decision = replace(decision, item=item)
            decisions.append(decision)
        return Reading(tuple(decisions), signatures, tuple(rejects), languages, frozenset(apart))

    def _rejected(self, source: Source, item: Item, decided: Decided) -> str | None:
        if item.canonical in decided.dropped:
            return "dropped by hand"
        return self.rules.rejected(source, item)

    def _with_language(self, item: Item, feed: Feed, languages: dict[str, int]) -> Item:
        language, sure = self.guesser.guess(item.entry, item.entry.language or feed.language, languages)
        if sure:
            languages[language] = languages.get(language, 0) + 1
        return replace(item, language=language)


def store(transaction: Transaction, engine: Engine, found: Reading, decided: Decided, now: Instant) -> list[StoryId]:
    """Stores new and changed items, joins them to stories, and returns the stories that must be looked at again."""
    touched: dict[StoryId, None] = {}
    for number, decision in enumerate(found.decisions):
        match decision:
            case New(item):
                touched |= dict.fromkeys(
                    _join(transaction, engine, item, found.signatures[number], decided, now, number not in found.apart)
                )
            case Changed(item):
                touched[transaction.update_item(item)] = None
            case Rekeyed(item, changed):
                transaction.rekey_item(item.id, item.guid)
                if changed:
                    touched[transaction.update_item(item)] = None
            case Same() | Repeated():
                pass
    return list(touched)


def _join(
    transaction: Transaction, engine: Engine, item: Item, signature: Signature, decided: Decided, now: Instant, joins: bool
) -> list[StoryId]:
    """Puts a new item into a story, and makes one of stories that it proves to be one."""
    placement = engine.place(transaction.index, item, signature, now, joins)
    stored, story = transaction.add_item(item, placement.story, placement.evidence)
    engine.record(transaction.index, stored, story, signature, placement)
    if not placement.merges:
        return [story]
    one = transaction.stories([story, *placement.merges])
    if any(f"{each.source} {each.guid}" in decided.split for whole in one for each in whole.items):
        return [story]  # what a person took apart is not put together again
    published = transaction.published_stories([each.id for each in one])
    kept, *aliases = sorted(one, key=lambda each: (each.id not in published, each.first_seen, each.id))
    for alias in aliases:
        transaction.merge_stories(kept.id, alias.id, now)
    return [kept.id]


def counted(counters: Mapping[str, int], *more: Mapping[str, int]) -> dict[str, int]:
    """Counters with others added."""
    total = Counter(counters)
    for one in more:
        total.update(one)
    return dict(total)
