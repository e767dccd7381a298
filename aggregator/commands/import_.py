"""`aggregator import FILE.opml`: adds the feeds of an OPML file to the config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.errors import AggregatorError
from aggregator.text.masks import mask_url

if TYPE_CHECKING:
    from aggregator.commands.application import Application


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--group", help="Group of all of them; else the outlines they stand in.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be added.")
@click.pass_obj
def command(application: Application, file: Path, group: str | None, dry_run: bool) -> None:
    """Add the feeds of an OPML file that are not in the config yet.

    Lines are only added: comments, order and quotes of the config stay. Outlines that can't be polled are told.
    """
    from aggregator.commands.add import with_ids
    from aggregator.config import opml
    from aggregator.config.edit import NewSource, add_sources

    content = opml.read(file.read_bytes())
    if isinstance(content, opml.Unreadable):
        raise AggregatorError(f"{file} is no list of feeds: {content.reason}")
    application.allow_no_sources()
    known = {source.url for source in application.settings.sources}
    new = [NewSource(feed.url, None, feed.title, group or feed.group) for feed in content.feeds if feed.url not in known]
    new = with_ids(new, application.settings)
    for reason in content.refused:
        click.echo(f"{file}: left out: {reason}", err=True)
    for include in content.includes:
        url = mask_url(include.url)
        told = f"line {include.line}: another list, {url}; `- opml: {url}` among the sources follows it"
        click.echo(f"{file}: left out: {told}", err=True)
    if not dry_run:
        add_sources(application.config_path, new, application.check_text)
    for one in new if dry_run else ():
        click.echo(mask_url(one.url) + (f" ({one.group})" if one.group else ""))
    there, left = len(content.feeds) - len(new), len(content.refused) + len(content.includes)
    click.echo(f"{len(new)} {'would be added' if dry_run else 'added'}, {there} there already, {left} left out")
