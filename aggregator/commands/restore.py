"""`aggregator restore`: puts a backup in place of the database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sized
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.ports import Decision
    from aggregator.store.decisions_since import Since


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def command(application: Application, file: Path) -> None:
    """Put the backup FILE in place of the database.

    Refused while a daemon or a poll uses the database. The old database is set aside, not deleted; FILE stays as it is. What
    came after the backup gets the ids that readers know when it is fetched again: the old database and the published files
    tell them.
    """
    from aggregator.errors import UsageError
    from aggregator.files import make_folder
    from aggregator.settings import is_on_server
    from aggregator.store.lock import held
    from aggregator.stories.restoring.restore import restore_backup

    if is_on_server(application.settings.storage.database):
        raise UsageError("storage.database is on a server, where a dump is put back: `pg_restore --clean --dbname=ADDRESS FILE`")
    database = Path(application.settings.storage.database)
    make_folder(database.parent)
    with held(database):
        restored = restore_backup(file, application.settings, lambda: application.rules, time.time())
    click.echo(f"{database} is now the backup {file}")
    if restored.remembered:
        click.echo(f"{restored.remembered} entries that came since will get the ids that readers know, if they are fetched again")
    for line in _decided(restored.decided):
        click.echo(line)
    if restored.aside is not None:
        click.echo(f"the old database is {restored.aside}: delete it when all is well")


def _decided(since: Since) -> Iterator[str]:
    """Says what becomes of a person's decisions since the backup, and which commands say again what can't be taken over."""
    if since.holds:
        yield f"{_count(since.holds)} by hand since the backup, in force again (`aggregator stories decisions` lists them):"
        yield from (f"  {one.kind}: {one.traces.title or ', '.join(one.traces.entries)}" for one, _ in since.holds)
    if since.lost:
        yield f"{_count(since.lost)} by hand since the backup can't be taken over; once the entries are there, say again:"
        for one in since.lost:
            yield f"  aggregator stories {_again(one)}    # {one.traces.title}"
    if since.lifted:
        yield f"{_count(since.lifted)} undone since the backup, in force again; to undo them once more:"
        yield from (f"  aggregator stories undo {one.id}    # {one.kind}: {one.traces.title}" for one in since.lifted)


def _count(decisions: Sized) -> str:
    return "1 decision" if len(decisions) == 1 else f"{len(decisions)} decisions"


def _again(decision: Decision) -> str:
    """What to say to decide so again."""
    traces = decision.traces
    if decision.kind == "thread-merge":
        return f"thread merge {traces.into} {traces.thread or ' '.join(traces.stories[:1])}"
    named = traces.thread if decision.kind == "thread-drop" else None
    return f"{decision.kind.replace('thread-', 'thread ')} {quote(named or traces.url or traces.title)}"
