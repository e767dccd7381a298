"""Converts stories, without their items, to rows and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec.structs import astuple, replace

from aggregator.model import SHOWN_FROM, Earlier, EarlierStory, Enrichment, Item, Story, StoryId, Tag, TagKind, Thread, ThreadId
from aggregator.ports import Remembered
from aggregator.store.rows import Row, as_json, names_of

_KINDS = {str(kind): kind for kind in TagKind}

STORY_COLUMNS = (
    "id",
    "lead",
    "published",
    "first_seen",
    "updated",
    "lead_reason",
    "tags",
    "topics",
    "visible",
    "alias_of",
    "old",
    "dropped",
    "headline",
    "lead_moved",
    "earlier",
    "enriched",
)
"""The columns of a Story without its items and its thread, in the order of `story_row`."""
_FORMERLY = "(SELECT json_group_array(alias.id) FROM threads AS alias WHERE alias.alias_of = threads.id)"
THREAD_COLUMNS = (
    *(f"threads.{column}" for column in ("id", "first", "head", "stories", "outlets", "began", "newest")),
    f"CASE WHEN threads.id IS NOT NULL THEN {_FORMERLY} END",
)
"""The columns of `thread_of`."""
READ_COLUMNS = (*(f"stories.{column}" for column in STORY_COLUMNS), *THREAD_COLUMNS)
"""The columns of `story_of`, of WITH_THREADS."""
WITH_THREADS = f"stories LEFT JOIN threads ON threads.key = stories.thread AND threads.stories >= {SHOWN_FROM}"


def story_row(story: Story) -> tuple[Any, ...]:
    """The values of STORY_COLUMNS."""
    return (
        story.id,
        story.lead,
        story.published,
        story.first_seen,
        story.updated,
        story.lead_reason,
        as_json([(str(tag.kind), tag.value, tag.reason) for tag in story.tags]) if story.tags else None,
        as_json(story.topics) if story.topics else None,
        story.visible,
        story.alias_of,
        story.old,
        story.dropped,
        story.headline,
        story.lead_moved,
        _earlier_text(story.earlier) if story.earlier else None,
        enriched_text(story.enriched) if story.enriched else None,
    )


def story_of(row: Row, items: tuple[Item, ...]) -> Story:
    """A story from a row of READ_COLUMNS, and its items."""
    return Story(
        id=row[0],
        items=items,
        lead=row[1],
        published=row[2],
        first_seen=row[3],
        updated=row[4],
        lead_reason=row[5],
        tags=_tags(row[6]) if row[6] else (),
        topics=names_of(row[7]) if row[7] else (),
        visible=row[8],
        alias_of=row[9],
        old=bool(row[10]),
        dropped=bool(row[11]),
        headline=row[12],
        lead_moved=row[13],
        earlier=earlier_of(row[14]) if row[14] else None,
        enriched=enriched_of(row[15]) if row[15] else (),
        thread=None if row[16] is None else thread_of(row[16:24]),
    )


def thread_of(row: Row) -> Thread:
    """A thread from a row of THREAD_COLUMNS."""
    id, first, head, stories, outlets, began, newest, formerly = row
    return Thread(id, first, head, stories, outlets, began, newest, tuple(map(ThreadId, json.loads(formerly))))


def _earlier_text(earlier: Earlier) -> str:
    """What came earlier, as a JSON list."""
    shown = [(one.story, one.title, one.url) for one in earlier.shown]
    return as_json((earlier.thread, earlier.title, earlier.head, earlier.stories, earlier.outlets, earlier.first, shown))


def earlier_of(text: str) -> Earlier:
    """What came earlier, from `_earlier_text`."""
    thread, title, head, stories, outlets, first, shown = json.loads(text)
    listed = tuple(EarlierStory(StoryId(story), title, url) for story, title, url in shown)
    return Earlier(ThreadId(thread), title, StoryId(head), stories, outlets, StoryId(first), listed)


def enriched_text(enriched: Sequence[Enrichment]) -> str:
    """What hooks told, as a JSON list."""
    return as_json([astuple(one) for one in enriched])


def enriched_of(text: str) -> tuple[Enrichment, ...]:
    """What hooks told, from `enriched_text`."""
    rows = json.loads(text)
    return tuple(Enrichment(hook, title, summary, tuple(tags), language, of) for hook, title, summary, tags, language, of in rows)


@lru_cache(maxsize=4096)
def _tags(text: str) -> tuple[Tag, ...]:
    """Cached, because many stories have the same tags."""
    return tuple(Tag(_KINDS[kind], value, reason) for kind, value, reason in json.loads(text))


def new_story(story: StoryId, item: Item, before: Remembered | None = None) -> Story:
    """A new story with one item, before anything is decided about it. before: what readers know of it, if it is that story."""
    made = Story(story, (item,), item.id, item.published, item.first_seen, item.first_seen, old=item.old or item.excess)
    if before is None or before.story != story or before.published is None:
        return made
    updated = made.updated if before.updated is None else before.updated
    return replace(made, published=before.published, updated=updated, visible=before.visible)


def sort_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """Sorts a story's items by first sight, then id."""
    return tuple(sorted(items, key=lambda item: (item.first_seen, item.id)))
