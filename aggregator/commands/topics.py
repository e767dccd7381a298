"""`aggregator topics`: the topics of the config. `topics try` shows what a query would match, `topics fill` fills a feed."""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each topic.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """The topics of the config, with how many stories their feeds have."""
    if ctx.invoked_subcommand is not None:
        return
    application: Application = ctx.obj
    for topic in application.settings.topics:
        stories = len(application.store.members(topic.slug))
        query = " ".join(topic.query.split())
        if as_json:
            row = {"slug": topic.slug, "title": topic.title, "query": query, "stories": stories, "tests": len(topic.expect)}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(f"{topic.slug}  {topic.title}  {stories} {'story' if stories == 1 else 'stories'}\n    {query}")


@command.command("fill")
@click.argument("slug")
@click.pass_obj
def fill_feed(application: Application, slug: str) -> None:
    """Let the newest stored stories that match into a feed that people read already, whatever their age, up to its `items`.

    Subscribers see them as new, with their old dates.
    """
    from aggregator.errors import UsageError
    from aggregator.stories.upkeep.adopt_config import fill

    feeds = {str(output.slug): output for output in application.settings.outputs if not output.rejected}
    if slug not in feeds:
        raise UsageError(f"there is no feed {slug!r}; there are {', '.join(sorted(feeds))}")
    count = fill(application.store, application.rules, feeds[slug], time.time())
    click.echo(f"{count} {'story enters' if count == 1 else 'stories enter'} the feed {slug}")


@command.command("try", context_settings={"ignore_unknown_options": True})
@click.argument("query", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most so many stories.")
@click.option("--since", default="7d", show_default=True, help="Among stories with an entry first seen in this time.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each story.")
@click.pass_obj
def try_query(application: Application, query: tuple[str, ...], limit: int, since: str, as_json: bool) -> None:
    """What QUERY matches among stored stories, with the deciding words marked, and how many there are in all."""
    from aggregator.commands.search import find_matches, format_match, parse_query, tell_unknown_outlets
    from aggregator.commands.stories import as_mapping

    parsed = parse_query(application, query)
    found = find_matches(application.store, parsed, since, time.time())
    shown = 0
    for story, explanation in islice(found, limit):
        shown += 1
        if as_json:
            click.echo(json.dumps({**as_mapping(story), "reason": explanation.branch}, ensure_ascii=False))
        else:
            click.echo(format_match(story, explanation))
    if not as_json:
        total = shown + sum(1 for _ in found)
        rest = f", {shown} shown" if total > shown else ""
        click.echo(f"{total} {'story' if total == 1 else 'stories'} first seen in the last {since}{rest}")
        if not total:
            tell_unknown_outlets(application, parsed)
