"""`aggregator backup`: copies the database while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.errors import UsageError

if TYPE_CHECKING:
    from aggregator.commands.application import Application


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def command(application: Application, file: Path) -> None:
    """Copy the database to FILE while the daemon may go on.

    The copy is one checked file, as the database is at this instant; a FILE that is there is replaced when it is whole.
    It can't lie in `publish.directory`.
    """
    from aggregator.store.backup import backup

    public = Path(application.settings.publish.directory).resolve()
    if public in file.resolve().parents:
        raise UsageError(f"{file} would lie in publish.directory, which anybody may read: name another file")
    size = backup(Path(application.settings.storage.database), file)
    click.echo(f"{file}: {size:,} bytes")
