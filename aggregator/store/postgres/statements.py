"""Every statement that PostgreSQL says otherwise than SQLite, by the statement of the shared query that it stands for.

Parameters are those of that statement. The rest is rewritten by rule (dialect.py).
"""

from __future__ import annotations

from aggregator.model import SHOWN_FROM
from aggregator.store import (
    articles,
    decisions,
    index,
    items,
    listings,
    moves,
    outgoing,
    outputs,
    reads,
    remembered,
    renames,
    retention,
    small_tables,
    states,
    threads,
)
from aggregator.store.rows import ITEM_COLUMNS


def _upsert(table: str, key: str, columns: str, unique: str = "") -> str:
    """Inserts a row, or replaces the one of the same key. unique: the key as its index has it, if that is another."""
    names = [name.strip() for name in columns.split(",")]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key.split(", "))
    places = ", ".join("?" for _ in names)
    return f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT ({unique or key}) DO UPDATE SET {changed}"


_AMONG = "= ANY (ARRAY(SELECT value::bigint FROM json_array_elements_text(?{}::json) AS listed (value)))"
"""In place of `IN`: is among the numbers of a JSON list."""
_STORY_OF_ITEM = """SELECT stories.id FROM items JOIN stories ON stories.key = items.story WHERE items.{} = ?
    ORDER BY items.hidden IS NOT NULL, items.first_seen, items.id LIMIT 1"""
_NAMED = """SELECT id FROM (SELECT DISTINCT stories.id, stories.key FROM items JOIN stories ON stories.key = items.story
    WHERE items.{} = ? AND items.hidden IS NULL AND NOT stories.dropped) AS named ORDER BY key"""
_FIELDS = ", ".join(f"remembered.{column}" for column in remembered.COLUMNS)
_KEYS = "json_array_elements(?::json) WITH ORDINALITY AS key (value, place)"
_TEXT_KEYS = "json_array_elements_text(?::json) WITH ORDINALITY AS key (value, place)"
_MOVE_LINKS = """UPDATE links SET {0} = (SELECT key FROM stories WHERE id = ?1)
    WHERE {0} = (SELECT key FROM stories WHERE id = ?2) AND NOT EXISTS (SELECT 1 FROM links AS there
        WHERE there.{0} = (SELECT key FROM stories WHERE id = ?1) AND there.{1} = links.{1})"""
_RENAMED_VALUE = (
    "DELETE FROM key_values WHERE key = {1} AND EXISTS (SELECT 1 FROM key_values AS old WHERE old.key = {2})",
    "UPDATE key_values SET key = {1} WHERE key = {2}",
)
_CLAIMED = "key LIKE 'domain:%' AND substr(key, strpos(key, ' ') + 1) = ?2"
_KEY = "(SELECT key FROM stories WHERE id = ?{})"
_LEFT = """DELETE FROM members WHERE slug = ? AND story = ANY (ARRAY(SELECT stories.key
    FROM unnest(ARRAY(SELECT json_array_elements_text(?::json))) AS named (value) JOIN stories ON stories.id = named.value))"""

OWN: dict[str, str | tuple[str, ...]] = {
    # --- the index of grouping
    index.SAVE_STATE: _upsert("group_state", "name", "name, value"),
    # --- items and stories
    items._LAST_ID: """SELECT greatest(coalesce((SELECT max(id) FROM items), 0),
        coalesce((SELECT value::bigint FROM key_values WHERE key = ?), 0))""",
    items._DELETE_WORDS: "DELETE FROM search WHERE item = ?",
    listings.FINGERPRINTS_OF_ITEMS: f"SELECT id, fingerprint FROM items WHERE id {_AMONG.format('')}",
    moves.REKEY: """UPDATE items SET guid = ?1 WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM items AS other
        WHERE other.guid = ?1 AND other.source = items.source AND other.id <> items.id)""",
    moves.MOVE_BACK: f"UPDATE items SET story = {_KEY.format(1)} WHERE id {_AMONG.format(2)} AND story = {_KEY.format(3)}",
    reads.ITEMS_OF_STORIES: f"""SELECT {", ".join(ITEM_COLUMNS)} FROM items
        WHERE story {_AMONG.format(1)} AND (hidden IS NULL OR ?2) ORDER BY story, first_seen, id""",
    reads.STORIES_WITH: f"""SELECT DISTINCT stories.id FROM items JOIN stories ON stories.key = items.story
        WHERE items.id {_AMONG.format("")}""",
    reads.STORY_BY_CANONICAL: _STORY_OF_ITEM.format("canonical"),
    reads.STORY_BY_GUID: _STORY_OF_ITEM.format("guid"),
    reads.STORIES_BY_CANONICAL: _NAMED.format("canonical"),
    reads.STORIES_BY_GUID: _NAMED.format("guid"),
    reads.COUNTS["bytes"]: """SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'm')""",
    articles.ATTEMPTS: f"SELECT item, due, asked, outcome FROM articles WHERE item {_AMONG.format('')}",
    articles.WANT: """INSERT INTO articles (item, due, outcome) SELECT id, ?::float8, ?::text FROM items
        WHERE guid = ? AND source = ? ON CONFLICT (item) DO NOTHING""",
    # --- small tables
    decisions.ADD_OVERRIDE: """INSERT INTO overrides (kind, a, b, at, decision) SELECT ?1::text, ?2::text, ?3::text,
        ?4::float8, ?5::bigint WHERE NOT EXISTS (SELECT 1 FROM decisions WHERE id = ?5::bigint AND undone IS NOT NULL)""",
    outgoing._SAVE_SUBSCRIPTION: _upsert(
        *("subscriptions", "topic, callback", "topic, callback, secret, lease_until, created, domain"),
        unique="topic, md5(callback)",
    ),
    outgoing._SAVE_DELIVERY: _upsert(
        *("deliveries", "kind, topic, target, subject", outgoing._DELIVERY), unique="kind, topic, md5(target), subject"
    ),
    outgoing._SAVE_EVENT: _upsert("events", "key, opened", outgoing._EVENT),
    outgoing.REACHED_ALREADY: """UPDATE reached SET subject = ?1 WHERE subject = ?2
        AND NOT EXISTS (SELECT 1 FROM reached AS there WHERE there.subject = ?1 AND there.slug = reached.slug)""",
    outputs.LEAVE: f"""{_LEFT} AND (page IS NULL
        OR EXISTS (SELECT 1 FROM stories WHERE key = members.story AND (dropped OR alias_of IS NOT NULL)))""",
    outputs.WITHDRAW: _LEFT,
    outputs._SAVE_PAGE: _upsert("pages", "slug, page", "slug, page, closed, updated, stories, body"),
    small_tables._SAVE_HOLD: _upsert("holds", "domain", "domain, until, reason"),
    small_tables._ADD_REJECT: """INSERT INTO rejects (source, guid, url, title, rule, at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (source, guid) DO UPDATE SET url = excluded.url, title = excluded.title, rule = excluded.rule
        WHERE (rejects.url, rejects.title, rejects.rule) IS DISTINCT FROM (excluded.url, excluded.title, excluded.rule)""",
    small_tables.KNOWN_REJECTS: f"""SELECT rejects.source, rejects.guid FROM {_KEYS}
        JOIN rejects ON rejects.source = key.value ->> 0 AND rejects.guid = key.value ->> 1""",
    # --- what a restore remembers
    remembered.BY_IDENTITY: f"""SELECT {_FIELDS}, key.place - 1 FROM {_KEYS}
        JOIN remembered ON remembered.guid = key.value ->> 1 AND remembered.source = key.value ->> 0""",
    remembered.BY_ADDRESS: f"""SELECT {_FIELDS}, key.place - 1 FROM {_TEXT_KEYS}
        JOIN remembered ON remembered.canonical = key.value""",
    remembered.BY_STORY: f"SELECT {_FIELDS}, key.place - 1 FROM {_TEXT_KEYS} JOIN remembered ON remembered.story = key.value",
    # --- retention
    retention.LISTINGS: f"SELECT story, source, unlisted, id FROM items WHERE story {_AMONG.format('')}",
    retention.SHOWN_STORIES: f"""SELECT members.story FROM members JOIN outputs ON outputs.slug = members.slug
        WHERE members.story {_AMONG.format("")} AND members.page IS NULL AND NOT outputs.withdrawn
        AND members.seq > outputs.last_seq - ?""",
    retention.TOMBSTONES: f"""SELECT key FROM stories WHERE key {_AMONG.format("")} AND (published_once
        OR EXISTS (SELECT 1 FROM stories AS alias WHERE alias.alias_of = stories.id)
        OR EXISTS (SELECT 1 FROM members WHERE members.story = stories.key AND page IS NOT NULL))""",
    # --- threads
    threads.WHEREABOUTS: f"""SELECT threads.id,
        greatest(threads.newest, (SELECT max(first_seen) FROM stories WHERE thread = threads.key)),
        (SELECT coalesce(json_agg(DISTINCT members.slug), '[]')
            FROM stories JOIN members ON members.story = stories.key WHERE stories.thread = threads.key)
        FROM threads AS asked JOIN threads ON threads.id = coalesce(asked.alias_of, asked.id)
        WHERE asked.id = ? AND threads.stories >= {SHOWN_FROM}""",
    threads.BOUND: """SELECT named.value, stories.id FROM json_array_elements_text(?::json) AS named (value)
        JOIN items ON items.guid = substr(named.value, strpos(named.value, ' ') + 1)
            AND items.source = substr(named.value, 1, strpos(named.value, ' ') - 1)
        JOIN stories ON stories.key = items.story""",
    threads.SAVE_LINK: """INSERT INTO links (story, other, likeness, at) SELECT one.key, two.key, ?3::float8, ?4::float8
        FROM stories AS one CROSS JOIN stories AS two WHERE one.id = ?1 AND two.id = ?2
        ON CONFLICT (story, other) DO UPDATE SET likeness = excluded.likeness, at = excluded.at""",
    threads.MOVE_LINKS_FROM: _MOVE_LINKS.format("story", "other"),
    threads.MOVE_LINKS_TO: _MOVE_LINKS.format("other", "story"),
    # --- sources with another id
    **{
        statement: tuple(
            one.replace("{1}", f"'{prefix}.' || ?1::text").replace("{2}", f"'{prefix}.' || ?2::text") for one in _RENAMED_VALUE
        )
        for prefix, statement in zip(renames.PREFIXES, renames._VALUES, strict=True)
    },
    renames._CLAIMS: (
        f"""DELETE FROM key_values AS new USING key_values AS old WHERE old.{_CLAIMED.replace("(key", "(old.key")}
            AND new.key = substr(old.key, 1, strpos(old.key, ' ')) || ?1::text""",
        f"UPDATE key_values SET key = substr(key, 1, strpos(key, ' ')) || ?1::text WHERE {_CLAIMED}",
    ),
}
"""Two statements run one after the other, with the same parameters."""


LIGHT = frozenset((states._SAVE, states.CLAIM))
"""What writes states of sources alone: if a crash loses it, the poll is repeated."""
