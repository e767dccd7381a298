"""`aggregator restore`: puts a backup in place of the database."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def command(application: Application, file: Path) -> None:
    """Put the backup FILE in place of the database.

    Refused while a daemon or a poll uses the database. The old database is set aside, not deleted; FILE stays as it is. What
    came after the backup gets the ids that readers know when it is fetched again: the old database and the published files
    tell them.
    """
    from aggregator.files import make_folder
    from aggregator.store.lock import held
    from aggregator.stories.restore import restore_backup

    database = Path(application.settings.storage.database)
    make_folder(database.parent)
    with held(database):
        restored = restore_backup(file, application.settings, lambda: application.rules, time.time())
    click.echo(f"{database} is now the backup {file}")
    if restored.remembered:
        click.echo(f"{restored.remembered} entries that came since will get the ids that readers know, if they are fetched again")
    if restored.aside is not None:
        click.echo(f"the old database is {restored.aside}: delete it when all is well")
