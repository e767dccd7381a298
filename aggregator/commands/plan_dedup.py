"""`plan --dedup`: shows which stories would merge and split, for people and as JSON."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Evidence, Item, Story
    from aggregator.stories.upkeep.regroup import Applied, Change, Part, Plan


SHOWN = 20
"""Changes shown, unless --titles says otherwise."""


def report(application: Application, since: str, shown: int | None, *, carry_out: bool, as_json: bool) -> tuple[str, bool]:
    """Returns what the command prints, and whether any story would change. carry_out: applies the plan, too."""
    from aggregator.commands.stories import duration
    from aggregator.dedup.engine import Engine
    from aggregator.stories.upkeep import regroup
    from aggregator.tag.places import find_places

    settings, rules, store, now = application.settings, application.rules, application.store, time.time()
    engine = Engine(settings.dedup, find_places)
    planned = regroup.plan(store, settings, rules, engine, now - duration(since))
    applied = regroup.apply(store, settings, rules, engine, planned, now) if carry_out else None
    if as_json:
        text = json.dumps(as_mapping(planned, applied), ensure_ascii=False, indent=2)
    else:
        text = "\n".join(lines(planned, applied, SHOWN if shown is None else shown, since))
    return text, bool(planned.changes)


def as_mapping(planned: Plan, applied: Applied | None) -> dict[str, Any]:
    """Returns the plan as `plan --dedup --json` prints it."""
    return {
        "looked_at": planned.looked_at,
        "seen_as_new": planned.seen_as_new,
        "stories": [_change(change) for change in planned.changes],
        "changes": bool(planned.changes),
        "applied": applied and {"done": applied.done, "stale": applied.stale, "feeds": sorted(applied.feeds)},
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "before": [
            {
                "id": story.id,
                "title": story.title,
                "published": story.id in change.published,
                "updated": rfc3339(story.updated),
                "outlets": list(story.outlets),
            }
            for story in change.before
        ],
        "after": [_part(part, change) for part in change.after],
    }


def _part(part: Part, change: Change) -> dict[str, Any]:
    return {
        "id": part.id,
        "title": _lead(part, change).entry.title,
        "aliases": list(part.aliases),
        "outlets": list(dict.fromkeys(item.outlet for item in part.items)),
        "items": [_item(item, change) for item in part.items],
    }


def _item(item: Item, change: Change) -> dict[str, Any]:
    evidence = change.evidence[item.id]
    return {
        "source": item.source,
        "url": item.entry.url,
        "title": item.entry.title,
        "from": _home(change)[item.id],
        "rule": evidence.rule,
        "score": evidence.score,
        "terms": dict(evidence.terms),
        "nearest": evidence.nearest and {"story": evidence.nearest, "score": evidence.nearest_score},
    }


def _home(change: Change) -> Mapping[int, str]:
    """Returns the story that each item is in now."""
    return {item.id: story.id for story in change.before for item in story.items}


def _lead(part: Part, change: Change) -> Item:
    kept: Story | None = next((story for story in change.before if story.id == part.id), None)
    return kept.lead_item if kept is not None else part.items[0]


def lines(planned: Plan, applied: Applied | None, shown: int, since: str) -> Iterator[str]:
    """Yields the plan as lines for people. shown: number of changes to show."""
    for change in planned.changes[:shown]:
        yield f"{change.kind}: {change.before[0].title}"
        for part in change.after:
            yield from _part_lines(part, change)
    if len(planned.changes) > shown > 0:
        yield f"… and {len(planned.changes) - shown} more"
    kinds = Counter(change.kind for change in planned.changes)
    if not planned.changes:
        yield f"no story would change (looked at {planned.looked_at:,} entries of the last {since})"
        return
    counted = f"{kinds['join']} would join, {kinds['part']} part, {kinds['regroup']} exchange entries"
    yield f"stories: {counted}; subscribers see up to {planned.seen_as_new} as new"
    yield f"looked at {planned.looked_at:,} entries of the last {since}"
    if applied is not None:
        yield f"done: {applied.done}; feeds that differ: {', '.join(sorted(applied.feeds)) or 'none'}"
        if applied.stale:
            yield f"left as they are: {applied.stale}, which became others meanwhile; run it again"


def _part_lines(part: Part, change: Change) -> Iterator[str]:
    """Yields a story as it would be, and the evidence for each item that is new to it."""
    outlets = ", ".join(dict.fromkeys(item.outlet for item in part.items))
    yield f"    {part.id or 'a new story'}  {_lead(part, change).entry.title}  ({outlets})"
    yield from (f"      {alias} leads there from now on" for alias in part.aliases)
    home = _home(change)
    for item in part.items:
        if home[item.id] != part.id:
            yield f"      + {item.outlet}: {item.entry.title}  by {_explain(change.evidence[item.id])}"


def _explain(evidence: Evidence) -> str:
    terms = ", ".join(f"{name} {value:+.2f}" for name, value in evidence.terms)
    because = f"{evidence.rule}: {evidence.score:+.2f} = {terms}" if terms else evidence.rule
    if evidence.nearest_score is not None and not terms:
        because += f", nearest {evidence.nearest_score:+.2f}"
    return because
