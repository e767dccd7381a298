"""`aggregator export opml` and `aggregator export DIR`: the sources as OPML, the public site as static files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.errors import UsageError

if TYPE_CHECKING:
    from aggregator.app import Application


@click.command()
@click.argument("target", metavar="opml|DIR")
@click.pass_obj
def command(application: Application, target: str) -> None:
    """Print the sources as OPML (`export opml`), or write the whole public site into a directory (`export DIR`)."""
    if target == "opml":
        click.echo(sources_as_opml(application), nl=False)
        return
    raise UsageError(f"export to a directory is not there yet; {application.settings.publish.directory} holds the public files")


def sources_as_opml(application: Application) -> bytes:
    """OPML 2.0 of all sources, without passwords and secrets; with the titles that the feeds gave, if there is a database."""
    from aggregator.config import opml

    settings = application.settings
    states = application.store.states() if Path(settings.storage.database).exists() else {}
    feeds = []
    for source in settings.sources:
        state = states.get(source.id)
        title = source.title or (state.title if state else None)
        feeds.append(opml.Subscription(source.shown or source.url, title, state.home if state else None, source.group))
    return opml.write(settings.site.title, feeds)
