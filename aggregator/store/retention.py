"""Removes old stories.

A story is removed as a whole, when all of its entries left their sources' documents longer ago than `retain` (or `storage.keep`)
allows. Stories that a source still lists or a published feed still shows stay: a subscriber's feed never shrinks by age. A
published story's id stays reserved, and comes back with the same first entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aggregator.model import Instant, ItemId
from aggregator.ports import Keep, StoryIndex, Swept
from aggregator.store import small_tables, threads
from aggregator.store.connection import Connection
from aggregator.store.items import LAST_ITEM
from aggregator.store.rows import as_json, document_of

PROTECTED = 1000
"""Newest members of a feed that are kept at any age: more than a feed shows before its next page is closed."""

RELEASED = """SELECT documents.source, documents.items, coalesce(sources.last_success, sources.last_poll, 0)
    FROM sources CROSS JOIN documents ON documents.source = sources.id
    WHERE NOT sources.configured AND length(documents.items) > 0"""
UNLIST_RELEASED = "UPDATE items SET unlisted = ? WHERE id = ? AND unlisted IS NULL"
EMPTY_DOCUMENT = "UPDATE documents SET items = x'' WHERE source = ?"
CANDIDATES = "SELECT DISTINCT +story FROM items WHERE unlisted < ? ORDER BY 1"
LISTINGS = """SELECT story, source, unlisted, id FROM items WHERE story IN (SELECT value FROM json_each(?))"""
SHOWN_STORIES = """SELECT members.story FROM members CROSS JOIN outputs ON outputs.slug = members.slug
    WHERE members.story IN (SELECT value FROM json_each(?)) AND members.page IS NULL AND NOT outputs.withdrawn
    AND members.seq > outputs.last_seq - ?"""
HIGHEST_ITEM = "SELECT max(id) FROM items"
_DELETE_WORDS = "DELETE FROM search WHERE rowid = ?"
DELETE_ITEM = "DELETE FROM items WHERE id = ?"
DELETE_ARTICLE = "DELETE FROM articles WHERE item = ?"
DELETE_MEMBERS = "DELETE FROM members WHERE story = ? AND page IS NULL"
TOMBSTONES = """SELECT key FROM stories WHERE key IN (SELECT value FROM json_each(?)) AND (published_once
    OR EXISTS (SELECT 1 FROM stories AS alias WHERE alias.alias_of = stories.id)
    OR EXISTS (SELECT 1 FROM members WHERE members.story = stories.key AND page IS NOT NULL))"""
EMPTY_STORY = """UPDATE stories SET tags = NULL, topics = NULL, headline = NULL, enriched = NULL, visible = x'',
    version = version + 1 WHERE key = ?"""
THREADS = "SELECT threads.id FROM stories NOT INDEXED CROSS JOIN threads ON threads.key = stories.thread WHERE stories.key = ?"
LEAVE_THREAD = "UPDATE stories SET thread = NULL WHERE key = ?"
UNLINK, UNLINK_OTHER = "DELETE FROM links WHERE story = ?", "DELETE FROM links WHERE other = ?"
FORGET_HOOKS = "DELETE FROM enrichments WHERE story = (SELECT id FROM stories WHERE key = ?)"
DELETE_STORY = "DELETE FROM stories WHERE key = ?"


def release(connection: Connection) -> None:
    """Marks entries of sources that left the config as unlisted since the source's last success."""
    for source, items, seen in connection.execute(RELEASED).fetchall():
        connection.executemany(UNLIST_RELEASED, [(seen, item) for item in document_of(items)])
        connection.execute(EMPTY_DOCUMENT, (source,))


def candidates(connection: Connection, keep: Keep, now: Instant) -> list[int]:
    """Keys of the stories that may have expired: `sweep` decides."""
    return [row[0] for row in connection.execute(CANDIDATES, (now - keep.shortest,))]


def sweep(connection: Connection, index: StoryIndex, stories: Collection[int], keep: Keep, now: Instant) -> Swept:
    """Removes the expired ones of these stories, inside the caller's transaction."""
    going = _expired(connection, stories, keep, now)
    items = [item for members in going.values() for item in members]
    if not going:
        return Swept()
    small_tables.set_value(connection, LAST_ITEM, str(connection.execute(HIGHEST_ITEM).fetchone()[0]))
    connection.executemany(_DELETE_WORDS, [(item,) for item in items])
    connection.executemany(DELETE_ITEM, [(item,) for item in items])
    connection.executemany(DELETE_ARTICLE, [(item,) for item in items])
    index.forget(items)
    return Swept(len(items), len(going), _bury(connection, going))


def _expired(connection: Connection, stories: Collection[int], keep: Keep, now: Instant) -> dict[int, list[ItemId]]:
    """Expired stories and their items: none listed within its source's retention time, and shown by no feed."""
    keys = as_json(sorted(stories))
    going: dict[int, list[ItemId]] = {story: [] for story in stories}
    for story in connection.execute(SHOWN_STORIES, (keys, PROTECTED)):
        going.pop(story[0], None)
    for story, source, unlisted, item in connection.execute(LISTINGS, (keys,)):
        if unlisted is None or unlisted >= now - keep.of(source):
            going.pop(story, None)
        elif story in going:
            going[story].append(item)
    return {story: items for story, items in going.items() if items}


def _bury(connection: Connection, stories: Iterable[int]) -> int:
    """Removes stories without items, except those whose id is known outside. Returns how many stay.

    All of them leave their threads. A thread without stories stays, so that its id is given to no other.
    """
    keys = list(stories)
    left = {row[0] for story in keys for row in connection.execute(THREADS, (story,))}
    for statement in (UNLINK, UNLINK_OTHER, LEAVE_THREAD, FORGET_HOOKS):
        connection.executemany(statement, [(story,) for story in keys])
    staying = {row[0] for row in connection.execute(TOMBSTONES, (as_json(keys),))}
    connection.executemany(DELETE_MEMBERS, [(story,) for story in keys])
    connection.executemany(EMPTY_STORY, [(story,) for story in sorted(staying)])
    connection.executemany(DELETE_STORY, [(story,) for story in keys if story not in staying])
    threads.sum_up(connection, left)
    return len(staying)
