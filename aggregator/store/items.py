"""Writes items and stories in batches, and their words to the full-text index once per batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Evidence, Item, ItemId, SourceId, Story, StoryId
from aggregator.store import reads
from aggregator.store.connection import Connection
from aggregator.store.rows import (
    ITEM_COLUMNS,
    assignments,
    evidence_text,
    item_row,
    placeholders,
    search_row,
    title_hash_of,
)
from aggregator.store.story_rows import STORY_COLUMNS, story_row

LAST_ITEM = "items.last"
"""Key of the highest item id that retention has removed: ids are never reused."""

_INSERTED = (*ITEM_COLUMNS, "title_hash", "joined", "evidence")
_INSERT_ITEM = f"INSERT INTO items ({', '.join(_INSERTED)}) VALUES ({placeholders(_INSERTED)})"
_INSERT_WORDS = "INSERT INTO search (rowid, title, text, author) VALUES (?, ?, ?, ?)"
_DELETE_WORDS = "DELETE FROM search WHERE rowid = ?"
_KEPT = frozenset(("id", "source", "guid", "story", "first_seen", "hidden", "article"))
_REPLACED = tuple(place for place, column in enumerate(ITEM_COLUMNS) if column not in _KEPT)
UPDATE_ITEM = f"UPDATE items SET {assignments([ITEM_COLUMNS[place] for place in _REPLACED])}, title_hash=? WHERE id = ?"
ATTRIBUTES = ("outlet", "outlet_key", "rank", "source_group", "tags", "aggregator", "details", "hidden")
"""Columns that follow from the config of the item's source."""
_PLACES = tuple(map(ITEM_COLUMNS.index, ATTRIBUTES))
UPDATE_ATTRIBUTES = f"UPDATE items SET {assignments(ATTRIBUTES)} WHERE id = ?"
UPDATE_DATE = "UPDATE items SET published = ? WHERE id = ?"
UPDATE_ARTICLE = "UPDATE items SET article = ? WHERE id = ?"
STORY_OF_ITEM = """SELECT stories.key, stories.id, source, article
    FROM items CROSS JOIN stories ON stories.key = items.story WHERE items.id = ?"""
_BEGUN = (*STORY_COLUMNS, "key", "version")
_INSERT_STORY = f"INSERT INTO stories ({', '.join(_BEGUN)}) VALUES ({placeholders(_BEGUN)})"
UPDATE_STORY = f"UPDATE stories SET {assignments(STORY_COLUMNS[1:])}, version = version + 1 WHERE id = ?"
GROW_STORY = "UPDATE stories SET version = version + 1 WHERE id = ?"
_LAST_STORY = "SELECT coalesce(max(key), 0) FROM stories"
_LAST_ID = "SELECT max(coalesce((SELECT max(id) FROM items), 0), coalesce((SELECT value FROM key_values WHERE key = ?) + 0, 0))"


class Batch:
    """Rows that wait to be written. `flush` writes them in the order foreign keys need; `finish` also writes the words."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last_item: int | None = None
        self._last_story: int | None = None
        self._made: set[StoryId] = set()
        self._keys: dict[StoryId, tuple[StoryId, int]] = {}
        self._items: list[tuple[Item, StoryId, Evidence]] = []
        self._new_stories: dict[StoryId, Story] = {}
        self._saved_stories: dict[StoryId, Story] = {}
        self._grown: set[StoryId] = set()
        self._words: dict[ItemId, tuple[int, str, str, str]] = {}
        self._stale_words: set[ItemId] = set()

    def next_item(self) -> ItemId:
        """The next item id. Ids grow and are never reused."""
        if self._last_item is None:
            self._last_item = self._connection.execute(_LAST_ID, (LAST_ITEM,)).fetchone()[0]
        self._last_item += 1
        return ItemId(self._last_item)

    @property
    def last_item(self) -> ItemId | None:
        """The highest item id so far; None if this batch made none."""
        return None if self._last_item is None else ItemId(self._last_item)

    def add_item(self, item: Item, story: StoryId, evidence: Evidence) -> None:
        """Adds a new item to a story."""
        self._items.append((item, story, evidence))

    def alive(self, ids: Iterable[StoryId]) -> dict[StoryId, tuple[StoryId, int]]:
        """Each known id, in order, with (the story it stands for, aliases followed; its key). Looked up in one query and kept."""
        wanted = dict.fromkeys(ids)  # in order: what stories enter feeds by is the same in every process
        if missing := wanted.keys() - self._keys.keys():
            self._keys |= reads.alive(self._connection, missing)
        return {id: self._keys[id] for id in wanted if id in self._keys}

    def forget_aliases(self) -> None:
        """Forgets what `alive` remembers, after a merge. Nothing may wait to be written."""
        self._keys.clear()

    def is_new(self, story: StoryId) -> bool:
        """True if the story is not written yet."""
        return story in self._new_stories

    def has(self, story: StoryId) -> bool:
        """True if the story was created in this batch."""
        return story in self._made

    def keys_of_made(self, ids: Iterable[StoryId]) -> dict[StoryId, int]:
        """The keys of those of these stories that were created in this batch, as far as they are known."""
        return {id: self._keys[id][1] for id in ids if id in self._made and id in self._keys}

    def add_story(self, story: Story) -> None:
        """Adds a new story and assigns its key."""
        if self._last_story is None:
            self._last_story = self._connection.execute(_LAST_STORY).fetchone()[0]
        self._last_story += 1
        self._keys[story.id] = (story.id, self._last_story)
        self._made.add(story.id)
        self._new_stories[story.id] = story

    def save_story(self, story: Story) -> None:
        """Saves a story without its items at the next flush."""
        waiting = self._new_stories if story.id in self._new_stories else self._saved_stories
        waiting[story.id] = story

    def grow(self, story: StoryId) -> None:
        """Increments the story's version, because one of its items has changed."""
        self._grown.add(story)

    def flush(self) -> None:
        """Writes all rows except words. Raises StoreError for a story that does not exist."""
        items = self._item_rows() if self._items else []
        if self._new_stories:
            self._flush_new_stories()
        if items:
            self._connection.executemany(_INSERT_ITEM, items)
            self._items = []
        self._flush_saved_stories()

    def _flush_new_stories(self) -> None:
        """Writes them as they are with their items, so that none need be written again for having grown."""
        rows = [(*story_row(one), self._keys[one.id][1], 1 + (one.id in self._grown)) for one in self._new_stories.values()]
        self._connection.executemany(_INSERT_STORY, rows)
        self._grown -= self._new_stories.keys()
        self._new_stories = {}

    def _item_rows(self) -> list[tuple[Any, ...]]:
        """The rows of the waiting items, whose stories thereby grow."""
        stories = self.alive(story for _, story, _ in self._items)
        rows = []
        for item, story, evidence in self._items:
            if story not in stories:
                raise StoreError(f"there is no story {story}")
            living, key = stories[story]
            self._grown.add(living)
            self._words[item.id] = words = search_row(item)
            rows.append((*item_row(item, key), title_hash_of(item, words[1]), item.first_seen, evidence_text(evidence)))
        return rows

    def finish(self) -> None:
        """Writes all rows, the words last, so that FTS5 writes them as one segment.

        SQLite sets a savepoint for some statements, and FTS5 then writes what it has so far: small segments to be merged later.
        """
        self.flush()
        self._connection.executemany(_DELETE_WORDS, [(item,) for item in sorted(self._stale_words)])
        self._connection.executemany(_INSERT_WORDS, self._words.values())

    def _flush_saved_stories(self) -> None:
        if self._saved_stories:
            rows = [(*row[1:], row[0]) for row in map(story_row, self._saved_stories.values())]
            if self._connection.executemany(UPDATE_STORY, rows).rowcount != len(rows):
                raise StoreError("a story was saved that the database does not have")
        grown = self._grown - self._saved_stories.keys()
        if grown:
            self._connection.executemany(GROW_STORY, [(story,) for story in grown])
        self._saved_stories, self._grown = {}, set()

    def save_attributes(self, items: Iterable[Item]) -> None:
        """Writes what the config says of stored items. Their stories must be saved or grown by the caller.

        Their words are written anew: whether a headline names the outlet depends on its names.
        """
        items = list(items)
        self.flush()
        for item in items:
            self._replace_words(search_row(item))
        rows = [(*(row[place] for place in _PLACES), item.id) for item in items for row in (item_row(item, 0),)]
        self._connection.executemany(UPDATE_ATTRIBUTES, rows)

    def save_dates(self, items: Iterable[Item]) -> None:
        """Writes when items were published. Their stories must be saved or grown by the caller."""
        self.flush()
        self._connection.executemany(UPDATE_DATE, [(item.published, item.id) for item in items])

    def replace_item(self, item: Item) -> tuple[StoryId, SourceId]:
        """Replaces a stored item and its words; returns its story and source. Raises StoreError if it does not exist."""
        self.flush()
        found = self._connection.execute(STORY_OF_ITEM, (item.id,)).fetchone()
        if found is None:
            raise StoreError(f"there is no item {item.id}")
        key, story, source, article = found
        row, words = item_row(item, key), search_row(replace(item, article=article or ""))
        self._connection.execute(UPDATE_ITEM, (*(row[place] for place in _REPLACED), title_hash_of(item, words[1]), item.id))
        self._replace_words(words)
        self._grown.add(StoryId(story))
        return StoryId(story), SourceId(source)

    def save_article(self, item: Item) -> None:
        """Writes an item's article and its words. Its story must be grown by the caller."""
        self.flush()
        self._replace_words(search_row(item))
        self._connection.execute(UPDATE_ARTICLE, (item.article, item.id))

    def _replace_words(self, words: tuple[int, str, str, str]) -> None:
        item = ItemId(words[0])
        if item not in self._words:
            self._stale_words.add(item)
        self._words[item] = words
