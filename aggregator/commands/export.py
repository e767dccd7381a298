"""`aggregator export`: the sources as OPML, or the public site as static files in a directory or an object store."""

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
@click.argument("target", metavar="opml|DIR|ADDRESS")
@click.pass_obj
def command(application: Application, target: str) -> None:
    """Print the sources as OPML (`export opml`), or write the whole public site into a directory (`export DIR`) or an object
    store (`export s3://BUCKET/PREFIX`).
    """
    if target == "opml":
        click.echo(sources_as_opml(application), nl=False)
        return
    done = export_objects(application, target) if "://" in target else export_site(application, Path(target))
    files = "1 file" if len(done.written) == 1 else f"{len(done.written)} files"
    click.echo(f"{files} written, {done.kept} were there already, {len(done.removed)} removed")


def export_site(application: Application, target: Path) -> Exported:
    """Updates a directory to what is published. Raises UsageError if nothing has been published yet."""
    from aggregator.publish.site.export import Export

    _check_published(application)
    return Export(application.settings, application.store).run(target)


def export_objects(application: Application, address: str) -> Exported:
    """The same for a place in an object store. Raises AggregatorError if that can't be written."""
    import asyncio
    import time

    from aggregator.config.object_stores import check_address

    check_address(address)
    _check_published(application)
    from aggregator.publish.objects.bucket import Bucket
    from aggregator.publish.objects.mirror import Mirror
    from aggregator.publish.site.ownership import SITE_ID, make_owner

    settings, store = application.settings, application.store
    mirror = Mirror(Bucket(address.rstrip("/")), time.monotonic)
    owner = make_owner(settings, store.value(SITE_ID), store.outputs().keys())

    async def copy() -> Exported:
        done = await mirror.update(settings, owner, asyncio.to_thread)
        await mirror.save()
        return done

    return asyncio.run(copy())


def _check_published(application: Application) -> None:
    """Raises UsageError if nothing is published, or what is private by now."""
    from aggregator.publish.selection import private
    from aggregator.publish.site.ownership import SITE_ID

    settings, store = application.settings, application.store
    if store.value(SITE_ID) is None:
        raise UsageError("nothing is published yet: `aggregator poll` does it once, `aggregator run` all the time")
    if private.wanted_sources(store, settings) - private.known_sources(store):
        raise UsageError("what is published still shows a source that is private now: run `aggregator poll`, or the daemon")


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
