"""`aggregator stories`: lists stories; its commands edit them for good, list what was decided, and undo it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from aggregator.commands import threads
from aggregator.commands.threads import describe_thread_edit
from aggregator.commands.why_words import tell_article
from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import ItemId, Story
    from aggregator.ports import Attempt, Decision, Stories


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each story.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many. Without --json, 30 unless told otherwise.")
@click.option("--since", help="Only stories with an entry first seen in this time, like 12h or 7d.")
@click.pass_context
def command(ctx: click.Context, as_json: bool, limit: int | None, since: str | None) -> None:
    """Stored stories, newest first. Wherever an id is wanted, its first six characters are enough."""
    if ctx.invoked_subcommand is not None:
        return
    from aggregator.ports import StoryFilter

    application: Application = ctx.obj
    bound = None if since is None else time.time() - duration(since)
    shown = False
    for story in application.store.find(StoryFilter(since=bound), limit or (None if as_json else 30)):
        if as_json:
            attempts = application.store.attempts([item.id for item in story.items])
            click.echo(json.dumps(as_mapping(story, attempts), ensure_ascii=False))
        else:
            click.echo(line(story))
        shown = True
    if not shown and not as_json:
        click.echo("no story is stored yet: `aggregator poll` or `run` brings some" if since is None else "no story", err=True)


command.add_command(threads.list_threads)
command.add_command(threads.correct)


def as_mapping(story: Story, attempts: Mapping[ItemId, Attempt] = MappingProxyType({})) -> dict[str, Any]:
    """Returns a story as `stories --json` prints it. attempts: to fetch articles, of entries whose full text was asked for."""
    return {
        "id": story.id,
        "title": story.title,
        "outlets": list(story.outlets),
        "items": [
            {
                "source": item.source,
                "guid": item.entry.guid or item.guid,
                "url": item.entry.url,
                "title": item.entry.title,
                "published": rfc3339(item.published),
            }
            | ({"full_text": tell_article(attempts[item.id])} if item.id in attempts else {})
            for item in story.items
        ],
        "tags": sorted({tag.value for tag in story.tags}),
        "tags_by_kind": _by_kind(story),
        "topics": sorted(story.topics),
        "lead": story.lead_item.entry.url or story.lead_item.guid,
        "thread": story.thread.id if story.thread is not None else None,
    }


def _by_kind(story: Story) -> dict[str, list[str]]:
    """The story's tags and its items' languages under the fields by which queries ask for them."""
    from aggregator.model import TagKind

    kinds = {str(kind): sorted({tag.value for tag in story.tags if tag.kind is kind}) for kind in TagKind}
    return kinds | {"lang": sorted({item.language for item in story.items} - {"und"})}


def line(story: Story) -> str:
    """Formats a story as one line: date, title, outlets, id."""
    when = (rfc3339(story.published) or "")[:16].replace("T", " ")
    return f"{when}  {story.title}  ({', '.join(story.outlets)})  {story.id}"


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
    story = application.store.story(kept)
    assert story is not None
    click.echo(f"one story now: {story.title}  ({len(story.items)} entries; {story.lead_item.outlet} leads)  {kept}")
    _tell_kept_out(application, story)


@command.command()
@click.argument("item")
@click.option("--story", "within", help="The id of its story (six characters do), where several have this address.")
@click.pass_obj
def split(application: Application, item: str, within: str | None) -> None:
    """Take one entry out of its story, for good. ITEM is the address of its article, or its guid.

    It is a story of its own then. Later reports may join that, but nothing of the story that it was taken out of.
    """
    click.echo(f"a story of its own now: {application.story_editor.split(item, within)}")
    click.echo("later reports may join it, but never what it was parted from (`aggregator stories merge` would)")


@command.command()
@click.argument("url")
@click.pass_obj
def drop(application: Application, url: str) -> None:
    """Take a story down everywhere, for good. URL is the address of one of its articles, or the story's id."""
    from aggregator.stories.decisions.find_named import find_story

    outlets = find_story(application.store, url).outlets
    click.echo(f"dropped: {application.story_editor.drop(url)}")
    if len(outlets) > 1:
        click.echo("later reports of the same stay away with it: `aggregator stories decisions` tells which")
    else:
        click.echo(f"what {', '.join(outlets) or 'its source'} sends of it stays away; others' reports of the same will be shown")


@command.command()
@click.argument("url")
@click.option("--story", "within", help="The id of its story (six characters do), where several have this address.")
@click.pass_obj
def pin(application: Application, url: str, within: str | None) -> None:
    """Let one entry lead its story, for good. URL is the address of its article."""
    click.echo(f"leads its story now: {application.story_editor.pin(url, within)}")


@command.command()
@click.argument("url")
@click.argument("headline")
@click.pass_obj
def title(application: Application, url: str, headline: str) -> None:
    """Correct the headline of a story, for good. URL is the address of one of its articles, HEADLINE plain text."""
    from aggregator.stories.decisions.find_named import full_id

    url = full_id(application.store, url)
    click.echo(f"headline corrected; it was: {application.story_editor.title(url, headline)}")
    if (found := application.store.story_of(url)) is not None and (story := application.store.story(found)) is not None:
        _tell_kept_out(application, story)


def _tell_kept_out(application: Application, story: Story) -> None:
    """Names the feeds that the story matches and is too old for."""
    from aggregator.stories.membership import decide_membership

    store, now = application.store, time.time()
    wanted = application.rules.apply(replace(story, items=story.reports), now).outputs
    members = store.members_of([story.id])[story.id]
    settle = application.settings.publish.settle
    for slug in decide_membership(story, wanted, members, store.outputs(), now=now, settle=settle).enter:
        click.echo(f"it matches the feed {slug}, but is older than what that shows: `aggregator topics fill {slug}` lets it in")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each decision.")
@click.pass_obj
def decisions(application: Application, as_json: bool) -> None:
    """List what was decided by hand, the last first, with the ids that `undo` takes."""
    found = application.store.decisions()
    for decision in reversed(found):
        row = decision_row(decision, application.store)
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else decision_line(row))
    if not found and not as_json:
        click.echo("nothing was decided by hand yet", err=True)


@command.command()
@click.argument("id", type=int)
@click.pass_obj
def undo(application: Application, id: int) -> None:
    """Undo a decision. ID is its number in `aggregator stories decisions`."""
    decision = application.story_editor.undo(id)
    click.echo(f"undone: {decision.kind} of {decision_row(decision, application.store)['title']}")
    concerned = decision.traces.stories or decision.traces.entries
    ids = dict.fromkeys(filter(None, map(application.store.story_of, concerned)))
    for story in application.store.stories(ids):
        if story.items:
            click.echo(f"  {line(story)}")


def decision_row(decision: Decision, store: Stories) -> dict[str, Any]:
    """Returns a decision as `stories decisions --json` prints it."""
    return {
        "id": decision.id,
        "kind": decision.kind,
        "at": rfc3339(decision.at),
        "title": decision.traces.title or _title_now(decision.traces.entries, store),
        "url": decision.traces.url,
        "stories": list(decision.traces.stories),
        "did": _describe(decision) + _kept_away(decision, store) + _lapsed(decision, store),
        "undone": rfc3339(decision.undone),
    }


def decision_line(row: dict[str, Any]) -> str:
    """Formats a decision as two lines: number, date, kind, title; then what it did."""
    over = f"; undone {row['undone'][:16].replace('T', ' ')}" if row["undone"] else ""
    return f"{row['id']:>4}  {row['at'][:16].replace('T', ' ')}  {row['kind']:<5}  {row['title']}\n      {row['did']}{over}"


def _title_now(entries: tuple[str, ...], store: Stories) -> str:
    """The headline of the first entry that is still stored: a decision of an older release names its entries alone."""
    for entry in entries:
        found = store.story_of(entry) or store.story_of(entry.partition(" ")[2])
        if found is not None and (story := store.story(found)) is not None and story.items:
            return story.title
    return ", ".join(entries)


def _kept_away(decision: Decision, store: Stories) -> str:
    """Says which reports have joined a dropped story since, so that nobody has seen them."""
    if decision.kind != "drop" or decision.undone is not None:
        return ""
    late = []
    for story in store.stories(decision.traces.stories):
        joined = store.evidence(story.id)
        late += [item for item in story.items if item.id in joined and joined[item.id][0] > decision.at]
    if not late:
        return ""
    reports = "1 report that came since stays" if len(late) == 1 else f"{len(late)} reports that came since stay"
    return f"; {reports} away with it ({', '.join(dict.fromkeys(item.outlet for item in late))})"


def _lapsed(decision: Decision, store: Stories) -> str:
    """Says since when a headline is not shown any more."""
    if decision.kind != "title" or decision.undone is not None:
        return ""
    at = next((one.at for one in store.overrides() if one.decision == decision.id and one.b is None), None)
    when = (rfc3339(at) or "")[:16].replace("T", " ")
    return f"; lapsed {when}: its entry was edited into other news, which stands under its own headline" if at is not None else ""


def _describe(decision: Decision) -> str:
    """Says in a few words what a decision did."""
    traces, count = decision.traces, len(decision.traces.items)
    entries = "1 entry" if count == 1 else f"{count} entries"
    match decision.kind, traces.stories:
        case "merge", (kept, alias):
            return f"{alias} ({entries}) became part of {kept}"
        case "split", (left, new):
            return f"{entries} of {left} became {new}"
        case "drop", (story, *_):
            return f"{story} was taken down everywhere"
        case "pin", (story, *_):
            return f"{traces.url or 'an entry'} leads {story}"
        case "title", (story, *_):
            return f"{story} is headed: {traces.text}"
        case "thread-merge" | "thread-split" | "thread-drop" as kind, stories if stories:
            return describe_thread_edit(kind, traces)
    return "made by an earlier release or before a restore: only what it binds is known"
