"""Threads and links in SQLite. Writes run inside the caller's transaction, after all waiting rows are written."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter

from aggregator.errors import StoreError
from aggregator.model import SHOWN_FROM, Instant, Link, OutletsSeen, StoryId, Thread, ThreadId
from aggregator.ports import Fate, Report, ThreadState, ThreadStory, ThreadWhereabouts
from aggregator.store import reads, small_tables
from aggregator.store.connection import Connection
from aggregator.store.identity import thread_ids
from aggregator.store.rows import Row, as_json
from aggregator.store.story_rows import THREAD_COLUMNS, earlier_of, thread_of

_COLUMNS = ", ".join(THREAD_COLUMNS)
THREAD = f"""SELECT {_COLUMNS} FROM threads AS asked CROSS JOIN threads ON threads.id = coalesce(asked.alias_of, asked.id)
    WHERE asked.id = ? AND threads.stories >= {SHOWN_FROM}"""
RUNNING = f"""SELECT {_COLUMNS} FROM threads WHERE threads.newest >= ? AND threads.stories > 0
    AND threads.stories >= {SHOWN_FROM} ORDER BY threads.newest DESC, threads.key LIMIT ?"""
STORIES_OF_THREAD = """SELECT stories.id FROM threads CROSS JOIN stories ON stories.thread = threads.key
    WHERE threads.id = ? AND stories.alias_of IS NULL AND NOT stories.dropped ORDER BY stories.published, stories.key"""
MEMBERS = """SELECT stories.id, stories.published, stories.updated, stories.version,
    coalesce(stories.headline, lead.details ->> 'headline', lead.title), lead.url, lead.outlet, lead.language,
    items.outlet_key, items.outlet, items.details ->> 'unattributed', items.private,
    CASE WHEN items.aggregator THEN NULL ELSE items.source END, lead.published
    FROM threads CROSS JOIN stories ON stories.thread = threads.key AND stories.alias_of IS NULL AND NOT stories.dropped
    CROSS JOIN items AS lead ON lead.id = stories.lead CROSS JOIN items ON items.story = stories.key
    WHERE threads.id = ? AND items.hidden IS NULL AND items.details ->> 'astray' IS NULL
    ORDER BY stories.published, stories.key, items.first_seen, items.id"""
WHEREABOUTS = f"""SELECT threads.id,
    max(threads.newest, coalesce((SELECT max(first_seen) FROM stories WHERE thread = threads.key), 0.0)),
    (SELECT json_group_array(DISTINCT members.slug)
        FROM stories CROSS JOIN members ON members.story = stories.key WHERE stories.thread = threads.key)
    FROM threads AS asked CROSS JOIN threads ON threads.id = coalesce(asked.alias_of, asked.id)
    WHERE asked.id = ? AND threads.stories >= {SHOWN_FROM}"""
THREADS_SHOWN = f"""SELECT stories.id, {_COLUMNS} FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value
    CROSS JOIN threads ON threads.key = stories.thread WHERE threads.stories >= {SHOWN_FROM}"""
_LINKS = """SELECT one.id, two.id, links.likeness, links.at FROM stories AS asked CROSS JOIN links ON links.{} = asked.key
    CROSS JOIN stories AS one ON one.key = links.story CROSS JOIN stories AS two ON two.key = links.other WHERE asked.id = ?1"""
LINKS = f"{_LINKS.format('story')} UNION {_LINKS.format('other')} ORDER BY 3 DESC, 1, 2"
REPORTS = """SELECT stories.id, threads.id, CASE WHEN items.details ->> 'unattributed' IS NULL THEN items.outlet_key END,
    items.published, items.private FROM items CROSS JOIN stories ON stories.key = items.story AND NOT stories.dropped
    LEFT JOIN threads ON threads.key = stories.thread WHERE items.first_seen >= ?1 AND items.published >= ?1
    AND items.published < ?2 AND items.hidden IS NULL AND items.details ->> 'astray' IS NULL"""
"""An item is published no later than it is first seen, and an index leads to those first seen since then."""
FATES = """SELECT asked.id, living.id, living.dropped,
    EXISTS (SELECT 1 FROM items WHERE items.story = living.key AND items.private), living.headline
    FROM json_each(?) AS named CROSS JOIN stories AS asked ON asked.id = named.value
    CROSS JOIN stories AS living ON living.id = coalesce(asked.alias_of, asked.id)"""
SHOWING = "SELECT id, earlier FROM stories WHERE earlier IS NOT NULL"
THREADS_OF = """SELECT stories.id, threads.id FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value
    CROSS JOIN threads ON threads.key = stories.thread"""
STATES = (
    """SELECT threads.id, stories, newest, vector FROM json_each(?) AS named CROSS JOIN threads ON threads.id = named.value"""
)
ID_TAKEN = "SELECT 1 FROM threads WHERE id = ?"
INSERT = "INSERT INTO threads (id) VALUES (?)"
_KEY = "(SELECT key FROM threads WHERE id = ?)"
ENTER = f"UPDATE stories SET thread = {_KEY}, version = version + 1 WHERE id = ?"
SET_VECTOR = "UPDATE threads SET vector = ? WHERE id = ?"
LEAVE = "UPDATE stories SET thread = NULL, version = version + 1 WHERE id = ? AND thread IS NOT NULL"
UNLINK = """DELETE FROM links WHERE story = (SELECT key FROM stories WHERE id = ?1)"""
UNLINK_OTHER = """DELETE FROM links WHERE other = (SELECT key FROM stories WHERE id = ?1)"""
MOVE_STORIES = f"UPDATE stories SET thread = {_KEY}, version = version + 1 WHERE thread = {_KEY}"
ALIAS = "UPDATE threads SET alias_of = ?, stories = 0, outlets = 0, first = NULL, head = NULL, vector = x'' WHERE id = ?"
ALIAS_AGAIN = "UPDATE threads SET alias_of = ? WHERE alias_of = ?"
UNALIAS = "UPDATE threads SET alias_of = NULL WHERE id = ?"
ALIAS_BACK = "UPDATE threads SET alias_of = ? WHERE id = ?"
ALIASES = "SELECT id FROM threads WHERE alias_of = ? ORDER BY key"
LIVING = """SELECT threads.id, coalesce(threads.alias_of, threads.id) FROM json_each(?) AS named
    CROSS JOIN threads ON threads.id = named.value"""
BOUND = """SELECT named.value, stories.id FROM json_each(?) AS named
    CROSS JOIN items ON items.guid = substr(named.value, instr(named.value, ' ') + 1)
        AND items.source = substr(named.value, 1, instr(named.value, ' ') - 1)
    CROSS JOIN stories ON stories.key = items.story"""
BEFORE_RESTORE = "threads.before."
"""Prefix of the keys of stories that were in a thread before a restore: its id, which readers may follow."""
IDS_TRIED = 1000
HIDDEN_KEY = "threads.hidden"
"""Key of a stored value while `dedup.threads` is off."""
HIDE = "UPDATE threads SET stories = 0 WHERE stories > 0"
EMPTY = "SELECT id FROM threads WHERE stories = 0 AND alias_of IS NULL"
SAVE_LINK = """INSERT OR REPLACE INTO links (story, other, likeness, at) SELECT one.key, two.key, ?3, ?4
    FROM stories AS one CROSS JOIN stories AS two WHERE one.id = ?1 AND two.id = ?2"""
REPORTS_OF_THREAD = """SELECT stories.id, outlet_key, outlet, items.published,
    details ->> 'unattributed', CASE WHEN items.aggregator THEN NULL ELSE items.source END
    FROM threads CROSS JOIN stories ON stories.thread = threads.key AND NOT dropped
    CROSS JOIN items ON items.story = stories.key AND hidden IS NULL AND details ->> 'astray' IS NULL
    WHERE threads.id = ? ORDER BY stories.published, stories.key, items.first_seen, items.id"""
TAKE_OVER = """UPDATE stories SET thread = (SELECT thread FROM stories WHERE id = ?2) WHERE id = ?1 AND thread IS NULL"""
_MOVE_LINKS = """UPDATE OR IGNORE links SET {0} = (SELECT key FROM stories WHERE id = ?1)
    WHERE {0} = (SELECT key FROM stories WHERE id = ?2)"""
MOVE_LINKS_FROM, MOVE_LINKS_TO = _MOVE_LINKS.format("story"), _MOVE_LINKS.format("other")
NOT_TO_ITSELF = "DELETE FROM links WHERE story = (SELECT key FROM stories WHERE id = ?1) AND other = story"
_FACTS = "first = ?, head = ?, stories = ?, outlets = ?, began = ?, newest = ?"
SET_FACTS = f"""UPDATE threads SET {_FACTS} WHERE id = ?7
    AND (first, head, stories, outlets, began, newest) IS NOT (?1, ?2, ?3, ?4, ?5, ?6)"""


def thread(connection: Connection, id: ThreadId) -> Thread | None:
    """See `Threads.thread`."""
    row = connection.execute(THREAD, (id,)).fetchone()
    return thread_of(row) if row else None


def running(connection: Connection, since: Instant, limit: int) -> list[Thread]:
    """See `Threads.running_threads`."""
    return [thread_of(row) for row in connection.execute(RUNNING, (since, limit))]


def thread_stories(connection: Connection, id: ThreadId) -> list[StoryId]:
    """See `Threads.thread_stories`."""
    found = thread(connection, id)
    return [StoryId(row[0]) for row in connection.execute(STORIES_OF_THREAD, (found.id,))] if found else []


def members(connection: Connection, id: ThreadId) -> list[ThreadStory]:
    """See `Threads.thread_members`."""
    found = thread(connection, id)
    rows = connection.execute(MEMBERS, (found.id,)) if found else iter(())
    return [_member(list(group)) for _, group in groupby(rows, key=itemgetter(0))]


def _member(rows: Sequence[Row]) -> ThreadStory:
    """A story from its rows, one for each item."""
    seen = OutletsSeen()
    outlets = tuple((row[8], row[9]) for row in rows if not row[10] and seen.see(row[8], row[9], row[12]))
    return ThreadStory._make((*rows[0][:8], outlets, any(row[11] for row in rows), rows[0][13]))


def whereabouts(connection: Connection, id: ThreadId) -> ThreadWhereabouts | None:
    """See `Threads.thread_whereabouts`."""
    row = connection.execute(WHEREABOUTS, (id,)).fetchone()
    return ThreadWhereabouts(row[0], float(row[1]), frozenset(json.loads(row[2]))) if row else None


def shown(connection: Connection, stories: Collection[StoryId]) -> dict[StoryId, Thread]:
    """See `Threads.threads_shown`."""
    return {row[0]: thread_of(row[1:]) for row in connection.execute(THREADS_SHOWN, (as_json(list(stories)),))}


def links(connection: Connection, story: StoryId) -> list[Link]:
    """See `Threads.links`."""
    return [Link(*row) for row in connection.execute(LINKS, (story,))]


def reports(connection: Connection, since: Instant, until: Instant) -> list[Report]:
    """See `Threads.reports`."""
    return [Report._make(row) for row in connection.execute(REPORTS, (since, until))]


# --- inside the caller's transaction
def threads_of(connection: Connection, stories: Collection[StoryId]) -> dict[StoryId, ThreadId]:
    """See `ThreadWrites.threads_of`."""
    return dict(connection.execute(THREADS_OF, (as_json(list(stories)),)).fetchall())


def states(connection: Connection, threads: Collection[ThreadId]) -> dict[ThreadId, ThreadState]:
    """See `ThreadWrites.thread_states`."""
    return {row[0]: ThreadState(*row) for row in connection.execute(STATES, (as_json(sorted(threads)),))}


def fates(connection: Connection, stories: Collection[StoryId]) -> dict[StoryId, Fate]:
    """See `ThreadWrites.fates`."""
    rows = connection.execute(FATES, (as_json(list(stories)),))
    return {row[0]: Fate(row[1], bool(row[2]), bool(row[3]), row[4]) for row in rows}


def showing(connection: Connection, stories: Collection[StoryId]) -> list[StoryId]:
    """See `ThreadWrites.stories_showing`."""
    wanted = set(stories)
    found = ((story, earlier_of(text)) for story, text in connection.execute(SHOWING))
    return [story for story, earlier in found if not wanted.isdisjoint(earlier.named)]


def stories_in(connection: Connection, id: ThreadId) -> list[StoryId]:
    """See `ThreadWrites.stories_in`."""
    return [StoryId(row[0]) for row in connection.execute(STORIES_OF_THREAD, (id,))]


def bound(connection: Connection, keys: Collection[str]) -> dict[str, StoryId]:
    """See `ThreadWrites.stories_bound`."""
    return dict(connection.execute(BOUND, (as_json(sorted(keys)),)).fetchall())


def living(connection: Connection, ids: Collection[ThreadId]) -> dict[ThreadId, ThreadId]:
    """See `ThreadWrites.living_threads`."""
    return dict(connection.execute(LIVING, (as_json(sorted(ids)),)).fetchall())


def aliases(connection: Connection, id: ThreadId) -> tuple[ThreadId, ...]:
    """See `ThreadWrites.thread_aliases`."""
    return tuple(row[0] for row in connection.execute(ALIASES, (id,)))


def begin(connection: Connection, first: StoryId) -> ThreadId:
    """See `ThreadWrites.begin_thread`."""
    before = reads.value(connection, BEFORE_RESTORE + first)
    for id in chain([ThreadId(before)] if before else [], islice(thread_ids(first), IDS_TRIED)):
        if connection.execute(ID_TAKEN, (id,)).fetchone() is None:
            connection.execute(INSERT, (id,))
            return id
    raise StoreError(f"{first} has begun {IDS_TRIED} threads")


def enter(connection: Connection, id: ThreadId, stories: Sequence[StoryId], vector: bytes) -> None:
    """See `ThreadWrites.enter_thread`. Raises StoreError for an unknown thread."""
    if not connection.execute(SET_VECTOR, (vector, id)).rowcount:
        raise StoreError(f"there is no thread {id}")
    connection.executemany(ENTER, [(id, story) for story in stories])


def leave(connection: Connection, stories: Collection[StoryId]) -> None:
    """See `ThreadWrites.leave_threads`."""
    for statement in (LEAVE, UNLINK, UNLINK_OTHER):
        connection.executemany(statement, [(story,) for story in stories])


def merge(connection: Connection, kept: ThreadId, alias: ThreadId, vector: bytes) -> None:
    """See `ThreadWrites.merge_threads`."""
    connection.execute(MOVE_STORIES, (kept, alias))
    connection.execute(ALIAS, (kept, alias))
    connection.execute(ALIAS_AGAIN, (kept, alias))
    connection.execute(SET_VECTOR, (vector, kept))


def part(connection: Connection, alias: ThreadId, aliases: Collection[ThreadId]) -> None:
    """See `ThreadWrites.part_threads`."""
    connection.execute(UNALIAS, (alias,))
    connection.executemany(ALIAS_BACK, [(alias, one) for one in aliases])


def save_links(connection: Connection, links: Iterable[Link]) -> None:
    """See `ThreadWrites.save_links`."""
    connection.executemany(SAVE_LINK, [(link.story, link.other, link.likeness, link.at) for link in links])


def merge_story(connection: Connection, kept: StoryId, alias: StoryId) -> frozenset[StoryId]:
    """Has a story take over the thread and the links of one that was merged into it. Returns the stories of changed threads."""
    concerned = set(threads_of(connection, [kept, alias]).values())
    if not concerned:
        return frozenset()
    for statement in (TAKE_OVER, MOVE_LINKS_FROM, MOVE_LINKS_TO):
        connection.execute(statement, (kept, alias))
    connection.execute(NOT_TO_ITSELF, (kept,))
    leave(connection, [alias])
    return sum_up(connection, concerned)


def hide(connection: Connection, hidden: bool) -> None:
    """See `ThreadWrites.hide_threads`. A hidden thread counts no stories."""
    if is_hidden(connection) == hidden:
        return
    small_tables.set_value(connection, HIDDEN_KEY, "yes" if hidden else None)
    if hidden:
        connection.execute(HIDE)
    else:
        sum_up(connection, [ThreadId(row[0]) for row in connection.execute(EMPTY).fetchall()])


def is_hidden(connection: Connection) -> bool:
    return reads.value(connection, HIDDEN_KEY) is not None


def sum_up(connection: Connection, threads: Collection[ThreadId]) -> frozenset[StoryId]:
    """See `ThreadWrites.sum_up_threads`."""
    changed: set[StoryId] = set()
    hidden = bool(threads) and is_hidden(connection)
    for id in threads:
        stories, facts = _facts(connection, id)
        if hidden:
            facts = (*facts[:2], 0, *facts[3:])
        if connection.execute(SET_FACTS, (*facts, id)).rowcount:
            changed.update(stories)
    return frozenset(changed)


def _facts(
    connection: Connection, id: ThreadId
) -> tuple[list[StoryId], tuple[StoryId | None, StoryId | None, int, int, Instant, Instant]]:
    """The stories of a thread, and (first, head, stories, outlets, began, newest)."""
    everyone = OutletsSeen()
    stories: list[StoryId] = []
    head: StoryId | None = None
    most, newest, began = -1, 0.0, float("inf")
    for story, rows in groupby(connection.execute(REPORTS_OF_THREAD, (id,)), key=itemgetter(0)):
        own = OutletsSeen()
        for _, key, name, published, unattributed, source in rows:
            if not unattributed:
                everyone.see(key, name, source)
                own.see(key, name, source)
            newest, began = max(newest, published), min(began, published)
        stories.append(StoryId(story))
        if own.count > most:
            head, most = StoryId(story), own.count
    return stories, (stories[0] if stories else None, head, len(stories), everyone.count, began if stories else 0.0, newest)
