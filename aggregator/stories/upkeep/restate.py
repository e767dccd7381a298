"""Restates stored entries: gives them what the edited config says of their sources; hides those that `keep` and `drop` reject.

An entry takes its outlet, rank, group and tags from its source when it arrives. After an edit, stored entries get what new ones
get. A hidden entry stays stored and grouped, but belongs to nothing that anybody reads, until an edit lets it in again
(decision 043).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.config.diff import with_paths_from_file
from aggregator.model import Item, Source, SourceId, Story
from aggregator.ports import Entries, Rules, StoreView, Values
from aggregator.settings import Settings
from aggregator.stories.identity import outlets
from aggregator.stories.identity.claims import Claims, lost_domains
from aggregator.stories.identity.domains import Owners, is_shared
from aggregator.stories.identity.outlets import Voice
from aggregator.stories.upkeep.adopted import Adopted
from aggregator.tag.fields import THREAD_FIELDS
from aggregator.tag.nodes import Compare, Dated, Node, Value, terms
from aggregator.tag.syntax import parse
from aggregator.text.publishers import counted_as


class Restatement(Struct, frozen=True):
    """What an edit makes of stored entries. edited: sources whose attributes changed; filtered: those to be filtered anew.

    sources, voices: of both.
    """

    rules: Rules | None = None
    edited: frozenset[SourceId] = frozenset()
    filtered: frozenset[SourceId] = frozenset()
    sources: Mapping[SourceId, Source] = field(default_factory=dict)
    voices: Mapping[SourceId, Voice] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sources)

    def concerns(self, story: Story) -> bool:
        return any(item.source in self.sources for item in story.items)

    def item(self, item: Item) -> Item:
        """The item as it is to be stored."""
        source = self.sources.get(item.source)
        if source is None:
            return item
        current = _with_attributes(item, source, self.voices[item.source])
        after = current if item.source in self.edited else item
        if item.source in self.filtered and self.rules is not None:
            after = replace(after, hidden=self.rules.rejected(source, current))
        return after

    def story(self, whole: Story) -> Story:
        """The story with all its items restated, hidden ones included."""
        return replace(whole, items=tuple(map(self.item, whole.items)))


def shown(whole: Story) -> Story:
    """The story without hidden items: as everybody reads it."""
    return replace(whole, items=tuple(item for item in whole.items if item.hidden is None))


def _with_attributes(item: Item, source: Source, voice: Voice) -> Item:
    outlet, outlet_key, second_hand = outlets.outlet_of(item.entry, source, voice)
    return replace(
        item,
        outlet=outlet,
        outlet_key=outlet_key,
        second_hand=second_hand,
        unattributed=outlets.is_unattributed(item.entry, source),
        headline=outlets.headline_of(item.entry, outlet, outlet_key, voice),
        rank=source.rank,
        group=source.group,
        tags=source.tags,
        aggregator=source.aggregator,
    )


# --- which sources were edited
def attributes_hash(source: Source, owned: Owners, lost: Collection[str] = ()) -> str:
    """Hashes what decides the attributes of a source's entries, as far as the config says it.

    lost: the domains that the source has learnt and may not speak for: other sources have them.
    """
    home = owned.homes.get(source.id) or owned.publishers.of(source.url)
    outlet = source.outlet or owned.names.get(home)
    domains = sorted(owned.domains_of(outlet)) if outlet else []
    name = source.title if is_shared(source.url) else owned.titles.get(home)
    near, counted = owned.near(home), counted_as(home, owned.publishers)
    voice: tuple[object, ...] = (outlet, domains, home, name)
    if lost or near or counted != home:  # else as releases before these rules stored it
        voice += (sorted(lost), sorted(near), counted)
    return _hash((source.rank, source.group, source.tags, source.aggregator, voice))


def filter_hash(source: Source, settings: Settings) -> str:
    """Hashes what decides which of a source's entries are kept. Empty for a source that keeps all."""
    asked = [parse(query) for query in (source.keep, source.drop) if query is not None]
    if not asked:
        return ""
    tagging = repr(with_paths_from_file(settings).tagging)
    return _hash((source.keep, source.drop, source.group, source.tags, tagging, *asked_of_config(settings, asked)))


def asked_of_config(settings: Settings, nodes: Iterable[Node]) -> tuple[str, ...]:
    """What the answers of queries depend on besides stories: the time zone of days, and threads if they are turned off."""
    found = [term for node in nodes for term in terms(node)]
    zone = (settings.site.timezone,) if any(isinstance(term, Dated) for term in found) else ()
    asks_for_threads = any(isinstance(term, Value | Compare) and term.field in THREAD_FIELDS for term in found)
    return (*zone, "no threads") if asks_for_threads and not settings.threads.enabled else zone


def find_behind(store: Entries, settings: Settings) -> frozenset[SourceId]:
    """Sources with stored entries that plainly have other attributes than the config says. Reads every stored entry."""
    sources = settings.sources_by_id
    return frozenset(
        found.source
        for found in store.attributes()
        if (source := sources.get(found.source)) is not None
        and (
            (found.rank, found.group, found.tags, found.aggregator) != (source.rank, source.group, source.tags, source.aggregator)
            or (source.outlet is not None and found.outlet != source.outlet)
        )
    )


def attribute_hashes(
    store: Values, settings: Settings, owned: Owners, concerned: Collection[SourceId] | None = None
) -> dict[SourceId, str]:
    """`attributes_hash` of all sources, or of those concerned and those that have learnt a domain."""
    sources = settings.sources_by_id
    lost = lost_domains(Claims(store.values), sources, owned)
    chosen = sources if concerned is None else {id: sources[id] for id in sorted({*concerned, *lost}) if id in sources}
    return {id: attributes_hash(source, owned, lost.get(id, ())) for id, source in chosen.items()}


def edited_sources(hashes: Mapping[SourceId, str], known: Mapping[SourceId, Adopted]) -> frozenset[SourceId]:
    """Sources whose stored entries have other attributes than new ones get. Sources not adopted before have none stored."""
    return frozenset(id for id, hash in hashes.items() if id in known and known[id].attributes != hash)


def unfiltered_sources(settings: Settings, known: Mapping[SourceId, Adopted]) -> frozenset[SourceId]:
    """Sources whose stored entries were filtered by another `keep` and `drop` than that of the config."""
    return frozenset(
        source.id
        for source in settings.sources
        if source.id in known and known[source.id].filter != filter_hash(source, settings)
    )


def restatement(
    store: StoreView,
    settings: Settings,
    rules: Rules,
    owned: Owners,
    edited: Collection[SourceId],
    filtered: Collection[SourceId],
) -> Restatement:
    """Prepares the restatement of these sources' entries."""
    ids = frozenset(edited) | frozenset(filtered)
    sources, voices = voices_of(store, settings, owned, ids)
    return Restatement(rules, frozenset(edited), frozenset(filtered), sources, voices)


def voices_of(
    store: StoreView, settings: Settings, owned: Owners, ids: Collection[SourceId]
) -> tuple[dict[SourceId, Source], dict[SourceId, Voice]]:
    """Those of the sources that are in the config and in the store, and whom each speaks for."""
    states, claims = store.states(ids), Claims(store.values)
    known = settings.sources_by_id
    sources = {id: known[id] for id in ids if id in known and id in states}
    voices = {
        id: outlets.decide_voice(source, states[id].led, states[id].home, owned, claims, states[id].title)
        for id, source in sources.items()
    }
    return sources, voices


def _hash(parts: object) -> str:
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
