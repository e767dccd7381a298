"""Reads items and stories on any connection: a reader's sees committed state, the writer's its own transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby

from aggregator.model import Evidence, Instant, Item, ItemId, SourceId, Story, StoryId, ThreadId
from aggregator.ports import CHANNEL, CHANNEL_ALERT, Attributes, Hold, KnownItem, Reject, Whereabouts
from aggregator.store.connection import Connection
from aggregator.store.rows import BACKLOG, EXCESS, ITEM_COLUMNS, Row, as_json, document_of, evidence_of, item_of, names_of
from aggregator.store.story_rows import READ_COLUMNS, WITH_THREADS, story_of
from aggregator.text.canonical import canonical

ADDRESSES = 3_000
"""Addresses among which the nearest to a mistyped one is looked for: they are compared within half a second."""
ALIAS_HOPS = 100
"""Aliases are stored flat; a longer chain is a loop made by hand."""

STORY_OF_ITEM = ITEM_COLUMNS.index("story")
STORIES = f"""SELECT stories.key, {", ".join(READ_COLUMNS)} FROM {WITH_THREADS}
    WHERE stories.id IN (SELECT value FROM json_each(?))"""
ITEMS_OF_STORIES = f"""SELECT {", ".join(ITEM_COLUMNS)} FROM items
    WHERE story IN (SELECT value FROM json_each(?1)) AND (hidden IS NULL OR ?2) ORDER BY story, first_seen, id"""
ITEM = f"""SELECT {", ".join(f"items.{column}" for column in ITEM_COLUMNS)}, stories.id
    FROM items JOIN stories ON stories.key = items.story WHERE items.id = ?"""
_KNOWN = """SELECT items.id, guid, canonical, hash, fingerprint, title_hash, stories.id,
    items.first_seen, items.published, undated, items.old, details ->> 'astray'
    FROM items CROSS JOIN stories ON stories.key = items.story"""
KNOWN = f"""{_KNOWN} WHERE guid IN (SELECT value FROM json_each(?1)) AND source = ?3
    UNION ALL {_KNOWN} WHERE canonical IN (SELECT value FROM json_each(?2)) AND source = ?3"""
STORIES_WITH = """SELECT DISTINCT stories.id FROM json_each(?) AS named CROSS JOIN items ON items.id = named.value
    CROSS JOIN stories ON stories.key = items.story"""
ATTRIBUTES = "SELECT DISTINCT source, outlet, outlet_key, rank, source_group, tags, aggregator FROM items"
DOCUMENT = "SELECT items FROM documents WHERE source = ?"
ALIAS = "SELECT alias_of FROM stories WHERE id = ?"
ALIVE = """SELECT stories.id, stories.alias_of, stories.key FROM json_each(?) AS named
    CROSS JOIN stories ON stories.id = named.value"""
_STORY_OF_ITEM = """SELECT id FROM stories
    WHERE key = (SELECT story FROM items WHERE {} = ? ORDER BY hidden IS NOT NULL, first_seen, items.id LIMIT 1)"""
STORY_BY_CANONICAL = _STORY_OF_ITEM.format("canonical")
STORY_BY_GUID = _STORY_OF_ITEM.format("guid")
STORY_IDS = "SELECT id FROM stories WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
THREAD_IDS = "SELECT id FROM threads WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
_STORIES_WITH_NAME = """SELECT DISTINCT stories.id FROM items CROSS JOIN stories ON stories.key = items.story
    WHERE items.{} = ? AND items.hidden IS NULL AND NOT stories.dropped ORDER BY stories.key"""
STORIES_BY_CANONICAL = _STORIES_WITH_NAME.format("canonical")
STORIES_BY_GUID = _STORIES_WITH_NAME.format("guid")
EVIDENCE = """SELECT id, joined, evidence FROM items WHERE story = (SELECT key FROM stories WHERE id = ?)
    ORDER BY first_seen, id"""
WHEREABOUTS = """SELECT living.id, (SELECT json_group_array(slug) FROM members WHERE members.story = living.key),
    EXISTS (SELECT 1 FROM items WHERE items.story = living.key AND items.private)
    FROM stories AS asked CROSS JOIN stories AS living ON living.id = coalesce(asked.alias_of, asked.id) WHERE asked.id = ?"""
VERSIONS = """SELECT stories.id, stories.version FROM json_each(?) AS named
    CROSS JOIN stories ON stories.id = named.value"""
HOLDS = "SELECT domain, until, reason FROM holds WHERE until > ?"
_REJECTS = "SELECT source, guid, url, title, rule, at FROM rejects"
REJECTS = f"{_REJECTS} WHERE source NOT IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?"
REJECTS_OF_SOURCE = f"{_REJECTS} WHERE source = ? ORDER BY id DESC LIMIT ?"
ADDRESSES_AT = "SELECT url FROM items WHERE canonical >= ? AND canonical < ? AND url IS NOT NULL LIMIT ?"
NEWEST_ADDRESSES = "SELECT url FROM items WHERE url IS NOT NULL ORDER BY first_seen DESC LIMIT ?"
VALUE = "SELECT value FROM key_values WHERE key = ?"
VALUES = "SELECT key, value FROM key_values WHERE key >= ? AND key < ?"
COUNTS = {
    "sources": "SELECT count(*) FROM sources WHERE configured",
    "items": "SELECT count(*) FROM items",
    "stories": "SELECT count(DISTINCT story) FROM items",
    "aliases": "SELECT count(*) FROM stories WHERE alias_of IS NOT NULL",
    "articles_waiting": "SELECT count(due) FROM articles",
    "questions_waiting": "SELECT count(due) FROM enrichments",
    "messages_waiting": f"SELECT count(*) FROM deliveries WHERE kind IN ('{CHANNEL}', '{CHANNEL_ALERT}')",
    "bytes": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
}


def stories(connection: Connection, ids: Iterable[StoryId], hidden: bool = False) -> list[Story]:
    """Stories with their items, in the order of `ids`. Unknown ids are left out; repeated ids are repeated.

    hidden: with hidden items, too.
    """
    wanted = list(ids)
    if not wanted:
        return []
    rows = connection.execute(STORIES, (as_json(wanted),)).fetchall()
    items = {
        key: tuple(map(item_of, members))
        for key, members in groupby(
            connection.execute(ITEMS_OF_STORIES, (as_json([row[0] for row in rows]), hidden)), key=lambda row: row[STORY_OF_ITEM]
        )
    }
    found = {row[1]: story_of(row[1:], items.get(row[0], ())) for row in rows}
    return [found[id] for id in wanted if id in found]


def joined_stories(rows: Iterable[Row]) -> Iterator[Story]:
    """Stories from rows of READ_COLUMNS and ITEM_COLUMNS side by side, a story's rows next to each other."""
    width = len(READ_COLUMNS)
    for _, group in groupby(rows, key=lambda row: row[0]):
        members = list(group)
        yield story_of(members[0], tuple(item_of(row[width:]) for row in members))


def story_exists(connection: Connection, id: StoryId) -> bool:
    """True if the id is taken by a story, an alias, or a story whose items retention has removed."""
    return connection.execute(ALIAS, (id,)).fetchone() is not None


def item(connection: Connection, id: ItemId) -> tuple[Item, StoryId] | None:
    """An item and the story it is in, or None."""
    row = connection.execute(ITEM, (id,)).fetchone()
    return (item_of(row), row[-1]) if row else None


def known(connection: Connection, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
    """See `Store.known`; by id."""
    found: dict[ItemId, KnownItem] = {}
    for row in connection.execute(KNOWN, (as_json(list(guids)), as_json(list(canonicals)), source)):
        id, guid, link, hash, mark, title, story, first_seen, published, undated, old, astray = row
        found[id] = KnownItem(
            *(id, guid, link, hash, mark, title, story, first_seen, published),
            undated=bool(undated),
            old=old == BACKLOG,
            excess=old == EXCESS,
            astray=bool(astray),
        )
    return [found[id] for id in sorted(found)]


def stories_with(connection: Connection, items: Collection[ItemId]) -> list[StoryId]:
    """The stories that these items are in."""
    return [StoryId(row[0]) for row in connection.execute(STORIES_WITH, (as_json(list(items)),))]


def attributes(connection: Connection) -> list[Attributes]:
    """See `Entries.attributes`."""
    return [
        Attributes(source, outlet, key, rank, group, names_of(tags) if tags else (), bool(aggregator))
        for source, outlet, key, rank, group, tags, aggregator in connection.execute(ATTRIBUTES)
    ]


def fingerprints(connection: Connection, source: SourceId) -> frozenset[bytes]:
    """See `Store.fingerprints`."""
    row = connection.execute(DOCUMENT, (source,)).fetchone()
    return frozenset(mark for mark in document_of(row[0]).values() if mark) if row else frozenset()


def resolved(connection: Connection, story: StoryId) -> StoryId | None:
    """The story's id, aliases followed; None for an unknown id."""
    for _ in range(ALIAS_HOPS):
        row = connection.execute(ALIAS, (story,)).fetchone()
        if row is None:
            return None
        if row[0] is None:
            return story
        story = row[0]
    return None


def alive(connection: Connection, ids: Iterable[StoryId]) -> dict[StoryId, tuple[StoryId, int]]:
    """Each known id with (the story it stands for, its key). Aliases are few and followed one by one."""
    found: dict[StoryId, tuple[StoryId, int]] = {}
    for id, alias_of, key in connection.execute(ALIVE, (as_json(list(ids)),)).fetchall():
        if alias_of is None:
            found[id] = (id, key)
        elif (living := resolved(connection, alias_of)) is not None:
            found[id] = alive(connection, [living])[living]
    return found


def story_named(connection: Connection, url_or_id: str) -> StoryId | None:
    """See `Store.story_of`. An id may be written `urn:uuid:…`, as in feeds."""
    story = resolved(connection, StoryId(url_or_id.removeprefix("urn:uuid:")))
    if story is not None:
        return story
    row = connection.execute(STORY_BY_CANONICAL, (canonical(url_or_id) or url_or_id,)).fetchone()
    row = row or connection.execute(STORY_BY_GUID, (url_or_id,)).fetchone()
    return StoryId(row[0]) if row else None


def stories_named(connection: Connection, url_or_guid: str) -> list[StoryId]:
    """See `Stories.stories_named`."""
    rows = connection.execute(STORIES_BY_CANONICAL, (canonical(url_or_guid) or url_or_guid,)).fetchall()
    rows = rows or connection.execute(STORIES_BY_GUID, (url_or_guid,)).fetchall()
    return [StoryId(row[0]) for row in rows]


def ids_from(connection: Connection, first: str, last: str, limit: int) -> list[StoryId | ThreadId]:
    """See `Stories.ids_from`."""
    found: list[StoryId | ThreadId] = [row[0] for row in connection.execute(STORY_IDS, (first, last, limit))]
    return sorted([*found, *(row[0] for row in connection.execute(THREAD_IDS, (first, last, limit)))])[:limit]


def versions(connection: Connection, ids: Collection[StoryId]) -> dict[StoryId, int]:
    """See `Store.versions`."""
    return dict(connection.execute(VERSIONS, (as_json(list(ids)),)).fetchall())


def whereabouts(connection: Connection, story: StoryId) -> Whereabouts | None:
    """See `Store.whereabouts`."""
    row = connection.execute(WHEREABOUTS, (story,)).fetchone()
    return Whereabouts(StoryId(row[0]), frozenset(json.loads(row[1])), bool(row[2])) if row else None


def evidence(connection: Connection, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
    """See `Store.evidence`; in the order of the story's items."""
    return {ItemId(id): (joined, evidence_of(text)) for id, joined, text in connection.execute(EVIDENCE, (story,))}


def holds(connection: Connection, now: Instant) -> dict[str, Hold]:
    """Current holds, by domain."""
    return {row[0]: Hold(*row) for row in connection.execute(HOLDS, (now,))}


def rejects(connection: Connection, limit: int, source: SourceId | None, without: Collection[SourceId]) -> list[Reject]:
    """See `Store.rejects`."""
    rows = connection.execute(REJECTS, (as_json(sorted(without)), limit))
    if source is not None:
        rows = connection.execute(REJECTS_OF_SOURCE, (source, limit))
    return [Reject(*row) for row in rows]


def addresses(connection: Connection, host: str) -> list[str]:
    """See `Stories.addresses`. A host is a range of the order of canonical addresses, which begin with it."""
    found = connection.execute(ADDRESSES_AT, (f"{host}/", f"{host}0", ADDRESSES)).fetchall()
    return [row[0] for row in found or connection.execute(NEWEST_ADDRESSES, (ADDRESSES,))]


def value(connection: Connection, key: str) -> str | None:
    """A single stored value, or None."""
    row = connection.execute(VALUE, (key,)).fetchone()
    return row[0] if row else None


def values(connection: Connection, prefix: str) -> dict[str, str]:
    """See `Store.values`. A prefix is a range of the keys' order."""
    return dict(connection.execute(VALUES, (prefix, prefix + "\U0010ffff")).fetchall())


def counts(connection: Connection) -> Mapping[str, int]:
    """See `Store.counts`."""
    return {name: connection.execute(query).fetchone()[0] for name, query in COUNTS.items()}
