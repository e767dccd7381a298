"""`aggregator status`: shows the state of each source."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from aggregator.commands.columns import aligned
from aggregator.run.monitoring import status

if TYPE_CHECKING:
    from rich.table import Table

    from aggregator.commands.application import Application


NOTHING_YET = "nothing has been polled yet: `aggregator poll` does it once, `aggregator run` all the time"
FAULTS = ("fault", "gone")
STATES = (*FAULTS, "ok", "new", "disabled")
"""What `run.status.condition` tells, in the order in which a person wants to know."""
COLUMNS = ("source", "state", "entries", "last", "next", "why")


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each source.")
@click.option("--watch", is_flag=True, help="Refresh the table every two seconds until interrupted.")
@click.option("--faults", is_flag=True, help="Only the sources that fail or are gone.")
@click.pass_obj
def command(application: Application, ids: tuple[str, ...], as_json: bool, watch: bool, faults: bool) -> None:
    """How each source is doing: its last answer, its rhythm, what was dropped."""
    if as_json:
        shown = (row for row in rows(application, ids) if not faults or row["state"] in FAULTS)
        _print(map(json.JSONEncoder(ensure_ascii=False).encode, shown))
        return
    if not watch and not sys.stdout.isatty():  # for a file or another program: one unbroken line per source
        _print(plain_lines(application, ids, faults=faults))
        return
    from rich.console import Console
    from rich.live import Live

    if not watch:
        Console().print(table(application, ids, faults=faults))
        return
    with Live(table(application, ids, faults=faults, is_clipped=True), refresh_per_second=1) as live:
        try:
            while True:
                time.sleep(2)
                live.update(table(application, ids, faults=faults, is_clipped=True))
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


def plain_lines(application: Application, ids: tuple[str, ...], *, faults: bool = False) -> Iterator[str]:
    """Yields the table as lines of plain text, and below it what is wrong with the daemon, and how many sources are how."""
    rows = list(cells(application, ids))
    yield from aligned([COLUMNS, *_chosen(rows, faults)])
    if not ids:
        yield from _below(application, rows)
        yield summary(rows)


def _chosen(rows: Sequence[tuple[str, ...]], faults: bool) -> list[tuple[str, ...]]:
    return [row for row in rows if not faults or row[1] in FAULTS]


def summary(rows: Sequence[Sequence[str]]) -> str:
    """Sums up the table, like `39 sources: 35 fault, 4 ok`."""
    count = Counter(row[1] for row in rows)
    states = ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
    return f"{len(rows)} {'source' if len(rows) == 1 else 'sources'}: {states}" if rows else "no sources"


def _below(application: Application, rows: Iterable[Sequence[str]]) -> list[str]:
    """Lists what stands below the table of all sources."""
    nothing = [NOTHING_YET] if all(row[1] in ("new", "disabled") for row in rows) else []
    return nothing + status.hook_lines(application.settings, application.store) + daemon_problems(application)


def table(application: Application, ids: tuple[str, ...], *, faults: bool = False, is_clipped: bool = False) -> Table:
    """Makes the table for a terminal. faults: of sources at fault alone; is_clipped: each source takes one line."""
    from rich.table import Table
    from rich.text import Text

    out = Table(box=None, header_style="bold", pad_edge=False)
    for column in COLUMNS:
        is_whole = is_clipped or column not in ("why", "source")
        out.add_column(column, overflow="ellipsis" if is_clipped else "fold", no_wrap=is_whole)
    rows = list(cells(application, ids))
    for row in _chosen(rows, faults):
        style = {"fault": "red", "gone": "red", "new": "yellow"}.get(row[1], "green")
        out.add_row(*(Text(text, style=style if column == "state" else "") for column, text in zip(COLUMNS, row, strict=True)))
    if not ids:
        below = "".join(f"{line}\n" for line in _below(application, rows))
        out.caption = Text.assemble((below, "red"), summary(rows), justify="left")
    return out


def daemon_problems(application: Application) -> list[str]:
    """Lists what is wrong with the daemon itself."""
    return status.daemon_problems(application.settings, application.store)
