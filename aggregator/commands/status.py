"""`aggregator status`: shows the state of each source."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from aggregator.commands.columns import aligned
from aggregator.ports import EVENTS
from aggregator.text.masks import mask_text, mask_url
from aggregator.text.times import format_duration, rfc3339

if TYPE_CHECKING:
    from rich.table import Table

    from aggregator.commands.application import Application
    from aggregator.model import Source, SourceState


NOTHING_YET = "nothing has been polled yet: `aggregator poll` does it once, `aggregator run` all the time"
COLUMNS = ("source", "state", "entries", "last", "next", "why")


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each source.")
@click.option("--watch", is_flag=True, help="Refresh the table every two seconds until interrupted.")
@click.pass_obj
def command(application: Application, ids: tuple[str, ...], as_json: bool, watch: bool) -> None:
    """How each source is doing: its last answer, its rhythm, what was dropped."""
    if as_json:
        _print(map(json.JSONEncoder(ensure_ascii=False).encode, rows(application, ids)))
        return
    if not watch and not sys.stdout.isatty():  # for a file or another program: one unbroken line per source
        _print(plain_lines(application, ids))
        return
    from rich.console import Console
    from rich.live import Live

    if not watch:
        Console().print(table(application, ids))
        return
    with Live(table(application, ids), refresh_per_second=1) as live:
        try:
            while True:
                time.sleep(2)
                live.update(table(application, ids))
        except KeyboardInterrupt:
            return


def _print(lines: Iterable[str]) -> None:
    """Prints all lines at once: `echo` flushes each time."""
    click.echo("".join(f"{line}\n" for line in lines), nl=False)


def rows(application: Application, ids: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yields a mapping per source, in the order of the config. Raises UsageError for an id that is not configured."""
    sources = application.pick(ids)
    states = application.store.states()
    for source in sources:
        yield row(source, states.get(source.id) or _unpolled(source), application.settings.secrets)


def _unpolled(source: Source) -> SourceState:
    """The state of a source that no poll or daemon has met yet: it is in the config alone."""
    from aggregator.model import SourceState

    return SourceState(source.id, source.url)


def row(source: Source, state: SourceState, secrets: Collection[str]) -> dict[str, Any]:
    """Returns a source's state as `status --json` prints it. Passwords and filled-in secrets in addresses are masked."""
    return {
        "id": source.id,
        "url": source.shown if state.url == source.url else mask_text(mask_url(state.url), secrets),
        "state": condition(source, state),
        "last_status": state.last_status,
        "last_error": mask_text(state.last_error, secrets) if state.last_error else state.last_error,
        "next_poll": None if state.gone or not source.enabled or not state.due else rfc3339(max(state.due, state.not_before)),
        "entries": state.entries,
        "title": source.title or state.title,
        "group": source.group,
        "format": state.format,
        "reason": state.reason,
        "last_poll": rfc3339(state.last_poll),
        "last_success": rfc3339(state.last_success),
        "last_new": rfc3339(state.last_new),
        "failures": state.failures,
        "moved_to": state.moved_to and mask_text(mask_url(state.moved_to), secrets),
        "configured_url": source.shown,
        "dropped": {key: count for key, count in state.counters.items() if count},
        "notes": list(state.notes),
    }


def condition(source: Source, state: SourceState) -> str:
    """Returns one word: disabled, gone, fault, new (never polled) or ok."""
    if not source.enabled:
        return "disabled"
    if state.gone:
        return "gone"
    if state.last_error:
        return "fault"
    return "new" if state.last_poll is None else "ok"


def cells(application: Application, ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields the values of COLUMNS for each source."""
    now = time.time()
    states = application.store.states()
    for source in application.pick(ids):
        state = states.get(source.id) or _unpolled(source)
        last = f"{format_duration(now - state.last_poll)} ago" if state.last_poll else "never"
        ahead = "never" if state.gone or not source.enabled else _format_wait(max(state.due, state.not_before) - now)
        why = mask_text(state.last_error or state.reason)
        yield source.id, condition(source, state), str(state.entries), last, ahead, why


def plain_lines(application: Application, ids: tuple[str, ...]) -> Iterator[str]:
    """Yields the table as lines of plain text, and below it what is wrong with the daemon."""
    rows = list(cells(application, ids))
    yield from aligned([COLUMNS, *rows])
    if not ids:
        yield from _below(application, rows)


def _below(application: Application, rows: Iterable[Sequence[str]]) -> list[str]:
    """Lists what stands below the table of all sources."""
    nothing = [NOTHING_YET] if all(row[1] in ("new", "disabled") for row in rows) else []
    return nothing + daemon_problems(application)


def table(application: Application, ids: tuple[str, ...]) -> Table:
    """Makes the table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    out = Table(box=None, header_style="bold", pad_edge=False)
    for column in COLUMNS:
        out.add_column(column, overflow="fold", no_wrap=column not in ("why", "source"))
    rows = list(cells(application, ids))
    for row in rows:
        style = {"fault": "red", "gone": "red", "new": "yellow"}.get(row[1], "green")
        out.add_row(*(Text(text, style=style if column == "state" else "") for column, text in zip(COLUMNS, row, strict=True)))
    below = _below(application, rows) if not ids else []
    out.caption = Text("\n".join(below), style="red") if below else None
    return out


def daemon_problems(application: Application) -> list[str]:
    """Lists what is wrong with the daemon itself: what it has stored (a refused edit, no readable source), and the disks as they
    are now: on a full one it can't store anything."""
    from pathlib import Path

    from aggregator.run.disks import disk_conditions, why_unwritable
    from aggregator.run.health import daemon_conditions

    found = {one.key: (one.title, one.detail) for one in application.store.events(EVENTS) if one.closed is None}
    found = {key: told for key, told in found.items() if key.endswith(" daemon")}
    disks = list(disk_conditions(application.settings, probe=True))
    if any(one.kind in ("disk", "readonly") for one in disks):
        found.pop("space daemon", None)
    why = why_unwritable(Path(application.settings.storage.database).parent)
    found |= {one.key: (one.title, one.detail) for one in (*daemon_conditions({"database": why}), *disks)}
    return [mask_text(f"{title}: {detail}") for title, detail in found.values()]


def _format_wait(seconds: float) -> str:
    return f"in {format_duration(seconds)}" if seconds > 0 else "due"
