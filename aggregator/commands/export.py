"""`aggregator export opml` and `aggregator export DIR`: writes the sources as OPML, or the public site as static files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.errors import UsageError
from aggregator.text.masks import mask_url, without_user

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Source
    from aggregator.publish.site.export import Exported


@click.command()
@click.argument("target", metavar="opml|DIR")
@click.pass_obj
def command(application: Application, target: str) -> None:
    """Print the sources as OPML (`export opml`), or write the whole public site into a directory (`export DIR`)."""
    if target == "opml":
        click.echo(sources_as_opml(application), nl=False)
        return
    done = export_site(application, Path(target))
    files = "1 file" if len(done.written) == 1 else f"{len(done.written)} files"
    click.echo(f"{files} written, {done.kept} were there already, {len(done.removed)} removed")


def export_site(application: Application, target: Path) -> Exported:
    """Updates a directory to what is published. Raises UsageError if nothing has been published yet."""
    from aggregator.publish.selection import private
    from aggregator.publish.site.export import Export
    from aggregator.publish.site.ownership import SITE_ID

    settings, store = application.settings, application.store
    if store.value(SITE_ID) is None:
        raise UsageError("nothing is published yet: `aggregator poll` does it once, `aggregator run` all the time")
    if private.wanted_sources(store, settings) - private.known_sources(store):
        raise UsageError("what is published still shows a source that is private now: run `aggregator poll`, or the daemon")
    return Export(settings, store).run(target)


def sources_as_opml(application: Application) -> bytes:
    """Writes OPML 2.0 of all sources, with the feeds' own titles if there is a database.

    Another reader must be able to poll these addresses, so they are not masked. But passwords are left out, and placeholders like
    `${KEY}` stay as the config has them.
    """
    from aggregator.config import opml

    settings = application.settings
    states = application.store.states()
    feeds = []
    for source in settings.sources:
        state = states.get(source.id)
        title = source.title or (state.title if state else None)
        feeds.append(opml.Subscription(_address(source), title, state.home if state else None, source.group))
    return opml.write(settings.site.title, feeds)


def _address(source: Source) -> str:
    return without_user(source.url) if source.shown in ("", mask_url(source.url)) else source.shown
