"""Prepares a document's entries outside the lock: identity, keep and drop, the budget, language, signatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.signature import Signature
from aggregator.model import Instant, Item, ItemId, Source, SourceState
from aggregator.ports import Reject, Rules
from aggregator.reading.job import Described, Read
from aggregator.stories.articles import Wanted
from aggregator.stories.budget import Allotted, Spent, allot
from aggregator.stories.decisions.overrides import ActiveOverrides
from aggregator.stories.identity.domains import Owners
from aggregator.stories.identity.identify import Changed, Decision, Lookup, New, Rekeyed, Repeated, Same, identify
from aggregator.stories.identity.outlets import Voice
from aggregator.stories.link import Linker


class Prepared(Struct, frozen=True):
    """A document's entries, ready to be stored.

    signatures: of new and changed items, by their place in `decisions`; languages: the source's counts of titles, by language.
    apart: places of items that join no story (`dedup: false`, `dedup.never`); let_in: guids of new entries that an earlier `keep`
    or `drop` had rejected; articles: that new entries want.
    """

    decisions: tuple[Decision, ...]
    signatures: Mapping[int, Signature]
    rejects: tuple[Reject, ...]
    languages: Mapping[str, int]
    apart: frozenset[int]
    allotted: Allotted
    let_in: frozenset[str] = frozenset()
    articles: Wanted = Wanted()

    @property
    def new(self) -> int:
        return sum(isinstance(decision, New) for decision in self.decisions)

    @property
    def changed(self) -> int:
        return len(self.revised)

    @property
    def revised(self) -> tuple[ItemId, ...]:
        """The stored items whose content has changed."""
        changed = (one for one in self.decisions if isinstance(one, Changed) or (isinstance(one, Rekeyed) and one.changed))
        return tuple(one.item.id for one in changed)

    @property
    def listed(self) -> tuple[ItemId, ...]:
        """The stored items that the document still lists."""
        return tuple(decision.item.id for decision in self.decisions if isinstance(decision, Changed | Same | Rekeyed))

    @property
    def arrivals(self) -> tuple[Instant, ...]:
        """The publication times of new entries: the source's rhythm is learnt from them."""
        return tuple(
            sorted(
                decision.item.published for decision in self.decisions if isinstance(decision, New) and not decision.item.undated
            )
        )


class Ingester(Struct, frozen=True):
    """The stages of ingestion, wired for one config. backfill: seconds, as in `Publishing`; linker: None without threads."""

    rules: Rules
    engine: Engine
    backfill: float
    owners: Owners
    linker: Linker | None = None

    def prepare(
        self,
        source: Source,
        state: SourceState,
        read: Read,
        known: Lookup,
        voice: Voice,
        overrides: ActiveOverrides,
        spent: Spent,
        now: Instant,
        turned_away: Collection[str] = (),
    ) -> Prepared:
        """Identifies entries, rejects those that rules or overrides exclude, applies the budget, and adds signatures.

        known: looks up stored items of the source; spent: what it has used of its budget; turned_away: guids of entries that
        `keep` or `drop` rejected before. When the rule is lifted, those come as the backlog of a new source does.
        """
        feed = read.feed
        first = state.first_success is None
        likely = (feed.language or "und").partition("-")[0].lower()
        backfill = self.backfill
        found = identify(feed.entries, feed.unchanged, known, source, voice, now, first, backfill, likely, partial=feed.partial)
        languages = dict(state.languages)
        decisions, rejects = self._filter(
            [_with_language(one, read.described, languages) for one in found], source, overrides, now
        )
        let_in = {one.item.guid for one in decisions if isinstance(one, New)}.intersection(turned_away)
        decisions = [_as_backlog(one, let_in, now - backfill) for one in decisions]
        allotted = allot(decisions, spent, source.budget, now)
        signatures = {
            place: self._signature(one.item, source, read.described)
            for place, one in enumerate(allotted.decisions)
            if isinstance(one, New | Changed) or (isinstance(one, Rekeyed) and one.changed)
        }
        apart = {
            place for place, one in enumerate(allotted.decisions) if isinstance(one, New) and self._stays_apart(source, one.item)
        }
        return Prepared(allotted.decisions, signatures, tuple(rejects), languages, frozenset(apart), allotted, frozenset(let_in))

    def _filter(
        self, decisions: Iterable[Decision], source: Source, overrides: ActiveOverrides, now: Instant
    ) -> tuple[list[Decision], list[Reject]]:
        """Separates new entries that rules or overrides exclude from all other decisions."""
        kept: list[Decision] = []
        rejects: list[Reject] = []
        for decision in decisions:
            if isinstance(decision, New) and (rule := self._why_rejected(source, decision.item, overrides)) is not None:
                item = decision.item
                rejects.append(Reject(source.id, item.guid, item.entry.url, item.entry.title, rule, now))
            else:
                kept.append(decision)
        return kept, rejects

    def _signature(self, item: Item, source: Source, described: Mapping[bytes, Described]) -> Signature:
        found = described[item.entry.fingerprint]
        fits = found.headline == item.headline and self.engine.fits(found.signature, item, source.level)
        return found.signature if fits else self.engine.prepare(item, source.level)

    def _stays_apart(self, source: Source, item: Item) -> bool:
        return not source.dedup or self.rules.apart(item) is not None

    def _why_rejected(self, source: Source, item: Item, overrides: ActiveOverrides) -> str | None:
        if overrides.is_dropped(item):
            return "dropped by hand"
        return self.rules.rejected(source, item)


def _as_backlog(decision: Decision, guids: Collection[str], before: Instant) -> Decision:
    """Marks a new item with one of these guids as backlog if it was published before then: it floods no feed that is read."""
    if not isinstance(decision, New) or decision.item.guid not in guids:
        return decision
    item = decision.item
    return replace(decision, item=replace(item, old=item.undated or item.published < before))


def _with_language(decision: Decision, described: Mapping[bytes, Described], languages: dict[str, int]) -> Decision:
    """Returns the decision with its entry's language; adds to `languages` if the language is certain."""
    if isinstance(decision, Same | Repeated):
        return decision
    item = decision.item
    found = described[item.entry.fingerprint]
    if found.sure:
        languages[found.language] = languages.get(found.language, 0) + 1
    return decision if found.language == item.language else replace(decision, item=replace(item, language=found.language))


def add_counters(counters: Mapping[str, int], *more: Mapping[str, int]) -> dict[str, int]:
    """Adds up counters by their names."""
    total = Counter(counters)
    for one in more:
        total.update(one)
    return dict(total)
