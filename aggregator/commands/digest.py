"""`aggregator digest`: what the next issue of a digest would say, or what the last one said."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.settings import Output


@click.command()
@click.argument("slug", required=False)
@click.option("--preview", is_flag=True, help="The issue that would be made now. Nothing is stored or published.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object: title, date, html.")
@click.pass_obj
def command(application: Application, slug: str | None, preview: bool, as_json: bool) -> None:
    """Show the last issue of the digest SLUG, or with --preview the next one. SLUG may be left out if there is one digest."""
    from aggregator.publish.messages.digest_text import as_text
    from aggregator.publish.messages.digests import Digests

    output = _find(application, slug)
    digests = Digests(application.settings, application.store, lambda: _site_id(application))
    issue = digests.preview(output, time.time()) if preview else digests.last(output)
    if issue is None:
        click.echo(
            "there is nothing new for an issue" if preview else "no issue was made yet: --preview shows the next one", err=True
        )
        return
    if as_json:
        from aggregator.text.times import rfc3339

        row = {"title": issue.title, "date": rfc3339(issue.published), "html": issue.body}
        click.echo(json.dumps(row, ensure_ascii=False))
    else:
        click.echo(f"{issue.title}\n{as_text(issue.body)}")


def _find(application: Application, slug: str | None) -> Output:
    from aggregator.errors import UsageError

    digests = {str(output.slug): output for output in application.settings.outputs if output.digest is not None}
    if not digests:
        raise UsageError('no output is a digest: `digest: "0 6 * * *"` makes one of it')
    if slug is None and len(digests) == 1:
        return next(iter(digests.values()))
    if slug is None or slug not in digests:
        wrong = f"there is no digest {slug!r}" if slug is not None else "there are several digests"
        raise UsageError(f"{wrong}: name one of {', '.join(sorted(digests))}")
    return digests[slug]


def _site_id(application: Application) -> str:
    """The database's UUID, or that of nothing before the first publication."""
    import uuid

    from aggregator.publish.site.ownership import SITE_ID

    return application.store.value(SITE_ID) or str(uuid.UUID(int=0))
