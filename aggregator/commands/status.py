"""`aggregator status`: shows the state of each source."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from aggregator.commands.columns import aligned
from aggregator.run import status

if TYPE_CHECKING:
    from rich.table import Table

    from aggregator.commands.application import Application


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
        yield status.as_mapping(source, states.get(source.id) or status.unpolled(source), application.settings.secrets)


def cells(application: Application, ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yields the values of COLUMNS for each source."""
    for row in status.source_rows(application.settings, application.store, application.pick(ids), time.time()):
        yield row.id, row.state, str(row.entries), row.last, row.next, row.why


def plain_lines(application: Application, ids: tuple[str, ...]) -> Iterator[str]:
    """Yields the table as lines of plain text, and below it what is wrong with the daemon."""
    rows = list(cells(application, ids))
    yield from aligned([COLUMNS, *rows])
    if not ids:
        yield from _below(application, rows)


def _below(application: Application, rows: Iterable[Sequence[str]]) -> list[str]:
    """Lists what stands below the table of all sources."""
    nothing = [NOTHING_YET] if all(row[1] in ("new", "disabled") for row in rows) else []
    return nothing + status.hook_lines(application.settings, application.store) + daemon_problems(application)


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
    """Lists what is wrong with the daemon itself."""
    return status.daemon_problems(application.settings, application.store)
