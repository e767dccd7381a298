"""Makes the store follow a config: retags stored stories, and starts, changes or ends feeds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from aggregator.config.diff import keys_of, with_paths_from_file
from aggregator.errors import UsageError
from aggregator.model import Instant, Slug, SourceId, StoryId, Validators
from aggregator.ports import OutputState, Rules, Store, StoreView
from aggregator.publish.selection import ranking
from aggregator.settings import WEIGHT, Output, Settings
from aggregator.stories.identity.domains import Owners, collect_owners
from aggregator.stories.upkeep import (
    adopted,
    channels,
    hooks,
    privacy,
    ranked_feeds,
    refused_sources,
    reselect,
    restate,
    thresholds,
)
from aggregator.stories.upkeep.adopted import Adopted, AdoptedSource
from aggregator.stories.upkeep.reselect import Edit
from aggregator.stories.upkeep.selection import select
from aggregator.tag.ordering import RuleName, needs
from aggregator.tag.syntax import parse

FILTERS = ("keep", "drop")
"""Keys of a source that decide which of its entries are stored."""
RULES_KEY = "rules"
"""Key of the stored fingerprint of the rules that stories were last tagged with."""


def definition(output: Output, rules_hash: bytes) -> bytes:
    """Hashes what selects a feed's stories, to 8 bytes: its query, the rules that it may refer to, and whether it is ranked."""
    ranked = (WEIGHT,) if output.sort == WEIGHT else ("ranked",) if output.ranked else ()
    if output.query is None and output.topic is None:
        return _digest("every story", *ranked)
    return _digest(output.query or "", rules_hash.hex(), *ranked)


class Fingerprints(NamedTuple):
    """Hashes, to 8 bytes, of everything that tags and topics are made from. older: as earlier releases stored it.

    Those counted the sources' groups and tags in, which `restate` follows now. rules: of each feed, a hash of the rules that its
    query needs, so that the edit of one topic leaves the feeds of others alone.
    """

    current: bytes
    older: bytes
    rules: Mapping[Slug, bytes]

    def of(self, output: Output) -> tuple[bytes, ...]:
        """The definitions that an unedited feed may have been stored with. The first one is stored now."""
        hashes = (self.rules.get(output.slug, self.current), self.current, self.older)
        return tuple(definition(output, one) for one in hashes)

    def is_known(self, stored: str | None) -> bool:
        return stored in (self.current.hex(), self.older.hex())


def fingerprints(settings: Settings) -> Fingerprints:
    settings = with_paths_from_file(settings)
    rules = [(rule.name, rule.query) for rule in settings.tags] + [(topic.slug, topic.query) for topic in settings.topics]
    sources = [(source.id, source.group, source.tags) for source in settings.sources]
    made_from = repr(rules), repr(settings.tagging), *restate.asked_of_config(settings, [parse(query) for _, query in rules])
    return Fingerprints(_digest(*made_from), _digest(repr(sources), *made_from), _rules_of_feeds(settings))


def _rules_of_feeds(settings: Settings) -> dict[Slug, bytes]:
    """Hashes, for each feed with a rule, what the rule is made from: its topic, tags and topics that it asks for, and theirs."""
    queries = {RuleName("tag", rule.name): rule.query for rule in settings.tags}
    queries |= {RuleName("topic", topic.slug): topic.query for topic in settings.topics}
    outputs = [output for output in settings.outputs if not output.rejected]
    feeds = {output.slug: _rule_of(output) for output in outputs if output.query or output.topic}
    queries |= {RuleName("output", output.slug): output.query for output in outputs if output.query}
    nodes = {name: parse(query) for name, query in queries.items()}
    needed = needs(nodes)
    tagging = repr(settings.tagging)
    asked = {slug: sorted({rule, *needed[rule]}) for slug, rule in feeds.items() if rule in needed}
    return {
        slug: _digest(
            tagging,
            *(repr((str(name), queries[name])) for name in names),
            *restate.asked_of_config(settings, [nodes[name] for name in names]),
        )
        for slug, names in asked.items()
    }


def _rule_of(output: Output) -> RuleName:
    return RuleName("output", output.slug) if output.query else RuleName("topic", output.topic or "")


def adopt(
    store: Store,
    settings: Settings,
    rules: Callable[[], Rules],
    now: Instant,
    owned: Owners | None = None,
    concerned: Collection[SourceId] | None = None,
) -> frozenset[Slug]:
    """Makes the store follow a config. Returns the feeds whose documents differ now. Idempotent.

    owned: whose domains are whose under this config; collected if it isn't given. concerned: the sources that may differ from the
    config adopted before (`concerned_sources`); None for all.

    A new feed starts full, with the newest `items` stories of any age. In an empty store it stays `filling` until every source
    has been polled once (`publish.filling`). rules: called only if stories must be looked at.
    """
    rules_now = fingerprints(settings)
    with store.begin() as transaction:
        transaction.hide_threads(not settings.threads.enabled)
    states = store.outputs()
    changed = _register(store, settings.outputs, states, rules_now, now)
    turned = privacy.follow(store, settings, rules, now)
    owned = owned or collect_owners(settings.sources, settings.outlets)
    hashes = restate.attribute_hashes(store, settings, owned, concerned)
    records = adopted.records(store, None if concerned is None else hashes)
    known = adopted_sources(store, settings, hashes, records)
    edited = restate.edited_sources(hashes, known)
    filtered = restate.unfiltered_sources(settings, known) if settings.apply else frozenset[SourceId]()
    stale = not rules_now.is_known(store.value(RULES_KEY))
    if stale or edited or filtered or any(output.slug in changed for output in settings.outputs):
        changed |= _follow(store, settings, rules(), owned, (edited, filtered), states, changed, now, retag=stale)
    changed |= ranked_feeds.follow(store, settings, changed, now)
    thresholds.follow(store, settings, rules, now)
    channels.follow(store, settings)
    refused_sources.follow(store, settings, now)
    changed |= hooks.follow(store, settings, rules, now)
    _save(store, settings, records, known, hashes, filtered, rules_now, now)
    return turned | changed


def apply_filters(store: Store, settings: Settings, rules: Rules, now: Instant) -> frozenset[Slug]:
    """Hides the stored entries that an edited `keep` or `drop` rejects, and shows those again that it doesn't.

    Returns the feeds whose documents differ now. It may run beside a daemon, and before the config is adopted: feeds that the
    store doesn't have yet are filled when it is.
    """
    owned = collect_owners(settings.sources, settings.outlets)
    records = adopted.records(store)
    known = adopted_sources(store, settings, restate.attribute_hashes(store, settings, owned), records)
    filtered = restate.unfiltered_sources(settings, known)
    states = {slug: state for slug, state in store.outputs().items() if not state.withdrawn}
    outputs = [output for output in settings.outputs if output.slug in states]
    edited = replace(settings, outputs=tuple(outputs))
    shown = {slug: _as_read(store, slug) for slug in states}
    _follow(store, edited, rules, owned, (frozenset(), filtered), states, set(), now, retag=False)
    with store.begin() as transaction:
        hashes = {source.id: restate.filter_hash(source, settings) for source in settings.sources if source.id in filtered}
        kept = {id: adopted.read(records[id]) if id in records else AdoptedSource({}, known[id].attributes) for id in hashes}
        adopted.save_sources(transaction, {id: adopted.written(replace(kept[id], filter=hash)) for id, hash in hashes.items()})
    return frozenset(slug for slug in states if _as_read(store, slug) != shown[slug])


def _as_read(store: Store, slug: Slug) -> set[tuple[StoryId, Instant]]:
    """What readers see of a feed: its stories, and when each was updated."""
    return {(one.story, one.updated) for one in store.shown(slug)}


def fill(store: Store, rules: Rules, output: Output, now: Instant) -> int:
    """Lets the newest stored stories that match into a feed, as into a new one, up to `items`. Returns how many enter.

    An edit alone lets none in that are older than what the feed shows. Raises UsageError for a feed not adopted yet.
    """
    if output.slug not in store.outputs():
        raise UsageError(f"there is no feed {output.slug} yet: it starts full when the config is taken up")
    selection = select(store, output, None, now)
    edit = Edit([selection], restate.Restatement(), rules, retag=False)
    reselect.look(store, edit, now)
    selection.keep_members()
    entering = selection.entering()
    reselect.write(store, edit, now)
    if output.ranked:
        with store.begin() as transaction:
            ranking.forget(transaction, output.slug)
    return len(entering)


def _follow(
    store: Store,
    settings: Settings,
    rules: Rules,
    owned: Owners,
    concerned: tuple[frozenset[SourceId], frozenset[SourceId]],
    states: Mapping[Slug, OutputState],
    changed: Collection[Slug],
    now: Instant,
    *,
    retag: bool,
) -> set[Slug]:
    """Retags and restates stored stories, and moves them in and out of feeds. Returns changed feeds.

    concerned: sources whose attributes were edited, and those to be filtered anew; changed: feeds whose rules were edited.
    """
    restatement = restate.restatement(store, settings, rules, owned, *concerned)
    selections = [
        select(store, output, known_feed(states.get(output.slug)), now, edited=output.slug in changed)
        for output in settings.outputs
        if output.slug in changed or (restatement and not output.rejected)
    ]
    edit = Edit(selections, restatement, rules, retag)
    reselect.look(store, edit, now)
    touched = reselect.write(store, edit, now)
    rest = {output.slug for output in settings.outputs if output.slug in changed} - touched
    with store.begin() as transaction:
        transaction.bump(rest, now)
    return touched | rest


def known_feed(state: OutputState | None) -> OutputState | None:
    """The state of a feed that people may read; None for a new one, also if its first selection was interrupted."""
    return state if state is not None and state.definition else None


def adopted_sources(
    store: StoreView, settings: Settings, hashes: Mapping[SourceId, str], records: Mapping[SourceId, str]
) -> dict[SourceId, Adopted]:
    """What was adopted of each source. hashes: of their attributes, as the config has them.

    A source without a record is new, or was read by a release that kept none.
    Of the latter, edits that have not reached all stored entries are found by looking at these; which `keep` and `drop` they
    passed is unknown.
    """
    found = {id: adopted.read_part(record) for id, record in records.items()}
    missing = [settings.sources_by_id[id] for id in hashes if id not in found]
    states = store.states([source.id for source in missing]) if missing else {}
    is_new = {source.id: source.id not in states or states[source.id].first_success is None for source in missing}
    behind = restate.find_behind(store, settings) if not all(is_new.values()) else frozenset[SourceId]()
    for source in missing:
        attributes = "" if source.id in behind else hashes[source.id]
        filter = restate.filter_hash(source, settings)
        found[source.id] = Adopted(attributes, filter if is_new[source.id] or not filter else None)
    return found


def _save(
    store: Store,
    settings: Settings,
    records: Mapping[SourceId, str],
    known: Mapping[SourceId, Adopted],
    hashes: Mapping[SourceId, str],
    filtered: Collection[SourceId],
    rules_now: Fingerprints,
    now: Instant,
) -> None:
    """Records what was adopted. Sources whose `keep` or `drop` was edited are asked for their whole documents next time.

    records: as stored before; hashes: of the sources whose records may differ.
    """
    changed, refiltered = {}, []
    for source in (settings.sources_by_id[id] for id in hashes):
        filter = restate.filter_hash(source, settings) if source.id in filtered else known[source.id].filter
        after, before = AdoptedSource(keys_of(source), hashes[source.id], filter), records.get(source.id)
        if (record := adopted.written(after)) != before:
            changed[source.id] = record
            if before is not None and any(adopted.read(before).keys.get(key) != after.keys.get(key) for key in FILTERS):
                refiltered.append(source.id)
    states = store.states(refiltered) if refiltered else {}
    definitions = {output.slug: rules_now.of(output)[0] for output in settings.outputs}
    with store.begin() as transaction:
        adopted.save_sources(transaction, changed)
        adopted.save_rest(store, transaction, settings)
        adopted.save_taken(store, transaction, settings, now)
        for asked in states.values():
            transaction.save_state(replace(asked, validators=Validators(), validators_url=None, body_hash=b""))
        for slug, state in transaction.outputs().items():
            if slug in definitions and state.definition != definitions[slug]:
                transaction.save_output(replace(state, definition=definitions[slug]))
        if store.value(RULES_KEY) != rules_now.current.hex():
            transaction.set_value(RULES_KEY, rules_now.current.hex())


def _register(
    store: Store, outputs: Sequence[Output], states: Mapping[Slug, OutputState], rules_now: Fingerprints, now: Instant
) -> set[Slug]:
    """Begins new feeds and ends those that are gone. Returns them, and those whose stories must be selected anew.

    Their definitions are stored last, so that what is killed between begins anew.
    """
    empty = store.counts()["stories"] == 0
    changed: set[Slug] = set()
    with store.begin() as transaction:
        for output in outputs:
            known = states.get(output.slug)
            if known is None:
                transaction.save_output(OutputState(output.slug, b"", filling=empty, changed=now, as_of=now))
            elif known.definition not in rules_now.of(output) or known.withdrawn:
                transaction.save_output(replace(known, withdrawn=False, changed=now, revision=known.revision + 1))
            else:
                continue
            changed.add(output.slug)
        for slug in states.keys() - {output.slug for output in outputs}:
            if not states[slug].withdrawn:
                transaction.save_output(replace(states[slug], withdrawn=True, changed=now))
                changed.add(slug)
    return changed


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
