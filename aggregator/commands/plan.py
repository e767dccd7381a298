"""`aggregator plan`: shows what the edited config would change before the daemon uses it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, to_builtins

from aggregator.stories.selection import select
from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.config.diff import Difference
    from aggregator.model import Story, StoryId
    from aggregator.ports import OutputState, StoreView, Stories
    from aggregator.settings import Output, Settings
    from aggregator.tag.lookup import Lookup

SHOWN = 5
"""Titles shown of stories that enter and leave a feed, unless --titles says otherwise."""


class Headline(Struct, frozen=True):
    id: str
    title: str
    published: str | None


class FeedPlan(Struct, frozen=True):
    """The changes of a feed. enter: stories that newly match and will be shown; leave: those that no longer match.

    new: the feed does not exist yet; held: number of newly matching stories that stay out, as too old or too many.
    """

    slug: str
    new: bool
    enter: tuple[Headline, ...]
    leave: tuple[Headline, ...]
    held: int

    @property
    def seen_as_new(self) -> int:
        """The number of stories that the feed's subscribers will see as new."""
        return 0 if self.new else len(self.enter)

    def __bool__(self) -> bool:
        return bool(self.enter or self.leave or self.new)


class Plan(Struct, frozen=True):
    """All changes. retention: number of stories of which no entry is younger than `storage.keep`.

    hidden, shown: sources whose stories leave the public feeds (`private: true`), or may be in them from now on.
    """

    sources_added: tuple[str, ...]
    sources_removed: tuple[str, ...]
    sources_hidden: tuple[str, ...]
    sources_shown: tuple[str, ...]
    feeds: tuple[FeedPlan, ...]
    feeds_removed: tuple[str, ...]
    retention: int
    config: tuple[str, ...]

    def __bool__(self) -> bool:
        sources = self.sources_added or self.sources_removed or self.sources_hidden or self.sources_shown
        return bool(sources or self.feeds or self.feeds_removed or self.config)


@click.command()
@click.option("--since", help="Look at stories with an entry first seen in this time: 30d unless told, 7d with --dedup.")
@click.option("--dedup", is_flag=True, help="Group the stored entries of that time anew: which stories would join, which part.")
@click.option("--apply", "carry_out", is_flag=True, help="With --dedup: do it. Published ids stay.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier config: list every key that differs.",
)
@click.option("--titles", type=click.IntRange(min=0), help="Titles shown of each feed: 5; stories shown with --dedup: 20.")
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything would change.")
@click.pass_obj
def command(
    application: Application,
    since: str | None,
    dedup: bool,
    carry_out: bool,
    against: Path | None,
    titles: int | None,
    as_json: bool,
    exit_code: bool,
) -> None:
    """What the edited config would change: sources, and for each feed the stored stories that would enter and leave.

    Changes nothing, save with --apply. The rules' own tests run first, as in `check`. With --dedup: which stored stories
    would be one, or several, by the edited config.
    """
    from aggregator.commands.check import check_expectations

    if carry_out and not dedup:
        raise click.UsageError("--apply goes with --dedup; the rest is done by the daemon when it takes up the config")
    check_expectations(application.settings)
    if dedup:
        from aggregator.commands import plan_dedup

        report, would_change = plan_dedup.report(application, since or "7d", titles, carry_out=carry_out, as_json=as_json)
    else:
        report, would_change = _report(application, since or "30d", titles, against, as_json=as_json)
    click.echo(report)
    if exit_code and would_change:
        raise SystemExit(1)


def _report(application: Application, since: str, titles: int | None, against: Path | None, *, as_json: bool) -> tuple[str, bool]:
    """Returns what the command prints, and whether anything would change."""
    from aggregator.commands.stories import duration

    now = time.time()
    differences = _differences(application, against)
    plan = make(application.store, application.settings, application.rules, now - duration(since), now, differences)
    if as_json:
        return json.dumps(as_mapping(plan), ensure_ascii=False, indent=2), bool(plan)
    return "\n".join(lines(plan, SHOWN if titles is None else titles, since)), bool(plan)


def make(store: StoreView, settings: Settings, rules: Any, since: float, now: float, config: tuple[str, ...] = ()) -> Plan:
    """Plans the adoption of a config. since: considers stories with an entry first seen after it."""
    from aggregator.ports import StoryFilter
    from aggregator.publish.private import known_sources, wanted_sources
    from aggregator.stories.adopt_config import definition, rules_fingerprint
    from aggregator.tag.lookup import Lookup

    states, known = store.states(), store.outputs()
    sources = {source.id: source for source in settings.sources}
    hidden, private = known_sources(store), wanted_sources(store, settings)
    lookup = Lookup(settings, rules, private)
    fingerprint = rules_fingerprint(settings)
    feeds = [
        _feed(store, output, known.get(output.slug), lookup, since, now)
        for output in settings.outputs
        if not output.rejected and not _is_unchanged(known.get(output.slug), definition(output, fingerprint))
    ]
    configured = {output.slug for output in settings.outputs}
    aged = store.find(StoryFilter(until=now - settings.storage.keep))
    return Plan(
        sources_added=tuple(sorted(map(str, sources.keys() - states.keys()))),
        sources_removed=tuple(sorted(map(str, states.keys() - sources.keys()))),
        sources_hidden=tuple(sorted(map(str, (private - hidden) & states.keys()))),
        sources_shown=tuple(sorted(map(str, hidden - private))),
        feeds=tuple(feed for feed in feeds if feed),
        feeds_removed=tuple(sorted(slug for slug, state in known.items() if slug not in configured and not state.withdrawn)),
        retention=sum(all(item.first_seen < now - settings.storage.keep for item in story.items) for story in aged),
        config=config,
    )


def _is_unchanged(known: OutputState | None, definition: bytes) -> bool:
    """True if a feed's stories are selected as before, so that nothing changes."""
    return known is not None and not known.withdrawn and known.definition == definition


def _feed(store: StoreView, output: Output, known: OutputState | None, lookup: Lookup, since: float, now: float) -> FeedPlan:
    """Selects stories as adopting the config will: newest first, at most `items`, none older than what the feed shows."""
    selection = select(store, output, known, now)
    for story in _matching(store, output, lookup, since, now):
        selection.offer(story)
    enter = [headline(story) for story in store.stories(selection.entering())]
    leave = _leaving(store, selection.shown - selection.matching, since) if _has_rule(output) else []
    is_new = known is None or known.withdrawn
    return FeedPlan(str(output.slug), is_new, tuple(enter), tuple(map(headline, leave)), selection.found - len(enter))


def _has_rule(output: Output) -> bool:
    """True if a rule selects the feed's stories; `all` has none, so nothing enters or leaves it."""
    return output.query is not None or output.topic is not None


def _matching(store: Stories, output: Output, lookup: Lookup, since: float, now: float) -> Iterator[Story]:
    from aggregator.tag.ordering import RuleName

    if output.query is not None:
        found = lookup.matching(store, RuleName("output", output.slug), since, now)
    elif output.topic is not None:
        found = lookup.matching(store, RuleName("topic", output.topic), since, now)
    else:
        found = iter(())
    return found if output.token is not None else filter(lookup.is_public, found)


def _leaving(store: Stories, members: Collection[StoryId], since: float) -> list[Story]:
    """Returns the stories among members that have an entry first seen after `since`, newest first: only those were matched."""
    stories = [story for story in store.stories(members) if any(item.first_seen >= since for item in story.items)]
    return sorted(stories, key=lambda story: (-story.published, story.id))


def headline(story: Story) -> Headline:
    return Headline(str(story.id), story.title, rfc3339(story.published))


def _differences(application: Application, against: Path | None) -> tuple[str, ...]:
    """Lists every key that differs from an earlier config. Raises ConfigError if that one is invalid."""
    if against is None:
        return ()
    from aggregator.config.diff import compare
    from aggregator.config.load import load
    from aggregator.tag.check import check

    difference: Difference = compare(load(against, check, os.environ), application.settings)
    return tuple(difference.lines())


def as_mapping(plan: Plan) -> Mapping[str, Any]:
    """Returns the plan as `plan --json` prints it."""
    feeds = [{**to_builtins(feed), "seen_as_new": feed.seen_as_new} for feed in plan.feeds]
    return {**to_builtins(plan), "feeds": feeds, "changes": bool(plan)}


def lines(plan: Plan, titles: int, since: str) -> Iterator[str]:
    """Yields the plan as lines for people."""
    yield from plan.config
    yield from (f"+ source {id}" for id in plan.sources_added)
    yield from (f"- source {id}: polled no more; its stories stay until retention takes them" for id in plan.sources_removed)
    yield from (f"~ source {id}: private from now on; its stories leave the public feeds" for id in plan.sources_hidden)
    yield from (f"~ source {id}: private no more; its stories may enter the public feeds" for id in plan.sources_shown)
    yield from (f"- feed {slug}: gone from now on (410; 404 if it was private)" for slug in plan.feeds_removed)
    for feed in plan.feeds:
        yield _summary(feed)
        for sign, headlines in (("+", feed.enter), ("-", feed.leave)):
            yield from (f"    {sign} {(one.published or '')[:10]}  {one.title}" for one in headlines[:titles])
            if len(headlines) > titles > 0:
                yield f"    {sign} … and {len(headlines) - titles} more"
    if plan.retention:
        yield f"retention would take about {plan.retention:,} stories that have no entry younger than storage.keep"
    if not plan:
        yield f"nothing would change (looked at stories of the last {since})"


def _summary(feed: FeedPlan) -> str:
    parts = [f"+{len(feed.enter)} -{len(feed.leave)}"]
    if feed.new:
        parts.append("a new feed, which starts full")
    elif feed.enter:
        parts.append(f"subscribers see {feed.seen_as_new} as new")
    if feed.held and not feed.new:
        parts.append(f"{feed.held} more match and stay out: older than what the feed shows")
    return f"{'+' if feed.new else '~'} feed {feed.slug}: {'; '.join(parts)}"
