"""`aggregator poll`: polls what is due once, and ends. If a daemon is running, it polls instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from aggregator.app import poll_once
from aggregator.commands.application import Application
from aggregator.logs import configure
from aggregator.model import PollReport
from aggregator.run.polls.outage import explain_reports, is_private
from aggregator.store.opening import find_holder

NOTHING_DUE = "0 polled: nothing is due (`status` says when; `poll --all` asks every source now)"
NO_SOURCES = "0 polled: the config has no sources"


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every source, due or not. (Retry-After and holds still bind.)")
@click.pass_obj
def command(application: Application, ids: tuple[str, ...], everything: bool) -> None:
    """Poll what is due once (or these sources, or --all), publish, and end.

    A source that fails is reported and does not change the exit code.
    """
    configure(level="warning")
    sources = application.pick(ids)
    wanted = [source.id for source in sources] if ids else None
    with progress(len(sources)) as done:
        one_poll = poll_once(
            *(application.settings, application.checked_settings, application.database, wanted),
            forced=bool(ids or everything),
            done=done,
            asks=lambda: _tell_who_polls(application.settings.storage.database),
        )
        reports = asyncio.run(one_poll)
    urls = {source.id: source.url for source in sources}
    why = explain_reports(reports, urls)
    if why is not None:
        click.echo(f"no source could be read: {why}", err=True)
    for report in reports:
        is_told = why is not None and not is_private(urls.get(report.source, ""))
        if report.outcome == "refused" or (report.outcome == "failed" and not is_told):
            click.echo(f"{report.source}: {report.detail}", err=True)
    click.echo(summary(reports) if reports else NOTHING_DUE if sources else NO_SOURCES)


def _tell_who_polls(database: str) -> None:
    holder = find_holder(database)
    click.echo(f"asking the running daemon{f' ({holder})' if holder else ''} to poll", err=True)


@contextmanager
def progress(total: int) -> Iterator[Callable[[PollReport], None]]:
    """Shows a progress bar on a terminal. Yields the function to call with each report."""
    import sys

    if not sys.stderr.isatty():
        yield lambda report: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("polling", total=total)
        yield lambda report: bar.advance(task)


def summary(reports: list[PollReport]) -> str:
    """Summarises polls in one line: how many, their new and changed entries, how many failed."""
    count = {
        outcome: sum(report.outcome == outcome for report in reports) for outcome in ("changed", "unchanged", "failed", "refused")
    }
    new, changed = sum(report.new for report in reports), sum(report.changed for report in reports)
    parts = [
        f"{len(reports)} polled",
        f"{new} new {'entry' if new == 1 else 'entries'}",
        f"{changed} changed {'entry' if changed == 1 else 'entries'}",
        f"{count['unchanged']} {'source' if count['unchanged'] == 1 else 'sources'} unchanged",
    ]
    parts += [
        f"{count[outcome]} {label}" for outcome, label in (("failed", "failed"), ("refused", "not asked")) if count[outcome]
    ]
    return ", ".join(parts)
