"""`aggregator check --online`: what one fetch of each source finds, as a table or as lines of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import click

from aggregator.text.chars import one_line
from aggregator.text.masks import mask_text, mask_url
from aggregator.text.times import format_duration, rfc3339

if TYPE_CHECKING:
    from rich.table import Table

    from aggregator.model import Source
    from aggregator.run.probe import ProbeResult
    from aggregator.settings import Settings

WIDE = 200
"""Columns where the output is no terminal: lines are then for `grep`."""


def check_online(settings: Settings, sources: Sequence[Source], as_json: bool) -> int:
    """Fetches each source once and prints what was found. Returns how many brought no feed."""
    found = asyncio.run(_ask(settings, sources, as_json))
    if as_json:
        for one in found:
            click.echo(mask_text(json.dumps(row(one), ensure_ascii=False), settings.secrets))
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDE).print(table(found, time.time(), settings.secrets))
    return sum(one.feed is None for one in found)


async def _ask(settings: Settings, sources: Sequence[Source], as_json: bool) -> list[ProbeResult]:
    from rich.console import Console
    from rich.progress import Progress

    from aggregator.run.probe import open_prober

    console = Console(stderr=True)
    async with open_prober(settings, time.time) as prober:
        with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
            task = progress.add_task("Asking", total=len(sources))
            return await prober.probe_all(sources, lambda _: progress.advance(task))


def row(found: ProbeResult) -> dict[str, Any]:
    """What was found, as one JSON object. Addresses are without passwords; times are RFC 3339, UTC."""
    feed, state, fault = found.feed, found.state, found.fault
    return {
        "id": found.source.id,
        "url": found.source.shown or mask_url(found.source.url),
        "ok": feed is not None,
        "status": found.status,
        "fault": fault.kind.value if fault else None,
        "error": fault.detail if fault else None,
        "offers": [mask_url(url) for url in fault.feeds] if fault else [],
        "redirects": [{"status": hop.status, "to": mask_url(hop.location)} for hop in found.hops],
        "moved_to": mask_url(found.moved_to) if found.moved_to else None,
        "format": feed.format if feed else None,
        "title": feed.title if feed else None,
        "language": feed.language if feed else None,
        "entries": len(feed.entries) if feed else 0,
        "newest": rfc3339(found.newest),
        "cadence": state.reason if state else None,
        "next_poll": rfc3339(state.due) if state else None,
        "hub": mask_url(feed.hub) if feed and feed.hub else None,
        "dropped": dict(feed.dropped) if feed else {},
        "warnings": list(feed.warnings) if feed else [],
    }


def table(found: Sequence[ProbeResult], now: float, secrets: Collection[str] = ()) -> Table:
    """What was found, for people: one line a source, with what should be looked at."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("source", "format", "entries", "newest", "next poll", "remarks"):
        made.add_column(name, justify="right" if name == "entries" else "left", overflow="fold")
    for one in found:
        state, newest = one.state, one.newest
        cells = [
            str(one.source.id),
            one.feed.format if one.feed else "—",
            str(len(one.feed.entries)) if one.feed else "",
            f"{format_duration(max(0.0, now - newest))} ago" if newest is not None else "",
            f"in {format_duration(max(0.0, state.due - now))}: {state.reason}" if state else "",
        ]
        told = mask_text("; ".join(remarks(one)), secrets)
        made.add_row(*(Text(one_line(cell)) for cell in cells), Text(told, style="red" if one.fault else "yellow"))
    return made


def remarks(found: ProbeResult) -> list[str]:
    """What a person should know or change, each as one line."""
    told = []
    if found.fault is not None:
        told.append(one_line(f"{found.fault.kind}: {found.fault.detail}", 200))
        told += [f"the page offers {mask_url(url)}" for url in found.fault.feeds[:5]]
    if found.moved_to is not None:
        told.append(f"moved for good: write url: {mask_url(found.moved_to)}")
    elif found.hops:
        told.append(f"redirected to {mask_url(found.url)}")
    if found.feed is not None:
        told += [one_line(warning, 120) for warning in found.feed.warnings[:3]]
        told += [f"{count} dropped ({cap})" for cap, count in found.feed.dropped.items() if count]
        if not found.feed.entries:
            told.append("no entries")
    return told
