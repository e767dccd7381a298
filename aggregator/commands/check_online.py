"""`aggregator check --online`: fetches each source once and prints the results as a table or as lines of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import click

from aggregator.fetch.address_rules import guess_feeds
from aggregator.text.chars import one_line
from aggregator.text.masks import mask_text, mask_url
from aggregator.text.times import format_duration, rfc3339

if TYPE_CHECKING:
    from rich.table import Table

    from aggregator.model import Source
    from aggregator.run.probe import ProbeResult
    from aggregator.settings import Settings

WIDE = 200
"""Columns if the output is no terminal: long lines suit `grep`."""


def check_online(settings: Settings, sources: Sequence[Source], as_json: bool) -> int:
    """Fetches each source once and prints the results. Returns the number of sources without a feed."""
    results = asyncio.run(_probe(settings, sources, as_json))
    if as_json:
        for result in results:
            click.echo(mask_text(json.dumps(row(result), ensure_ascii=False), settings.secrets))
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDE).print(table(results, time.time(), settings.secrets))
    return sum(result.feed is None for result in results)


async def _probe(settings: Settings, sources: Sequence[Source], as_json: bool) -> list[ProbeResult]:
    from rich.console import Console
    from rich.progress import Progress

    from aggregator.run.probe import open_prober

    console = Console(stderr=True)
    async with open_prober(settings, time.time) as prober:
        with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
            task = progress.add_task("Asking", total=len(sources))
            return await prober.probe_all(sources, lambda _: progress.advance(task))


def row(found: ProbeResult) -> dict[str, Any]:
    """Returns a result as one JSON object. Addresses are masked; times are RFC 3339, UTC."""
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


def table(results: Sequence[ProbeResult], now: float, secrets: Collection[str] = ()) -> Table:
    """Makes a table for people: one line per source, with remarks on what needs attention."""
    from rich.table import Table
    from rich.text import Text

    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("source", "format", "entries", "newest", "next poll", "remarks"):
        out.add_column(name, justify="right" if name == "entries" else "left", overflow="fold")
    for result in results:
        state, newest = result.state, result.newest
        cells = [
            str(result.source.id),
            result.feed.format if result.feed else "—",
            str(len(result.feed.entries)) if result.feed else "",
            f"{format_duration(max(0.0, now - newest))} ago" if newest is not None else "",
            f"in {format_duration(max(0.0, state.due - now))}: {state.reason}" if state else "",
        ]
        notes = Text(mask_text("; ".join(remarks(result)), secrets), style="red" if result.fault else "yellow")
        out.add_row(*(Text(one_line(cell)) for cell in cells), notes)
    return out


def remarks(found: ProbeResult) -> list[str]:
    """Lists what a person should know or change, a line each."""
    notes = []
    if found.fault is not None:
        notes.append(one_line(f"{found.fault.kind}: {found.fault.detail.partition('; it offers ')[0]}", 200))
        if found.fault.feeds:
            notes.append(f"write url: {' or '.join(map(mask_url, found.fault.feeds[:5]))}")
        if not found.fault.feeds and (guess := guess_feeds(found.source.url)) and guess.feeds:
            notes.append(f"{guess.words}: its feed should be at {mask_url(guess.feeds[0])}")
    if found.moved_to is not None:
        notes.append(f"moved for good: write url: {mask_url(found.moved_to)}")
    elif found.hops:
        notes.append(f"redirected to {mask_url(found.url)}")
    if found.feed is not None:
        notes += [one_line(warning, 120) for warning in found.feed.warnings[:3]]
        notes += [f"{count} dropped ({cap})" for cap, count in found.feed.dropped.items() if count]
        if not found.feed.entries:
            notes.append("no entries")
    return notes
