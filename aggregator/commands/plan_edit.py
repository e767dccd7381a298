"""What adopting an edited config would change: for `plan`. Reads only."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from aggregator.cadence.cron import next_moment
from aggregator.commands.plan_values import DigestPlan, FeedPlan, FilterPlan, Headline, Plan, SourcePlan
from aggregator.config.diff import Difference, compare
from aggregator.config.load import load
from aggregator.model import Item, Slug, Source, SourceId, SourceState, Story, StoryId
from aggregator.ports import OutputState, Store, Stories, StoryFilter
from aggregator.publish.selection.private import known_sources, wanted_sources
from aggregator.publish.selection.ranking import compare_documents, is_reshaped
from aggregator.settings import Output, Settings
from aggregator.stories.identity.domains import Owners, collect_owners
from aggregator.stories.upkeep import adopted, reselect, restate
from aggregator.stories.upkeep.adopt_config import RULES_KEY, Fingerprints, adopted_sources, fingerprints, known_feed
from aggregator.stories.upkeep.reselect import Edit
from aggregator.stories.upkeep.restate import Restatement, shown
from aggregator.stories.upkeep.selection import Selection, select
from aggregator.tag.check import check
from aggregator.tag.lookup import Lookup
from aggregator.tag.ordering import RuleName
from aggregator.tag.rules import RuleSet
from aggregator.text.times import rfc3339

LOOKUPS = 4
"""Feeds for which the search index is asked one by one. For more it is quicker to look at each story once."""

IDS_EDITED = "every entry of every feed and archive gets another id (publish.ids): readers show all of them once more, as new"


def make(store: Store, settings: Settings, rules: RuleSet, since: float, now: float, against: Path | None = None) -> Plan:
    """Plans the adoption of a config. since: considers stories with an entry first seen after it.

    against: an earlier config to compare with, in place of the one adopted last. Raises ConfigError if it is invalid.
    """
    owned = collect_owners(settings.sources, settings.outlets)
    states, hashes = store.states(), restate.attribute_hashes(store, settings, owned)
    known = adopted_sources(store, settings, hashes, adopted.records(store))
    sources = settings.sources_by_id
    hidden, private = known_sources(store), wanted_sources(store, settings)
    edited, unfiltered = restate.edited_sources(hashes, known), restate.unfiltered_sources(settings, known)
    difference = adopted.difference(store, settings, states)
    tallies, stories_out, stories_back = _tally(store, restate.restatement(store, settings, rules, owned, edited, unfiltered))
    feeds = tuple(_feeds(store, settings, rules, owned, (edited, unfiltered if settings.apply else frozenset()), since, now))
    renamed = _renamed(states, sources)
    aged = store.find(StoryFilter(until=now - settings.storage.keep))
    return Plan(
        sources_added=tuple(sorted(map(str, sources.keys() - states.keys() - {new for _, new in renamed}))),
        sources_removed=tuple(sorted(map(str, states.keys() - sources.keys() - {old for old, _ in renamed}))),
        sources_renamed=renamed,
        sources_changed=tuple(_changed_sources(difference, tallies, private ^ hidden)),
        sources_hidden=tuple(sorted(map(str, (private - hidden) & states.keys()))),
        sources_shown=tuple(sorted(map(str, hidden - private))),
        filters=tuple(filter(None, (tallies[id].filter_plan(id) for id in sorted(tallies)))),
        stories_out=stories_out,
        stories_back=stories_back,
        apply=settings.apply,
        feeds=tuple(plan for plan in feeds if isinstance(plan, FeedPlan)),
        digests=tuple(plan for plan in feeds if isinstance(plan, DigestPlan)),
        feeds_removed=_removed_feeds(store, settings),
        retention=sum(all(item.first_seen < now - settings.storage.keep for item in story.items) for story in aged),
        config=(*_config_lines(difference, settings, against), *_hook_lines(store, settings)),
        taken_up=rfc3339(adopted.taken_up(store, settings)),
    )


# --- sources
class _Tally(Struct):
    """Counts what a restatement changes of one source's entries."""

    entries: int = 0
    out: list[Headline] = field(default_factory=list)
    back: list[Headline] = field(default_factory=list)

    def filter_plan(self, id: SourceId) -> FilterPlan | None:
        if not (self.out or self.back):
            return None
        return FilterPlan(str(id), tuple(self.out), tuple(self.back))


def _tally(store: Stories, restatement: Restatement) -> tuple[dict[SourceId, _Tally], int, int]:
    """Goes over the stored entries of the sources concerned. Counts the stories that go as a whole and those that come back."""
    stories_out = stories_back = 0
    tallies = {id: _Tally() for id in restatement.sources}
    found = store.find(StoryFilter(sources=frozenset(map(str, tallies)), hidden=True)) if tallies else ()
    for story in found:
        after = restatement.story(story)
        was, seen = bool(shown(story).items), bool(shown(after).items)
        stories_out += was and not seen
        stories_back += seen and not was
        for one, other in zip(story.items, after.items, strict=True):
            if one.source in tallies and one != other:
                _count(tallies[one.source], story.id, one, other)
    return tallies, stories_out, stories_back


def _count(tally: _Tally, story: StoryId, before: Item, after: Item) -> None:
    if (before.hidden is None) != (after.hidden is None):
        headline = Headline(str(story), before.entry.title, rfc3339(before.published))
        (tally.out if before.hidden is None else tally.back).append(headline)
    tally.entries += before != replace(after, hidden=before.hidden)


def _renamed(before: Mapping[SourceId, SourceState], after: Mapping[SourceId, Source]) -> tuple[tuple[str, str], ...]:
    """Pairs of ids, before and after, of sources that keep their address and so their history (`store/renames.py`)."""
    left = {state.url: id for id, state in before.items() if id not in after}
    return tuple((str(left[one.url]), str(id)) for id, one in after.items() if id not in before and one.url in left)


def _changed_sources(
    difference: Difference | None, tallies: Mapping[SourceId, _Tally], turned: Collection[SourceId]
) -> Iterator[SourcePlan]:
    """Sources of which keys differ, or whose stored entries are behind. turned: told as private, or as private no more."""
    keys = {change.name: change.keys for change in difference.sources.changed} if difference else {}
    for id in sorted(keys.keys() | {str(id) for id, tally in tallies.items() if tally.entries}):
        changed = tuple(key for key in keys.get(id, ()) if key != "private" or id not in turned)
        entries = tallies[SourceId(id)].entries if SourceId(id) in tallies else 0
        if changed or entries:
            yield SourcePlan(id, changed, entries)


# --- feeds
def _feeds(
    store: Store,
    settings: Settings,
    rules: RuleSet,
    owned: Owners,
    concerned: tuple[frozenset[SourceId], frozenset[SourceId]],
    since: float,
    now: float,
) -> Iterator[FeedPlan | DigestPlan]:
    """Selects stories as adopting the config will. concerned: sources whose stored entries are restated, or filtered anew."""
    known, rules_now = store.outputs(), fingerprints(settings)
    restatement = restate.restatement(store, settings, rules, owned, *concerned)
    selections = [
        select(store, output, known_feed(known.get(output.slug)), now, edited=is_edited)
        for output in settings.outputs
        if not output.rejected and ((is_edited := _is_edited(output, known, rules_now)) or restatement)
    ]
    retag = not rules_now.is_known(store.value(RULES_KEY))
    if restatement or len(selections) > LOOKUPS:
        edit = Edit(selections, restatement, rules, retag)
        reselect.look(store, edit, now, None if restatement else since)
    else:
        _look_up(store, selections, settings, rules, since, now)
    for selection in selections:
        state = known.get(selection.output.slug)
        is_new = state is None or state.withdrawn
        has_rule = selection.output.query is not None or selection.output.topic is not None
        leaving = selection.leaving() if has_rule or not selection.edited else ()
        yield from _plan_of(store, selection, settings, leaving, since if not restatement else 0.0, now, is_new=is_new)
    looked_at = {selection.output.slug for selection in selections}
    for output in settings.outputs:
        if output.ranked and output.slug not in looked_at and is_reshaped(store, output):
            yield from filter(None, [_plan_of_ranked(store, output, (), (), now)])


def _is_edited(output: Output, known: Mapping[Slug, OutputState], rules_now: Fingerprints) -> bool:
    state = known.get(output.slug)
    return state is None or state.withdrawn or state.definition not in rules_now.of(output)


def _look_up(store: Store, selections: Iterable[Selection], settings: Settings, rules: RuleSet, since: float, now: float) -> None:
    """Finds the stories that match edited rules by the search index: quicker than looking at all."""
    lookup = Lookup(settings, rules, wanted_sources(store, settings))
    for selection in selections:
        for story in _matching(store, selection.output, lookup, since, now):
            selection.offer(story, matched=selection.matched_before(story))


def _matching(store: Stories, output: Output, lookup: Lookup, since: float, now: float) -> Iterator[Story]:
    if output.query is not None:
        found = lookup.matching(store, RuleName("output", output.slug), since, now)
    elif output.topic is not None:
        found = lookup.matching(store, RuleName("topic", output.topic), since, now)
    else:
        found = iter(())
    return found if output.token is not None else filter(lookup.is_public, found)


def _plan_of(
    store: Store,
    selection: Selection,
    settings: Settings,
    leaving: Collection[StoryId],
    since: float,
    now: float,
    *,
    is_new: bool,
) -> Iterator[FeedPlan | DigestPlan]:
    output = selection.output
    entering = reselect.chunks(iter(selection.entering()), reselect.CHUNK)  # of a ranked feed, thousands
    enter = [story for chunk in entering for story in store.stories(chunk, hidden=True)]
    leave = _leaving(store, leaving, since)
    if output.digest is not None:
        if enter or leave or is_new:
            moment = rfc3339(next_moment(output.digest, now, settings.site.timezone))
            yield DigestPlan(str(output.slug), is_new, output.digest, moment, len(enter), len(leave))
        return
    if output.ranked:
        plan = _plan_of_ranked(store, output, enter, leave, now, is_new=is_new)
    else:
        held = selection.found - len(enter)
        plan = FeedPlan(str(output.slug), is_new, tuple(map(_headline, enter)), tuple(map(_headline, leave)), held)
    if plan:
        yield plan


def _plan_of_ranked(
    store: Store, output: Output, enter: Sequence[Story], leave: Sequence[Story], now: float, *, is_new: bool = False
) -> FeedPlan:
    """What becomes of the document of a ranked feed. enter, leave: the stories that match newly, and no longer."""
    known = {story.id: story for story in enter}
    before, after = compare_documents(store, output, now, enter, {story.id for story in leave})
    shown = known | {story.id: story for story in store.stories([one for one in (*before, *after) if one not in known])}
    came = tuple(_headline(shown[one]) for one in after if one not in before and one in shown)
    left = tuple(_headline(shown[one]) for one in before if one not in after and one in shown)
    return FeedPlan(str(output.slug), is_new, came, left, 0, True, len(enter), len(leave))


def _leaving(store: Stories, members: Collection[StoryId], since: float) -> list[Story]:
    """Returns the stories among members that have an entry first seen after `since`, newest first: only those were matched."""
    stories = [story for story in store.stories(members) if any(item.first_seen >= since for item in story.items)]
    return sorted(stories, key=lambda story: (-story.published, story.id))


def _headline(story: Story) -> Headline:
    lead = next((item for item in story.items if item.id == story.lead), story.items[0])
    return Headline(str(story.id), story.headline or lead.title, rfc3339(story.published))


def _removed_feeds(store: Store, settings: Settings) -> tuple[str, ...]:
    configured = {output.slug for output in settings.outputs}
    return tuple(sorted(slug for slug, state in store.outputs().items() if slug not in configured and not state.withdrawn))


# --- other keys
def _config_lines(difference: Difference | None, settings: Settings, against: Path | None) -> Iterator[str]:
    """Lines on keys that nothing else tells of: tags, sections, and changed topics and outputs. against: on all keys."""
    if against is not None:
        edited = compare(load(against, check, os.environ), settings)
        yield from edited.lines()
        yield from _ids_line(edited)
    elif difference is not None:
        topics = {change.name: set(change.keys) for change in difference.topics.changed}
        yield from (f"+ tag {name}" for name in difference.tags.added)
        yield from (f"- tag {name}" for name in difference.tags.removed)
        yield from (f"~ tag {changed}" for changed in difference.tags.changed)
        yield from (f"~ topic {changed}" for changed in difference.topics.changed)
        yield from (
            f"~ output {one}" for one in difference.outputs.changed if not topics.get(one.name, set()).issuperset(one.keys)
        )
        yield from (f"~ {changed}" for changed in difference.sections)
        yield from _ids_line(difference)


def _hook_lines(store: Store, settings: Settings) -> Iterator[str]:
    """Lines on hooks that something is stored of, and that the config has no more."""
    for name, state in store.hook_states().items():
        if name not in settings.enrich:
            told = f"{state.told:,} {'story' if state.told == 1 else 'stories'}"
            yield f"- hook {name}: what it told of {told} leaves the feeds"


def _ids_line(difference: Difference) -> Iterator[str]:
    if any(changed.name == "publish" and "ids" in changed.keys for changed in difference.sections):
        yield IDS_EDITED
