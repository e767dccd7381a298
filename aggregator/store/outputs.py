"""Published feeds in the database: their states, member stories and closed archive pages."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from aggregator.model import SHOWN_FROM, Instant, Slug, SourceId, StoryId
from aggregator.ports import ArchivePage, Candidate, Member, OutputState, Shown, share
from aggregator.store.connection import Connection
from aggregator.store.rows import as_json

OUTPUTS = "SELECT slug, definition, filling, revision, changed, as_of, withdrawn FROM outputs ORDER BY slug"
MEMBERS = """SELECT stories.id, seq, entered FROM members CROSS JOIN stories ON stories.key = members.story
    WHERE slug = ? AND seq < ? ORDER BY seq DESC LIMIT ?"""
SHOWN = """SELECT stories.id, members.seq, members.entered, stories.published, stories.updated, stories.version
    FROM members CROSS JOIN stories ON stories.key = members.story
    WHERE members.slug = ? AND members.page IS NULL ORDER BY members.seq DESC"""
NEWEST = """SELECT id, seq, entered, published, updated, version FROM (
        SELECT stories.id, members.seq, members.entered, stories.published, stories.updated, stories.version,
            row_number() OVER (PARTITION BY items.source ORDER BY stories.published DESC, stories.id DESC) AS place
        FROM members CROSS JOIN stories ON stories.key = members.story CROSS JOIN items ON items.id = stories.lead
        WHERE members.slug = ? AND members.page IS NULL) AS placed
    ORDER BY place > ?, published DESC, id DESC LIMIT ?"""
SHOWN_OF = """SELECT stories.id, members.seq, members.entered, stories.published, stories.updated, stories.version
    FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value
    CROSS JOIN members ON members.story = stories.key AND members.slug = ? ORDER BY named.key"""
_REPORT = "hidden IS NULL AND details ->> 'astray' IS NULL"
_OUTLETS = f"""(SELECT count(DISTINCT outlet_key) FROM items WHERE story = stories.key AND {_REPORT}
    AND details ->> 'unattributed' IS NULL)"""
CANDIDATES = f"""SELECT stories.id, threads.id, CASE WHEN items.details ->> 'unattributed' IS NULL THEN items.outlet_key END,
        CASE WHEN ?4 THEN {_OUTLETS} ELSE 0 END, stories.published, stories.updated
    FROM (SELECT story AS key FROM items WHERE first_seen >= ?2
        UNION SELECT stories.key FROM threads CROSS JOIN stories ON stories.thread = threads.key
            WHERE threads.newest >= ?2 AND threads.stories > 0
        UNION SELECT story FROM (SELECT story FROM members WHERE slug = ?1 ORDER BY seq DESC LIMIT ?3) AS latest) AS chosen
    CROSS JOIN members ON members.story = chosen.key AND members.slug = ?1
    CROSS JOIN stories ON stories.key = chosen.key CROSS JOIN items ON items.id = stories.lead
    LEFT JOIN threads ON threads.key = stories.thread"""
QUIET = f"""SELECT stories.id FROM members CROSS JOIN stories ON stories.key = members.story AND stories.published <= ?2
    LEFT JOIN threads ON threads.key = stories.thread AND threads.stories >= {SHOWN_FROM}
    WHERE members.slug = ?1 AND members.page IS NULL AND coalesce(threads.newest, 0) <= ?2
    AND NOT EXISTS (SELECT 1 FROM items WHERE items.story = stories.key AND items.published > ?2 AND {_REPORT})"""
LEAD_SOURCES = """SELECT stories.id, items.source
    FROM members CROSS JOIN stories ON stories.key = members.story CROSS JOIN items ON items.id = stories.lead
    WHERE members.slug = ? AND members.page IS NULL"""
MEMBERS_OF = """SELECT stories.id, members.slug FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value
    CROSS JOIN members ON members.story = stories.key"""
PAGES = "SELECT slug, page, closed, updated, stories, x'' FROM pages WHERE slug = ? ORDER BY page"
PAGE = "SELECT slug, page, closed, updated, stories, body FROM pages WHERE slug = ? AND page = ?"
PUBLISHED = "SELECT id FROM stories WHERE id IN (SELECT value FROM json_each(?)) AND published_once"

_SAVE_OUTPUT = """INSERT INTO outputs (slug, definition, filling, revision, changed, as_of, withdrawn)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (slug) DO UPDATE SET definition = excluded.definition, filling = excluded.filling, revision = excluded.revision,
    changed = excluded.changed, as_of = excluded.as_of, withdrawn = excluded.withdrawn"""
_BUMP = "UPDATE outputs SET revision = ?, changed = ? WHERE slug = ?"
_TO_ENTER = """SELECT stories.id, stories.key FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value
    WHERE NOT EXISTS (SELECT 1 FROM members WHERE members.story = stories.key AND slug = ?) ORDER BY named.key"""
_TAKE_SEQS = """INSERT INTO outputs (slug, last_seq) VALUES (?, ?)
    ON CONFLICT (slug) DO UPDATE SET last_seq = outputs.last_seq + excluded.last_seq RETURNING last_seq"""
_ENTER = "INSERT INTO members (slug, story, seq, entered) VALUES (?, ?, ?, ?)"
LEAVE = """DELETE FROM members WHERE (story, slug) IN
    (SELECT stories.key, ? FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value)
    AND (page IS NULL OR EXISTS (SELECT 1 FROM stories WHERE key = members.story AND (dropped OR alias_of IS NOT NULL)))"""
WITHDRAW = """DELETE FROM members WHERE (story, slug) IN
    (SELECT stories.key, ? FROM json_each(?) AS named CROSS JOIN stories ON stories.id = named.value)"""
CLEAR = "DELETE FROM members WHERE slug = ? AND page IS NULL"
LEAVE_ALL = "DELETE FROM members WHERE story = (SELECT key FROM stories WHERE id = ?)"
MARK_PUBLISHED = "UPDATE stories SET published_once = TRUE WHERE id = ? AND NOT published_once"
_SAVE_PAGE = "INSERT OR REPLACE INTO pages (slug, page, closed, updated, stories, body) VALUES (?, ?, ?, ?, ?, ?)"
REOPEN_PAGE = "UPDATE members SET page = NULL WHERE slug = ? AND page = ?"
RETURN_TO_PAGES = """UPDATE members SET page = (SELECT pages.page FROM pages, json_each(pages.stories) AS named
        WHERE pages.slug = members.slug AND named.value = ?1)
    WHERE story = (SELECT key FROM stories WHERE id = ?1) AND page IS NULL"""
_CLOSE_PAGE = "UPDATE members SET page = ? WHERE slug = ? AND story = (SELECT key FROM stories WHERE id = ?)"

NO_LIMIT = 2**62
HIGHEST_SEQ = 2**62


def outputs(connection: Connection) -> dict[Slug, OutputState]:
    """All feeds' states, by slug."""
    found = {}
    for slug, definition, filling, revision, changed, as_of, withdrawn in connection.execute(OUTPUTS):
        found[slug] = OutputState(slug, definition, bool(filling), revision, changed, as_of, bool(withdrawn))
    return found


def members(connection: Connection, slug: Slug, limit: int | None, before: int | None) -> list[Member]:
    """See `Store.members`."""
    bounds = (HIGHEST_SEQ if before is None else before, NO_LIMIT if limit is None else limit)
    return [Member(*row) for row in connection.execute(MEMBERS, (slug, *bounds))]


def shown(connection: Connection, slug: Slug, newest: int | None = None) -> list[Shown]:
    """See `Store.shown`."""
    if newest is None:
        return [Shown(*row) for row in connection.execute(SHOWN, (slug,))]
    found = [Shown(*row) for row in connection.execute(NEWEST, (slug, share(newest), newest))]
    return sorted(found, key=lambda one: -one.seq)


def shown_of(connection: Connection, slug: Slug, stories: Sequence[StoryId]) -> list[Shown]:
    """See `Store.shown_of`."""
    return [Shown(*row) for row in connection.execute(SHOWN_OF, (as_json(list(stories)), slug))]


def candidates(connection: Connection, slug: Slug, since: Instant, latest: int, count: bool) -> list[Candidate]:
    """See `Store.candidates`."""
    return [Candidate(*row) for row in connection.execute(CANDIDATES, (slug, since, latest, count))]


def quiet_members(connection: Connection, slug: Slug, since: Instant) -> list[StoryId]:
    """See `Store.quiet_members`."""
    return [StoryId(row[0]) for row in connection.execute(QUIET, (slug, since))]


def lead_sources(connection: Connection, slug: Slug) -> dict[StoryId, SourceId]:
    """See `Store.lead_sources`."""
    return dict(connection.execute(LEAD_SOURCES, (slug,)).fetchall())


def members_of(connection: Connection, ids: Collection[StoryId]) -> dict[StoryId, frozenset[Slug]]:
    """The feeds that each story is in, including their archive pages."""
    found: dict[StoryId, set[Slug]] = {id: set() for id in ids}
    for story, slug in connection.execute(MEMBERS_OF, (as_json(list(found)),)):
        found[story].add(slug)
    return {story: frozenset(slugs) for story, slugs in found.items()}


def pages(connection: Connection, slug: Slug) -> list[ArchivePage]:
    """Closed pages of a feed, oldest first, without their bodies."""
    return [_page(row) for row in connection.execute(PAGES, (slug,))]


def page(connection: Connection, slug: Slug, number: int) -> ArchivePage | None:
    """One closed page with its body, or None."""
    row = connection.execute(PAGE, (slug, number)).fetchone()
    return _page(row) if row else None


def _page(row: tuple[Slug, int, Instant, Instant, str, bytes]) -> ArchivePage:
    slug, number, closed, updated, stories, body = row
    return ArchivePage(slug, number, closed, updated, tuple(json.loads(stories)), body)


def published(connection: Connection, ids: Iterable[StoryId]) -> frozenset[StoryId]:
    """See `Transaction.published_stories`."""
    return frozenset(row[0] for row in connection.execute(PUBLISHED, (as_json(list(ids)),)))


# --- writes, inside the caller's transaction
def save(connection: Connection, state: OutputState) -> None:
    """Stores a feed's state, but not its `last_seq`."""
    values = (state.slug, state.definition, state.filling, state.revision, state.changed, state.as_of, state.withdrawn)
    connection.execute(_SAVE_OUTPUT, values)


def bump(connection: Connection, states: Iterable[OutputState]) -> None:
    """Stores the `revision` and `changed` of feeds whose documents have changed."""
    connection.executemany(_BUMP, [(state.revision, state.changed, state.slug) for state in states])


def enter(connection: Connection, slug: Slug, stories: Mapping[StoryId, Instant], new: Mapping[StoryId, int]) -> None:
    """See `Transaction.enter`. `last_seq` is stored with the feed, so that numbers of stories that left are never reused.

    new: keys of new stories, which are in no feed and need no look-up.
    """
    looked_up = [story for story in stories if story not in new]
    keys = {**new, **dict(connection.execute(_TO_ENTER, (as_json(looked_up), slug)))} if looked_up else new
    entering = [(keys[story], entered) for story, entered in stories.items() if story in keys]
    if not entering:
        return
    last: int = connection.execute(_TAKE_SEQS, (slug, len(entering))).fetchone()[0]
    rows = [(slug, key, seq, entered) for seq, (key, entered) in enumerate(entering, start=last - len(entering) + 1)]
    connection.executemany(_ENTER, rows)


def leave(connection: Connection, slug: Slug, stories: Collection[StoryId]) -> None:
    """See `Transaction.leave`."""
    connection.execute(LEAVE, (slug, as_json(list(stories))))


def withdraw(connection: Connection, slug: Slug, stories: Collection[StoryId]) -> None:
    """See `Transaction.withdraw`."""
    connection.execute(WITHDRAW, (slug, as_json(list(stories))))


def clear(connection: Connection, slug: Slug) -> None:
    """See `Transaction.clear`."""
    connection.execute(CLEAR, (slug,))


def mark_published(connection: Connection, ids: Collection[StoryId]) -> bool:
    """Marks stories as published. True if any was not before: then there is a promise to make durable."""
    return connection.executemany(MARK_PUBLISHED, [(id,) for id in ids]).rowcount > 0


def return_to_pages(connection: Connection, story: StoryId) -> None:
    """See `Transaction.return_to_pages`."""
    connection.execute(RETURN_TO_PAGES, (story,))


def save_page(connection: Connection, page: ArchivePage) -> None:
    """See `Transaction.save_page`. A member that the replaced page had and the new one lacks is shown again."""
    connection.execute(_SAVE_PAGE, (page.slug, page.page, page.closed, page.updated, as_json(page.stories), page.body))
    connection.execute(REOPEN_PAGE, (page.slug, page.page))
    connection.executemany(_CLOSE_PAGE, [(page.page, page.slug, story) for story in page.stories])
