"""`aggregator backup`: copies the database while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.errors import UsageError
from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def command(application: Application, file: Path) -> None:
    """Copy the database to FILE while the daemon may go on.

    The copy is one checked file, as the database is at this instant. An older backup at FILE is told first, and replaced when
    the copy is whole; any other file is refused. It can't lie in `publish.directory`.
    """
    from aggregator.settings import is_on_server
    from aggregator.store.backup import NO_COPY, backup, is_backup

    public = Path(application.settings.publish.directory).resolve()
    if public in file.resolve().parents:
        raise UsageError(f"{file} would lie in publish.directory, which anybody may read: name another file")
    if not file.parent.is_dir():
        raise UsageError(
            f"there is no folder {file.parent}: it may be a disk that is not mounted; make the folder, or name another file"
        )
    database = Path(application.settings.storage.database)
    if is_on_server(application.settings.storage.database):
        raise UsageError(NO_COPY.format("storage.database"))
    if file.exists() and file.resolve() != database.resolve():
        if not is_backup(file):
            raise UsageError(f"{file} is there and is no backup of this program: it was not touched; name another file")
        info = file.stat()
        click.echo(f"replacing {file}, {info.st_size:,} bytes of {rfc3339(info.st_mtime)}", err=True)
    size = backup(database, file)
    click.echo(f"{file}: {size:,} bytes")
