"""`Store.find`: turns a StoryFilter into SQL and an FTS5 expression, and streams the stories."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import Any

from aggregator.model import Story
from aggregator.ports import AnyOf, EveryOf, Nearby, Phrase, StoryFilter, WordQuery
from aggregator.ports.search import EVER
from aggregator.store.reads import joined_stories
from aggregator.store.rows import ITEM_COLUMNS, as_json
from aggregator.store.schema import SEARCH_COLUMNS
from aggregator.store.story_rows import READ_COLUMNS, WITH_THREADS

STEPS = 10_000
"""Instructions of SQLite's machine, less than a millisecond, between two looks at the clock."""
_SHOWN = "hidden IS NULL"
"""An item that `keep` or `drop` took out of its story is found by `StoryFilter(hidden=True)` alone."""
_ITEMS = "key IN (SELECT story FROM items WHERE {})"
_WORDS = "items.id IN (SELECT rowid FROM search WHERE search MATCH ?)"
_CORRECTED = "key IN (SELECT key FROM stories WHERE headline IS NOT NULL)"
"""The words of corrected headlines are in no index; such stories are few."""
_TAGGED = """(EXISTS (SELECT 1 FROM json_each(coalesce(stories.tags, '[]')) AS tag
        WHERE tag.value ->> 1 IN (SELECT value FROM json_each(?)))
    OR key IN (SELECT story FROM items, json_each(coalesce(items.tags, '[]')) AS tag
        WHERE tag.value IN (SELECT value FROM json_each(?))))"""
_IN_TOPIC = """(key IN (SELECT story FROM members WHERE slug = ?)
    OR EXISTS (SELECT 1 FROM json_each(coalesce(stories.topics, '[]')) WHERE value = ?))"""
_IN_THREAD = """key IN (SELECT members.key FROM threads AS asked
    CROSS JOIN threads ON threads.id = coalesce(asked.alias_of, asked.id)
    CROSS JOIN stories AS members ON members.thread = threads.key WHERE asked.id = ?)"""
_UNTIL = "(published < ? OR key IN (SELECT story FROM items WHERE items.published < ?))"

_PUBLIC = """NOT EXISTS (SELECT 1 FROM items WHERE items.story = stories.key AND items.private)
    AND EXISTS (SELECT 1 FROM members WHERE members.story = stories.key AND members.slug IN (SELECT value FROM json_each(?)))"""
_TOLD_BY = f"EXISTS (SELECT 1 FROM items WHERE items.story = stories.key AND items.outlet = ? AND {_SHOWN})"
_HAS_TERM = "EXISTS (SELECT 1 FROM json_each(coalesce(stories.tags, '[]')) AS tag WHERE tag.value ->> 1 = ?)"
"""These two are asked of one story after the other, newest first, so that a search for the first thirty ends early."""
_ALIVE = "alias_of IS NULL"
_NOT_DROPPED = "NOT dropped"
_HAS_ITEM = "EXISTS (SELECT 1 FROM items WHERE items.story = stories.key{})"
_STORY_SIDE = ", ".join(READ_COLUMNS)
_ITEM_SIDE = ", ".join(f"items.{column}" for column in ITEM_COLUMNS)

_WEIGHTS = {"title": 10.0, "text": 1.0, "author": 1.0}
"""A word in the title says as much of a story as ten in its text."""
_SCORES = f"""WITH found AS MATERIALIZED (
        SELECT rowid AS item, bm25(search, {", ".join(str(_WEIGHTS[name]) for name in SEARCH_COLUMNS)}) AS score
        FROM search WHERE search MATCH ?)
    SELECT story, min(score) AS score FROM found JOIN items ON items.id = found.item{{}} GROUP BY story"""
"""Each story's best entry by BM25: the least, as FTS5's scores are negative. It computes them in no query that groups."""


def conditions(where: StoryFilter) -> tuple[list[str], list[Any]]:
    """The filter as conditions on `stories`, with parameters. Each may be met by another item: the result is a superset."""
    found: list[tuple[str, list[Any]]] = [] if where.dropped else [(_NOT_DROPPED, [])]
    found.append((_HAS_ITEM.format("" if where.hidden else f" AND {_SHOWN}"), []))
    items = _ITEMS if where.hidden else _ITEMS.format(f"{{}} AND {_SHOWN}")
    if where.words is not None:
        found.append((f"({items.format(_WORDS)} OR {_CORRECTED})", [expression(where.words)]))
    for column, names in (("source", where.sources), ("source_group", where.groups)):
        if names is not None:
            found.append((items.format(f"{column} IN (SELECT value FROM json_each(?))"), [as_json(sorted(names))]))
    if where.language is not None:
        found.append((items.format("language = ?"), [where.language]))
    if where.since is not None:
        found.append((items.format("first_seen >= ?"), [where.since]))
    if where.tags is not None:
        tags = as_json(sorted(where.tags))
        found.append((_TAGGED, [tags, tags]))
    if where.published != EVER:
        found.append(("published >= ? AND published < ?", list(where.published)))
    if where.topic is not None:
        found.append((_IN_TOPIC, [where.topic, where.topic]))
    if where.thread is not None:
        found.append((_IN_THREAD, [where.thread]))
    if where.public is not None:
        found.append((_PUBLIC, [as_json(sorted(where.public))]))
    found += [(test, [name]) for test, name in ((_TOLD_BY, where.outlet), (_HAS_TERM, where.term)) if name is not None]
    if where.until is not None:
        found.append((_UNTIL, [where.until, where.until]))
    return [condition for condition, _ in found], [value for _, values in found for value in values]


def expression(words: WordQuery) -> str:
    """The words as an FTS5 MATCH expression."""
    match words:
        case Phrase(tokens, columns, prefix):
            return f"{{{' '.join(columns)}}} : {_quoted(tokens, prefix)}"
        case Nearby(first, second, distance):
            pair = f"{_quoted(first.tokens, first.prefix)} {_quoted(second.tokens, second.prefix)}"
            return f"{{{' '.join(first.columns)}}} : NEAR({pair}, {distance})"
        case EveryOf(parts, without):
            text = " AND ".join(f"({expression(part)})" for part in parts)
            return f"({text}) NOT ({expression(AnyOf(without))})" if without else text
        case AnyOf(parts):
            return " OR ".join(f"({expression(part)})" for part in parts)


def _quoted(tokens: Iterable[str], prefix: bool) -> str:
    return f'"{" ".join(tokens)}"' + (" *" if prefix else "")


def statement(where: StoryFilter, limit: int | None, relevant: WordQuery | None = None) -> tuple[str, list[Any]]:
    """The query for stories joined with their items: newest published first, a story's items by first sight.

    relevant: the words that stories are ordered by, before that.
    """
    tests, parameters = conditions(where)
    shown = "" if where.hidden else f" AND {_SHOWN}"
    source, score, best = "stories", "", ""
    if relevant is not None:
        source = f"stories LEFT JOIN ({_SCORES.format(shown)}) AS scored ON scored.story = stories.key"
        score, best, parameters = ", score", "coalesce(score, 0), ", [expression(relevant), *parameters]
    chosen = f"""SELECT key, published, id{score} FROM {source} WHERE {" AND ".join([_ALIVE, *tests])}
        ORDER BY {best}published DESC, id"""
    if limit is not None:
        chosen += " LIMIT ?"
        parameters = [*parameters, limit]
    query = f"""SELECT {_STORY_SIDE}, {_ITEM_SIDE} FROM ({chosen}) AS chosen
        CROSS JOIN {WITH_THREADS} CROSS JOIN items ON items.story = chosen.key{shown} WHERE stories.key = chosen.key
        ORDER BY {best}chosen.published DESC, chosen.id, items.first_seen, items.id"""
    return query, parameters


def stop_after(connection: sqlite3.Connection, seconds: float) -> None:
    """Has SQLite interrupt what the connection does once this time is over."""
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)


def find(
    connection: sqlite3.Connection, where: StoryFilter, limit: int | None, relevant: WordQuery | None = None
) -> Iterator[Story]:
    """Streams the stories, one in memory at a time. The connection must not be used by others until the end."""
    query, parameters = statement(where, limit, relevant)
    yield from joined_stories(connection.execute(query, parameters))
