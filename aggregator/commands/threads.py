"""`aggregator stories thread` and `stories threads`: lists running events, and corrects what belongs to them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Thread, ThreadId
    from aggregator.ports import StoreView, Traces


@click.command("threads")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each thread.")
@click.option("--limit", type=click.IntRange(min=1), default=30, show_default=True, help="At most so many.")
@click.pass_obj
def list_threads(application: Application, as_json: bool, limit: int) -> None:
    """Running threads, those with the newest report first, with the ids that `thread:ID` follows or mutes.

    A thread runs while reports come within `threads.within`.
    """
    since = time.time() - application.settings.threads.within
    found = application.store.running_threads(since, limit)
    titles = {story.id: story.title for story in application.store.stories([thread.head for thread in found])}
    for thread in found:
        row = as_mapping(thread, titles.get(thread.head, ""))
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else line(row))
    if not found and not as_json:
        off = "threads are turned off (`dedup: {threads: false}`)"
        running = "no event is running: a thread has three stories at least"
        click.echo(running if application.settings.threads.enabled else off, err=True)


def as_mapping(thread: Thread, title: str) -> dict[str, Any]:
    """Returns a thread as `stories threads --json` prints it."""
    return {
        "id": thread.id,
        "title": title,
        "stories": thread.stories,
        "outlets": thread.outlets,
        "began": rfc3339(thread.began),
        "newest": rfc3339(thread.newest),
    }


def line(row: dict[str, Any]) -> str:
    """Formats a thread as one line: newest report, title, counts, id."""
    outlets = "1 outlet" if row["outlets"] == 1 else f"{row['outlets']} outlets"
    when = (row["newest"] or "")[:16].replace("T", " ")
    return f"{when}  {row['title']}  ({row['stories']} stories, {outlets})  {row['id']}"


@click.group("thread")
def correct() -> None:
    """Correct threads, for good: `stories undo` takes it back."""


@correct.command()
@click.argument("first", metavar="THREAD|STORY")
@click.argument("second", metavar="THREAD|STORY")
@click.pass_obj
def merge(application: Application, first: str, second: str) -> None:
    """Make two threads one, or put a story into a thread. A story stands for its thread; the larger one keeps its id."""
    click.echo(f"one thread now: {tell(application.store, application.thread_editor.merge(first, second))}")


@correct.command()
@click.argument("story")
@click.pass_obj
def split(application: Application, story: str) -> None:
    """Take a story out of its thread. STORY is its id, or the address of one of its articles."""
    click.echo(f"not in that thread any more: {application.thread_editor.split(story).title}")


@correct.command()
@click.argument("named", metavar="THREAD|STORY")
@click.pass_obj
def drop(application: Application, named: str) -> None:
    """End a thread. Its stories stay, and are in no thread again."""
    click.echo(f"a thread no more: {application.thread_editor.drop(named)}")


def describe_thread_edit(kind: str, traces: Traces) -> str:
    """Says in a few words what a decision on threads did."""
    count = len(traces.stories)
    stories = traces.stories[0] if count == 1 else f"{count} stories"
    match kind:
        case "thread-split":
            return f"{stories} left thread {traces.thread}"
        case "thread-drop":
            return f"thread {traces.thread} ended; its {count} stories are in none again"
    return f"thread {traces.thread} became part of {traces.into}" if traces.thread else f"{stories} came into {traces.into}"


def tell(store: StoreView, id: ThreadId) -> str:
    """Names a thread in a few words."""
    thread = store.thread(id)
    if thread is None:
        return f"two stories, shown when a third one comes  {id}"
    [head] = store.stories([thread.head])
    return f"{head.title}  ({thread.stories} stories)  {thread.id}"
