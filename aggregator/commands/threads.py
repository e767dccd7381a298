"""`aggregator stories thread` and `stories threads`: lists running events, and corrects what belongs to them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import click

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Thread, ThreadId
    from aggregator.ports import StoreView, Traces
    from aggregator.stories.decisions.thread_edit import Split


Sort: TypeAlias = Literal["weight", "size", "newest"]
SORTS: tuple[Sort, ...] = get_args(Sort)
ALL = 1_000_000
"""More threads than can run at once."""


@click.command("threads")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each thread.")
@click.option("--limit", type=click.IntRange(min=1), default=30, show_default=True, help="At most so many.")
@click.option("--sort", type=click.Choice(SORTS), default="weight", show_default=True, help="Which threads come first.")
@click.pass_obj
def list_threads(application: Application, as_json: bool, limit: int, sort: Sort) -> None:
    """Running threads, those that most outlets tell now first, with the ids that `thread:ID` follows or mutes.

    A thread runs while reports come within `threads.within`. By weight, size (how many stories), or the newest report; among
    equals, the newest report comes first.
    """
    now = time.time()
    running = application.store.running_threads(now - application.settings.threads.within, ALL)
    weights = _weights(application.store, running, now)
    found = _in_order(running, weights, sort)[:limit]
    titles = {story.id: story.title for story in application.store.stories([thread.head for thread in found])}
    for thread in found:
        row = as_mapping(thread, titles.get(thread.head, "")) | {"weight": round(weights[thread.id], 2)}
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else line(row))
    if not found and not as_json:
        off = "threads are turned off (`dedup: {threads: false}`)"
        none = "no event is running: a thread has three stories at least"
        click.echo(none if application.settings.threads.enabled else off, err=True)


def _weights(store: StoreView, threads: Sequence[Thread], now: float) -> dict[ThreadId, float]:
    """The weight of each thread: how many outlets tell it now."""
    from aggregator.publish.selection.weight import WINDOW, Weights

    weights = Weights(store.reports(now - WINDOW), now)
    return {thread.id: weights.of(thread.head, thread.id) for thread in threads}


def _in_order(threads: Sequence[Thread], weights: Mapping[ThreadId, float], sort: Sort) -> list[Thread]:
    """Threads come with the newest report first, and so they stay among equals."""
    match sort:
        case "weight":
            return sorted(threads, key=lambda one: -weights[one.id])
        case "size":
            return sorted(threads, key=lambda one: -one.stories)
        case "newest":
            return list(threads)


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
    """Take a story out of its thread, or part it from the one that it is linked to.

    STORY is its id, or the address of one of its articles.
    """
    click.echo(tell_split(application.thread_editor.split(story)))


@correct.command()
@click.argument("named", metavar="THREAD|STORY")
@click.pass_obj
def drop(application: Application, named: str) -> None:
    """End a thread. Its stories stay, and are in no thread again."""
    click.echo(f"a thread no more: {application.thread_editor.drop(named)}")


def tell_split(split: Split) -> str:
    """Says what left what, and what is left."""
    match split.rest:
        case [other]:
            return f"“{split.story.title}” and “{other.title}” are linked no more (two stories are no thread yet)"
        case [one, other]:
            left = f"“{one.title}” and “{other.title}” are left: two stories, shown as a thread when a third one comes"
        case _:
            left = f"{len(split.rest)} stories are left"
    return f"“{split.story.title}” is not in the thread “{split.title}” any more; {left}"


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
