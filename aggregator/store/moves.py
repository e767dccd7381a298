"""Moves items between stories, renames items, and merges stories. Inside the caller's transaction."""

from __future__ import annotations

from aggregator.errors import StoreError
from aggregator.model import Evidence, Instant, Item, ItemId, SourceId, StoryId
from aggregator.ports import Traces
from aggregator.store import reads
from aggregator.store.connection import Connection
from aggregator.store.outputs import LEAVE_ALL
from aggregator.store.rows import as_json, evidence_text

REKEY = "UPDATE OR IGNORE items SET guid = ? WHERE id = ?"
SET_PRIVATE = "UPDATE items SET private = ? WHERE source = ? AND private <> ?"
_KEY = "(SELECT key FROM stories WHERE id = ?)"
MOVE_ALL = f"UPDATE items SET story = {_KEY} WHERE story = {_KEY}"
MOVE = f"UPDATE items SET story = {_KEY}, joined = ?, evidence = ? WHERE id = ?"
ALIAS = "UPDATE stories SET alias_of = ?, updated = ?, version = version + 1 WHERE id = ?"
ALIAS_AGAIN = "UPDATE stories SET alias_of = ? WHERE alias_of = ?"
FIRST_ITEM = f"SELECT id FROM items WHERE story = {_KEY} ORDER BY hidden IS NOT NULL, first_seen, id LIMIT 1"
OTHER_ITEM = f"SELECT 1 FROM items WHERE story = {_KEY} AND id <> ? LIMIT 1"
ALIASES = "SELECT id FROM stories WHERE alias_of = ? ORDER BY key"
UNALIAS = "UPDATE stories SET alias_of = NULL, updated = ?, version = version + 1 WHERE id = ?"
ALIAS_BACK = "UPDATE stories SET alias_of = ? WHERE id IN (SELECT value FROM json_each(?)) AND alias_of = ?"
MOVE_BACK = f"UPDATE items SET story = {_KEY} WHERE id IN (SELECT value FROM json_each(?)) AND story = {_KEY}"
NEW_LEAD = "UPDATE stories SET lead = ?, lead_reason = 'the lead moved to another story' WHERE id = ? AND lead = ?"


def rekey(connection: Connection, item: ItemId, guid: str) -> StoryId:
    """Gives an item a new guid, unless another item of the source has it. Returns the item's story."""
    connection.execute(REKEY, (guid, item))
    return item_and_story(connection, item)[1]


def set_private(connection: Connection, source: SourceId, private: bool) -> None:
    """See `Transaction.set_private`. Scans all items: sources seldom change, and an index would cost each poll."""
    connection.execute(SET_PRIVATE, (private, source, private))


def item_and_story(connection: Connection, item: ItemId) -> tuple[Item, StoryId]:
    """An item and its story. Raises StoreError for an unknown item."""
    found = reads.item(connection, item)
    if found is None:
        raise StoreError(f"there is no item {item}")
    return found


def is_alone(connection: Connection, item: ItemId, story: StoryId) -> bool:
    """True if the item is the only one of its story."""
    return connection.execute(OTHER_ITEM, (story, item)).fetchone() is None


def merge(connection: Connection, kept: StoryId, alias: StoryId, now: Instant) -> None:
    """Moves all items of `alias` to `kept`, and makes `alias` and its own aliases redirect there."""
    connection.execute(MOVE_ALL, (kept, alias))
    _redirect(connection, alias, kept, now)


def move(connection: Connection, item: ItemId, story: StoryId, evidence: Evidence, now: Instant) -> None:
    """Moves an item to a story, and stores when and on what evidence."""
    connection.execute(MOVE, (story, now, evidence_text(evidence), item))


def update_left_story(connection: Connection, old: StoryId, new: StoryId, item: ItemId, now: Instant) -> None:
    """Gives the story that an item has left another lead, or makes it an alias of the new story if it has no item left."""
    first = connection.execute(FIRST_ITEM, (old,)).fetchone()
    if first is None:
        _redirect(connection, old, new, now)
    else:
        connection.execute(NEW_LEAD, (first[0], old, item))


def aliases_of(connection: Connection, story: StoryId) -> tuple[StoryId, ...]:
    """The ids that lead to a story."""
    return tuple(row[0] for row in connection.execute(ALIASES, (story,)))


def part(connection: Connection, kept: StoryId, alias: StoryId, traces: Traces, now: Instant) -> None:
    """See `StoryWrites.part_stories`."""
    connection.execute(UNALIAS, (traces.updated, alias))
    connection.execute(ALIAS_BACK, (alias, as_json(traces.aliases), kept))
    connection.execute(MOVE_BACK, (alias, as_json(traces.items), kept))
    for item in traces.items:
        update_left_story(connection, kept, alias, item, now)


def _redirect(connection: Connection, alias: StoryId, kept: StoryId, now: Instant) -> None:
    connection.execute(LEAVE_ALL, (alias,))
    connection.execute(ALIAS, (kept, now, alias))
    connection.execute(ALIAS_AGAIN, (kept, alias))
