"""`Store.find` on PostgreSQL: turns a StoryFilter into SQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from psycopg import Connection as Psycopg
from psycopg import RawServerCursor

from aggregator.errors import TookTooLongError
from aggregator.model import Story
from aggregator.ports import StoryFilter, WordQuery
from aggregator.ports.search import EVER
from aggregator.store.postgres.dialect import translate
from aggregator.store.postgres.words import expression
from aggregator.store.reads import joined_stories
from aggregator.store.rows import ITEM_COLUMNS
from aggregator.store.story_rows import READ_COLUMNS, WITH_THREADS

FETCHED = 200
"""Rows fetched at once."""
_WEIGHTS = "'{{0.1, 0.1, 0.1, 1.0}}'::float4[]"
"""A word in the title says as much of a story as ten in its text."""
_SHOWN = "items.hidden IS NULL"
_ITEMS = "stories.key IN (SELECT story FROM items WHERE {})"
_WORDS = "items.id IN (SELECT item FROM search WHERE words @@ ?::tsquery)"
_CORRECTED = "stories.headline IS NOT NULL"
"""The words of corrected headlines are in no index; such stories are few."""
_TAGGED = """(EXISTS (SELECT 1 FROM json_array_elements(coalesce(stories.tags, '[]')::json) AS tag (value)
        WHERE tag.value ->> 1 = ANY(?))
    OR stories.key IN (SELECT story FROM items, json_array_elements_text(items.tags::json) AS tag (value)
        WHERE items.tags IS NOT NULL AND tag.value = ANY(?)))"""
_IN_TOPIC = """(stories.key IN (SELECT story FROM members WHERE slug = ?)
    OR EXISTS (SELECT 1 FROM json_array_elements_text(coalesce(stories.topics, '[]')::json) AS topic (value) WHERE value = ?))"""
_IN_THREAD = """stories.thread = (SELECT threads.key FROM threads AS asked
    JOIN threads ON threads.id = coalesce(asked.alias_of, asked.id) WHERE asked.id = ?)"""
_UNTIL = "(stories.published < ? OR stories.key IN (SELECT story FROM items WHERE items.published < ?))"
_PUBLIC = """NOT EXISTS (SELECT 1 FROM items WHERE items.story = stories.key AND items.private)
    AND EXISTS (SELECT 1 FROM members WHERE members.story = stories.key AND members.slug = ANY(?))"""
_TOLD_BY = f"EXISTS (SELECT 1 FROM items WHERE items.story = stories.key AND items.outlet = ? AND {_SHOWN})"
_HAS_TERM = """EXISTS (SELECT 1 FROM json_array_elements(coalesce(stories.tags, '[]')::json) AS tag (value)
    WHERE tag.value ->> 1 = ?)"""
_HAS_ITEM = "EXISTS (SELECT 1 FROM items WHERE items.story = stories.key{})"
_SCORES = f"""SELECT story, max(ts_rank({_WEIGHTS}, words, ?::tsquery, 1)) AS score
    FROM search JOIN items ON items.id = search.item{{}} WHERE words @@ ?::tsquery GROUP BY story"""


def conditions(where: StoryFilter) -> tuple[list[str], list[Any]]:
    """The filter as conditions on `stories`, with parameters. Each may be met by another item: the result is a superset."""
    shown = "" if where.hidden else f" AND {_SHOWN}"
    items = _ITEMS.format(f"{{}}{shown}")
    found: list[tuple[str, list[Any]]] = [] if where.dropped else [("NOT stories.dropped", [])]
    found.append((_HAS_ITEM.format(shown), []))
    if where.words is not None:
        found.append((f"({items.format(_WORDS)} OR {_CORRECTED})", [expression(where.words)]))
    for column, names in (("source", where.sources), ("source_group", where.groups)):
        if names is not None:
            found.append((items.format(f"{column} = ANY(?)"), [sorted(names)]))
    if where.language is not None:
        found.append((items.format("language = ?"), [where.language]))
    if where.since is not None:
        found.append((items.format("first_seen >= ?"), [where.since]))
    if where.tags is not None:
        found.append((_TAGGED, [sorted(where.tags)] * 2))
    if where.published != EVER:
        found.append(("stories.published >= ? AND stories.published < ?", list(where.published)))
    if where.topic is not None:
        found.append((_IN_TOPIC, [where.topic] * 2))
    if where.thread is not None:
        found.append((_IN_THREAD, [where.thread]))
    if where.public is not None:
        found.append((_PUBLIC, [sorted(where.public)]))
    found += [(test, [name]) for test, name in ((_TOLD_BY, where.outlet), (_HAS_TERM, where.term)) if name is not None]
    if where.until is not None:
        found.append((_UNTIL, [where.until] * 2))
    return [condition for condition, _ in found], [value for _, values in found for value in values]


def statement(where: StoryFilter, limit: int | None, relevant: WordQuery | None = None) -> tuple[str, list[Any]]:
    """The query for stories joined with their items: newest published first, a story's items by first sight."""
    tests, parameters = conditions(where)
    shown = "" if where.hidden else f" AND {_SHOWN}"
    source, score, best = "stories", "", ""
    if relevant is not None:
        source = f"stories LEFT JOIN ({_SCORES.format(shown)}) AS scored ON scored.story = stories.key"
        score, best = ", coalesce(score, 0) AS score", "score DESC, "
        parameters = [expression(relevant), expression(relevant), *parameters]
    chosen = f"""SELECT stories.key, stories.published, stories.id{score} FROM {source}
        WHERE {" AND ".join(["stories.alias_of IS NULL", *tests])} ORDER BY {best}stories.published DESC, stories.id"""
    if limit is not None:
        chosen += " LIMIT ?"
        parameters = [*parameters, limit]
    columns = ", ".join((*READ_COLUMNS, *(f"items.{column}" for column in ITEM_COLUMNS)))
    query = f"""SELECT {columns} FROM ({chosen}) AS chosen
        JOIN {WITH_THREADS.replace("stories LEFT", "stories ON stories.key = chosen.key LEFT", 1)}
        JOIN items ON items.story = chosen.key{shown}
        ORDER BY {best.replace("score", "chosen.score")}chosen.published DESC, chosen.id, items.first_seen, items.id"""
    return query, parameters


def find(
    connection: Psycopg[Any], where: StoryFilter, limit: int | None, relevant: WordQuery | None, seconds: float | None
) -> Iterator[Story]:
    """Streams the stories, one in memory at a time, inside the caller's transaction."""
    query, parameters = statement(where, limit, relevant)
    [one] = translate(query)
    end = None if seconds is None else time.monotonic() + seconds
    connection.execute(b"SET LOCAL enable_seqscan = on")  # a filter may ask for most stories, and the plan is used once
    if seconds is not None:
        connection.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}".encode())
    with RawServerCursor(connection, "found") as cursor:
        cursor.itersize = FETCHED
        cursor.execute(one.sql.encode(), one.order(tuple(parameters)))
        yield from joined_stories(_until(cursor, end))


def _until(rows: Iterator[Any], end: float | None) -> Iterator[Any]:
    """The rows, until the time is over. Raises TookTooLongError then."""
    for row in rows:
        if end is not None and time.monotonic() > end:
            raise TookTooLongError("the search was stopped: its time was over")
        yield row
