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
    from aggregator.publish.digests import LOOKED_KEY
    from aggregator.publish.ownership import SITE_ID
    from aggregator.store.backup import restore
    from aggregator.store.lock import held
    from aggregator.store.set_aside import Names, Published, take_over
    from aggregator.stories.published_entries import read_published

    settings, now = application.settings, time.time()
    database = Path(settings.storage.database)
    make_folder(database.parent)
    names = Names(SITE_ID, LOOKED_KEY, frozenset(output.slug for output in settings.outputs if output.digest is not None))
    with held(database):
        files = read_published(settings)
        published = Published(files.entries, {LOOKED_KEY + slug: at for slug, at in files.digests.items()})
        counts: list[int] = []
        aside = restore(file, database, now, lambda copy: counts.append(take_over(copy, database, published, names, now)))
    click.echo(f"{database} is now the backup {file}")
    if counts[0]:
        click.echo(f"{counts[0]} entries that came since will get the ids that readers know, if they are fetched again")
    if aside is not None:
        click.echo(f"the old database is {aside}: delete it when all is well")
