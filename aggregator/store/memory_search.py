"""A StoryFilter over stories in memory: what `search.py` asks of SQLite, asked of values."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence

from aggregator.model import Item, Slug, Story, StoryId
from aggregator.ports import StoryFilter
from aggregator.store.rows import search_row
from aggregator.store.schema import SEARCH_COLUMNS


def title_words(item: Item) -> str:
    """The words of an item's title, joined by blanks."""
    return search_row(item)[1]


def matches(stories: Sequence[Story], where: StoryFilter, in_topic: Collection[StoryId]) -> list[Story]:
    """Those stories that pass. in_topic: the members of the feed `where.topic`."""
    tests = _tests(where, in_topic)
    if where.fts is not None:
        found = _with_words([item for story in stories for item in story.items], where.fts)
        tests.append(lambda story: any(item.id in found for item in story.items))
    return [story for story in stories if all(test(story) for test in tests)]


def _tests(where: StoryFilter, in_topic: Collection[StoryId]) -> list[Callable[[Story], bool]]:
    tests: list[Callable[[Story], bool]] = []
    sources, groups, tags, topic, language, since, until = (
        where.sources, where.groups, where.tags, where.topic, where.language, where.since, where.until,
    )  # fmt: skip
    if sources is not None:
        tests.append(lambda story: any(item.source in sources for item in story.items))
    if groups is not None:
        tests.append(lambda story: any(item.group in groups for item in story.items))
    if tags is not None:
        tests.append(lambda story: not tags.isdisjoint(_tags(story)))
    if topic is not None:
        tests.append(lambda story: story.id in in_topic or Slug(topic) in story.topics)
    if language is not None:
        tests.append(lambda story: any(item.language == language for item in story.items))
    if since is not None:
        tests.append(lambda story: any(item.first_seen >= since for item in story.items))
    if until is not None:
        tests.append(lambda story: story.published < until or any(item.published < until for item in story.items))
    return tests


def _tags(story: Story) -> set[str]:
    return {tag.value for tag in story.tags} | {tag for item in story.items for tag in item.tags}


def _with_words(items: Sequence[Item], expression: str) -> frozenset[int]:
    """Ids of the items that an FTS5 expression matches: asked of a table that lives as long as the question."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"CREATE VIRTUAL TABLE search USING fts5({', '.join(SEARCH_COLUMNS)}, tokenize='ascii')")
        connection.executemany("INSERT INTO search (rowid, title, text, author) VALUES (?, ?, ?, ?)", map(search_row, items))
        return frozenset(row[0] for row in connection.execute("SELECT rowid FROM search WHERE search MATCH ?", (expression,)))
    finally:
        connection.close()
