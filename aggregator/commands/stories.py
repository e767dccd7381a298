"""`aggregator stories`: lists stories; merge, split and drop edit them for good."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import click

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Story


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each story.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many. Without --json, 30 unless told otherwise.")
@click.option("--since", help="Only stories with an entry first seen in this time, like 12h or 7d.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, limit: int | None, since: str | None) -> None:
    """Stored stories, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    from aggregator.ports import StoryFilter

    application: Application = ctx.obj
    bound = None if since is None else time.time() - duration(since)
    shown = False
    for story in application.store.find(StoryFilter(since=bound), limit or (None if as_json else 30)):
        click.echo(json.dumps(as_mapping(story), ensure_ascii=False) if as_json else line(story))
        shown = True
    if not shown and not as_json:
        click.echo("no story is stored yet: `aggregator poll` or `run` brings some" if since is None else "no story", err=True)


def as_mapping(story: Story) -> dict[str, Any]:
    """Returns a story as `stories --json` prints it."""
    return {
        "id": story.id,
        "title": story.lead_item.entry.title,
        "outlets": list(story.outlets),
        "items": [
            {
                "source": item.source,
                "guid": item.entry.guid or item.guid,
                "url": item.entry.url,
                "title": item.entry.title,
                "published": rfc3339(item.published),
            }
            for item in story.items
        ],
        "tags": sorted({tag.value for tag in story.tags}),
        "topics": sorted(story.topics),
    }


def line(story: Story) -> str:
    """Formats a story as one line: date, title, outlets, id."""
    when = (rfc3339(story.published) or "")[:16].replace("T", " ")
    return f"{when}  {story.lead_item.entry.title}  ({', '.join(story.outlets)})  {story.id}"


def duration(text: str) -> float:
    """Parses `45m`, `12h`, `7d` to seconds. Raises click.BadParameter."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is no duration: write a number and a unit, like 12h or 7d")
    return int(match[1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[match[2]]


@command.command()
@click.argument("first")
@click.argument("second")
@click.pass_obj
def merge(application: Application, first: str, second: str) -> None:
    """Make two stories one, for good. FIRST and SECOND are ids or addresses of stories."""
    kept = application.story_editor.merge(application.story_id(first), application.story_id(second))
    click.echo(f"one story now: {kept}")


@command.command()
@click.argument("item")
@click.pass_obj
def split(application: Application, item: str) -> None:
    """Take one entry out of its story, for good. ITEM is the address of its article, or its guid."""
    click.echo(f"a story of its own now: {application.story_editor.split(item)}")


@command.command()
@click.argument("url")
@click.pass_obj
def drop(application: Application, url: str) -> None:
    """Take a story down everywhere, for good. URL is the address of one of its articles."""
    click.echo(f"dropped: {application.story_editor.drop(url)}")
