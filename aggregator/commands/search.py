"""`aggregator search`: finds stored stories that a query matches, and shows why."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import click

from aggregator.text.times import rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Story, StoryId
    from aggregator.ports import StoreView, StoryFilter
    from aggregator.tag.explain import Explanation
    from aggregator.tag.query import Query


Sort: TypeAlias = Literal["newest", "outlets", "weight", "relevance"]
SORTS: tuple[Sort, ...] = get_args(Sort)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("query", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--limit", type=click.IntRange(min=1), default=30, show_default=True, help="At most so many stories.")
@click.option("--sort", type=click.Choice(SORTS), default="newest", show_default=True, help="Which stories come first.")
@click.option("--since", help="Only stories with an entry first seen in this time, like 12h or 7d.")
@click.option("--private", is_flag=True, help="Also stories of private sources.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each story.")
@click.pass_obj
def command(
    application: Application, query: tuple[str, ...], limit: int, sort: Sort, since: str | None, private: bool, as_json: bool
) -> None:
    """Search stored stories with a query: the language of topics (docs/queries.md).

    Put the query in quotes if it has quotes, brackets or a minus of its own: aggregator search '"red line" -sport'
    """
    from aggregator.commands.stories import as_mapping

    now = time.time()
    parsed = parse_query(application, query)
    if sort == "relevance" and parsed.words() is None:
        click.echo("the query has no words that could weigh more or less: newest first", err=True)
    shown = hidden = 0
    for story, explanation in find_matches(application.store, parsed, since, now, sort):
        if shown == limit:
            break
        if story.private and not private:
            hidden += 1
            continue
        shown += 1
        if as_json:
            click.echo(json.dumps({**as_mapping(story), "reason": explanation.branch}, ensure_ascii=False))
        else:
            click.echo(format_match(story, explanation))
    if hidden:
        click.echo(f"{hidden}{' more' if shown else ''} of private sources: --private shows them", err=True)
    elif not shown and not as_json:
        click.echo("no stored story matches", err=True)
        tell_unknown_outlets(application, parsed)


def parse_query(application: Application, words: tuple[str, ...]) -> Query:
    """Parses a query given as one or several arguments. Raises QueryError with the place of a mistake.

    Sources and groups that left the config can be asked for while their entries are stored.
    """
    from msgspec.structs import replace

    from aggregator.errors import QueryError
    from aggregator.tag.query import checked
    from aggregator.tag.rules import names_in

    text, names = " ".join(words), names_in(application.settings)
    try:
        return checked(text, names)
    except QueryError:
        stored = application.store.attributes()
    sources = names.sources | {one.source for one in stored}
    groups = names.groups | {one.group for one in stored if one.group is not None}
    tags = names.tags.union(*(one.tags for one in stored))
    return checked(text, replace(names, sources=sources, groups=groups, tags=tags))


def tell_unknown_outlets(application: Application, query: Query) -> None:
    """Names the outlets that a query which found nothing asks for, and that nothing has."""
    from aggregator.commands.unknown_outlets import hints, known_outlets, named_outlets

    if named_outlets(query.node):
        for hint in hints(query.node, known_outlets(application.settings, application.store)):
            click.echo(hint, err=True)


def find_matches(
    store: StoreView, query: Query, since: str | None, now: float, sort: Sort = "newest"
) -> Iterator[tuple[Story, Explanation]]:
    """Yields matching stories in this order, each with the branch of the query that matched it."""
    for story in find_stories(store, filter_since(query.filter(now), since, now), query, sort, now):
        yield story, query.explain(story, now)


def filter_since(where: StoryFilter, since: str | None, now: float) -> StoryFilter:
    """The filter, of stories with an entry first seen in this time, like 12h or 7d. Raises click.BadParameter."""
    from msgspec.structs import replace

    from aggregator.commands.stories import duration

    return where if since is None else replace(where, since=max(now - duration(since), where.since or 0.0))


def find_stories(
    store: StoreView, where: StoryFilter, query: Query | None, sort: Sort, now: float, seconds: float | None = None
) -> Iterator[Story]:
    """Yields matching stories in this order. query: None if the filter is all that is asked.

    With `where.public`, what is private weighs nothing. seconds: after which it raises TookTooLongError.
    """
    if sort in ("outlets", "weight"):
        yield from _widest_first(store, where, query, sort, now, seconds)
        return
    relevant = query.words() if query is not None and sort == "relevance" else None
    for story in store.find(where, relevant=relevant, seconds=seconds):
        if query is None or query.matches(story, now):
            yield story


def _widest_first(
    store: StoreView, where: StoryFilter, query: Query | None, sort: Sort, now: float, seconds: float | None
) -> Iterator[Story]:
    """Matching stories by outlets or by weight. Among equals newest first. Only their ids are kept in memory."""
    from aggregator.publish.selection.weight import WINDOW, Weights

    reports = store.reports(now - WINDOW) if sort == "weight" else []
    weights = Weights([one for one in reports if where.public is None or not one.private], now)
    scored: list[tuple[float, float, StoryId]] = []
    for story in store.find(where, seconds=seconds):
        if query is None or query.matches(story, now):
            weight, own = weights.of(story.id, story.thread.id if story.thread else None), weights.own(story.id)
            scored.append((len(story.outlets), 0.0, story.id) if sort == "outlets" else (weight, own, story.id))
    scored.sort(key=lambda one: (-one[0], -one[1]))
    for _, _, id in scored:
        yield from store.stories([id])


def format_match(story: Story, explanation: Explanation) -> str:
    """Formats a match as lines: the story with the deciding words marked, the reason, and where the words stand.

    That is the headline of another report, or a passage in a text.
    """
    from aggregator.tag.marking import excerpt

    when = (rfc3339(story.published) or "")[:16].replace("T", " ")
    item = story.items[explanation.place] if explanation.place is not None else story.lead_item
    lines = [
        f"{when}  {with_marks(story.title, explanation)}  ({', '.join(story.outlets)})  {story.id}",
        f"    {explanation.branch}",
    ]
    if item.id != story.lead and item.title != story.title:
        lines.append(f"    {item.outlet}: {with_marks(item.title, explanation)}")
    if " in the body" in explanation.branch or "body:" in explanation.branch:
        lines.append(f"    {with_marks(excerpt(item.text, explanation.terms), explanation)}")
    return "\n".join(lines)


def with_marks(text: str, explanation: Explanation) -> str:
    """Marks the deciding words in a text: bold on a terminal, between « and » elsewhere."""
    from aggregator.tag.marking import marked

    bold = sys.stdout.isatty()
    pieces = []
    for piece, hit in marked(text, explanation.terms):
        if hit:
            piece = click.style(piece, bold=True, fg="yellow") if bold else f"«{piece}»"
        pieces.append(piece)
    return "".join(pieces)
