"""`aggregator plan`: shows what the edited config would change before the daemon uses it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.commands.plan_values import DigestPlan, FeedPlan, Headline, Plan, SourcePlan
    from aggregator.model import Slug

SHOWN = 5
"""Titles shown of stories that enter and leave a feed, unless --titles says otherwise."""
NAMED = 3
"""Sources named in a line on several."""
FILTERS = 20
"""Sources of which is told what `keep` and `drop` would take out."""
WAITS = "`plan --apply` does that to what is stored; `apply: true` in the config has it done with each edit"
FOLLOWS = "that is done when the config is taken up (`apply: true`)"

TAKEN = (
    "this config is in use since {}: a daemon takes an edit up within seconds. "
    "To see what one would change, make it in a copy beside it: `aggregator -c new.yaml plan`"
)


@click.command()
@click.option("--since", help="Look at stories with an entry first seen in this time: 30d unless told, 7d with --dedup.")
@click.option("--dedup", is_flag=True, help="Group the stored entries of that time anew: which stories would join, which part.")
@click.option(
    "--apply", "carry_out", is_flag=True, help="Do to stored entries what keep and drop say; with --dedup, group them anew."
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier config: list every key that differs.",
)
@click.option("--titles", type=click.IntRange(min=0), help="Titles shown of each change: 5; stories shown with --dedup: 20.")
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
    """What the edited config would change: sources, stored entries, and for each feed the stories that would enter and leave.

    A daemon that runs takes an edit up within seconds, so make it in a copy beside the config: `aggregator -c new.yaml plan`.
    Changes nothing, save with --apply. The rules' own tests run first, as in `check`. With --dedup: which stored stories
    would be one, or several, by the edited config.
    """
    from aggregator.commands.check import check_expectations
    from aggregator.commands.unknown_outlets import warn_of_outlets

    check_expectations(application.settings)
    if dedup:
        from aggregator.commands import plan_dedup

        report, would_change = plan_dedup.report(application, since or "7d", titles, carry_out=carry_out, as_json=as_json)
    else:
        report, would_change = _report(application, since or "30d", titles, against, carry_out=carry_out, as_json=as_json)
    click.echo(report)
    for warning in warn_of_outlets(application.settings, application.store):
        click.echo(f"{application.settings.file}: {warning}", err=True)
    if exit_code and would_change:
        raise SystemExit(1)


def _report(
    application: Application, since: str, titles: int | None, against: Path | None, *, carry_out: bool, as_json: bool
) -> tuple[str, bool]:
    """Returns what the command prints, and whether anything would change. carry_out: applies `keep` and `drop`, too."""
    from aggregator.commands import plan_edit
    from aggregator.commands.stories import duration
    from aggregator.stories.upkeep.adopt_config import apply_filters

    store, settings, rules, now = application.store, application.settings, application.rules, time.time()
    plan = plan_edit.make(store, settings, rules, now - duration(since), now, against)
    applied = apply_filters(store, settings, rules, now) if carry_out else None
    if as_json:
        return json.dumps(as_mapping(plan, applied), ensure_ascii=False, indent=2), bool(plan)
    return "\n".join(lines(plan, SHOWN if titles is None else titles, since, applied)), bool(plan)


def as_mapping(plan: Plan, applied: frozenset[Slug] | None = None) -> Mapping[str, Any]:
    """Returns the plan as `plan --json` prints it. applied: the feeds that applying `keep` and `drop` has changed."""
    feeds = [{**to_builtins(feed), "seen_as_new": feed.seen_as_new} for feed in plan.feeds]
    done = None if applied is None else {"feeds": sorted(applied)}
    return {**to_builtins(plan), "feeds": feeds, "changes": bool(plan), "applied": done}


def lines(plan: Plan, titles: int, since: str, applied: frozenset[Slug] | None = None) -> Iterator[str]:
    """Yields the plan as lines for people. titles: how many are shown of each change; applied: as in `as_mapping`."""
    yield from plan.config
    yield from (f"+ source {id}" for id in plan.sources_added)
    yield from (f"- source {id}: polled no more; its stories stay until retention takes them" for id in plan.sources_removed)
    yield from (f"~ source {old}: is {new} from now on; its history goes with it" for old, new in plan.sources_renamed)
    yield from _source_lines(plan.sources_changed)
    yield from (f"~ source {id}: private from now on; its stories leave the public feeds" for id in plan.sources_hidden)
    yield from (f"~ source {id}: private no more; its stories may enter the public feeds" for id in plan.sources_shown)
    yield from _filter_lines(plan, titles, is_done=applied is not None)
    yield from (f"- feed {slug}: gone from now on (410; 404 if it was private)" for slug in plan.feeds_removed)
    for feed in plan.feeds:
        yield _summary(feed)
        yield from _titles((("+", feed.enter), ("-", feed.leave)), titles)
    yield from map(_digest_line, plan.digests)
    if plan.retention:
        yield f"retention would take about {plan.retention:,} stories that have no entry younger than storage.keep"
    if not plan:
        yield f"nothing would change (looked at stories of the last {since})"
        if plan.taken_up:
            yield TAKEN.format(plan.taken_up)
    if applied is not None:
        out, back = sum(len(one.out) for one in plan.filters), sum(len(one.back) for one in plan.filters)
        yield f"done: {out:,} entries taken out, {back:,} let in; feeds that differ: {', '.join(sorted(applied)) or 'none'}"


def _titles(changes: Iterable[tuple[str, Sequence[Headline]]], titles: int) -> Iterator[str]:
    for sign, headlines in changes:
        yield from (f"    {sign} {(one.published or '')[:10]}  {one.title}" for one in headlines[:titles])
        if len(headlines) > titles > 0:
            yield f"    {sign} … and {len(headlines) - titles} more"


def _source_lines(sources: Sequence[SourcePlan]) -> Iterator[str]:
    """One line for each source; one for all of more than NAMED that have the same keys edited, as by an edit of their group."""
    by_keys: dict[tuple[str, ...], list[SourcePlan]] = {}
    for source in sources:
        by_keys.setdefault(source.keys, []).append(source)
    for keys, alike in by_keys.items():
        if len(alike) <= NAMED:
            yield from (f"~ source {one.id}: {_edited(keys, one.entries)}" for one in alike)
        else:
            named = ", ".join(one.id for one in alike[:NAMED])
            edited = _edited(keys, sum(one.entries for one in alike))
            yield f"~ {len(alike):,} sources ({named}, …): {edited}"


def _edited(keys: Sequence[str], entries: int) -> str:
    follow = f"{_entries(entries)} {'follows' if entries == 1 else 'follow'}" if entries else ""
    return "; ".join(filter(None, (", ".join(keys), follow)))


def _entries(count: int) -> str:
    return f"{count:,} stored {'entry' if count == 1 else 'entries'}"


def _filter_lines(plan: Plan, titles: int, *, is_done: bool) -> Iterator[str]:
    """The sources with the most entries taken out or let in, and what that is in all."""
    for one in sorted(plan.filters, key=lambda one: -len(one.out) - len(one.back))[:FILTERS]:
        parts = [f"{verb} {_entries(len(rows))}" for verb, rows in (("take out", one.out), ("let in", one.back)) if rows]
        yield f"~ source {one.id}: its keep and drop would {' and '.join(parts)}"
        yield from _titles((("+", one.back), ("-", one.out)), titles)
    if len(plan.filters) > FILTERS:
        yield f"… and {len(plan.filters) - FILTERS} sources more"
    if plan.filters and not is_done:
        out, back = sum(len(one.out) for one in plan.filters), sum(len(one.back) for one in plan.filters)
        whole = [f"{count:,} whole {'story' if count == 1 else 'stories'}" for count in (plan.stories_out, plan.stories_back)]
        yield f"in all {_entries(out)} out, with {whole[0]}; {back:,} in, with {whole[1]}"
        yield FOLLOWS if plan.apply else WAITS


def _digest_line(digest: DigestPlan) -> str:
    issue = f"{'first' if digest.new else 'next'} issue {digest.next} ({digest.digest})"
    if digest.new:
        return f"+ digest {digest.slug}: {issue}, of {digest.enter} stored stories and what comes until then"
    return f"~ digest {digest.slug}: {issue}, with {digest.enter} stories more and {digest.leave} fewer; past issues stay"


def _summary(feed: FeedPlan) -> str:
    parts = [f"+{len(feed.enter)} -{len(feed.leave)}"]
    if feed.new:
        parts.append("a new feed, which starts full")
    elif feed.enter:
        parts.append(f"subscribers see {feed.seen_as_new} as new")
    if feed.ranked and (feed.more or feed.fewer) and not feed.new:
        parts.append(f"of all that compete for its places, {feed.more} match newly, and {feed.fewer} no longer")
    if feed.held and not feed.new:
        parts.append(
            f"{feed.held} more match and stay out, older than what the feed shows: `topics fill {feed.slug}` lets them in"
        )
    return f"{'+' if feed.new else '~'} feed {feed.slug}: {'; '.join(parts)}"
