"""The tables, and the migrations from older releases.

A migration is a function in MIGRATIONS; its number is its position, counted from 1, and is stored in `PRAGMA user_version`. A
released migration is never edited. All run in one transaction, so that a kill in the middle leaves the old schema.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import StoreError
from aggregator.store import index_schema
from aggregator.store.connect import explained
from aggregator.store.migrations import LATER
from aggregator.store.peek import look

if TYPE_CHECKING:
    from sqlite_utils import Database

APPLICATION_ID = 0x61676772
"""`PRAGMA application_id`: "aggr" in ASCII, so that another program's database is never mistaken for ours."""

OLDEST = (3, 38)
"""SQLite of 2022: STRICT tables, and JSON's `->>`."""
CONTENTLESS_DELETE = (3, 43)
"""SQLite of 2023: rows can be deleted from a full-text index without content."""
SEARCH_COLUMNS = ("title", "text", "author")


def ready(connection: sqlite3.Connection, path: Path, before: Callable[[int], None]) -> None:
    """Brings the database to this release's schema, or raises StoreError.

    before: called with the old version before a database with data is migrated (to back it up).
    """
    with explained(path):
        _check_sqlite_version(connection, path)
        found = version(connection, path)
        if found == len(MIGRATIONS):
            return
        if found:
            before(found)
        connection.execute("BEGIN IMMEDIATE")
        try:
            _migrate(connection, version(connection, path))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def refuse_foreign(path: Path) -> None:
    """Raises StoreError for another program's database or a newer schema, before anything of it is changed.

    To open it for writing would already turn it to WAL mode, or fold its log into it.
    """
    if path.is_file() and path.stat().st_size:
        with closing(look(path)) as connection:
            version(connection, path)


def _check_sqlite_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError if this machine's SQLite is too old, or older than the database needs."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: {'.'.join(map(str, OLDEST))} or newer is needed")
    if sqlite3.sqlite_version_info < CONTENTLESS_DELETE:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'search'").fetchone()
        if made and "contentless_delete" in made[0]:
            raise StoreError(
                f"the database {path} was made with SQLite 3.43 or newer, and this machine has {sqlite3.sqlite_version}: "
                "use a Python with a newer SQLite"
            )


def version(connection: sqlite3.Connection, path: Path) -> int:
    """The database's schema version, 0 if empty. Raises StoreError for another program's database or a newer schema."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    owner: int = connection.execute("PRAGMA application_id").fetchone()[0]
    if found > len(MIGRATIONS):
        raise StoreError(
            f"the database {path} is of a newer release (schema {found}, this one knows {len(MIGRATIONS)}): "
            "install that release again, or restore a backup from before with `aggregator restore FILE`"
        )
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION_ID and (owner or found or tables):
        raise StoreError(f"{path} is another program's database: name another file at storage.database")
    return found


def _migrate(connection: sqlite3.Connection, found: int) -> None:
    from sqlite_utils import Database  # here: it takes 100 ms, with numpy where that is, and hardly any start migrates

    database = Database(connection, execute_plugins=False, recursive_triggers=False)
    for number, migration in enumerate(MIGRATIONS[found:], start=found + 1):
        migration(database)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _initial_schema(database: Database) -> None:
    _sources(database)
    _stories(database)
    _outputs(database)
    _deliveries_and_events(database)
    _small_tables(database)
    index_schema.create(database.conn)


def _sources(database: Database) -> None:
    """documents: the items of each source's last document, packed (rows.document_of)."""
    database.table("sources").create(
        {
            "id": str, "position": int, "configured": int, "enabled": int, "configured_url": str, "url": str,
            "due": float, "not_before": float, "reason": str, "etag": str, "last_modified": str, "validators_url": str,
            "body_hash": bytes, "last_poll": float, "last_status": int, "last_error": str, "last_fault": str,
            "last_success": float, "first_success": float, "last_new": float, "failures": int, "parse_failures": int,
            "gone": int, "moved_to": str, "moved_times": int, "title": str, "home": str, "format": str, "language": str,
            "entries": int, "arrivals": bytes, "rest": str,
        },
        pk="id",
        not_null={"position", "configured", "enabled", "configured_url", "url", "due", "gone"},
        defaults={
            "not_before": 0.0, "body_hash": b"", "arrivals": b"", "failures": 0, "parse_failures": 0, "gone": 0,
            "moved_times": 0, "entries": 0,
        },
        strict=True,
    )  # fmt: skip
    database.execute("CREATE INDEX sources_due ON sources (due, position) WHERE configured AND enabled AND NOT gone")
    database.table("documents").create({"source": str, "items": bytes}, pk="source", strict=True)


def _stories(database: Database) -> None:
    """key: identifies a story in other tables; unlike the random ids it grows, so that new rows share pages.
    items_filter: covers all that a StoryFilter asks of items, so that a search need not read their texts.

    version: see `Shown`. published_once: the id was in a visible document. unlisted: when the item left its source's document.
    """
    database.table("stories").create(
        {
            "key": int, "id": str, "lead": int, "published": float, "first_seen": float, "updated": float, "lead_reason": str,
            "tags": str, "topics": str, "visible": bytes, "alias_of": str, "old": int, "dropped": int, "version": int,
            "published_once": int,
        },
        pk="key",
        not_null={"id", "lead", "published", "first_seen", "updated", "old", "dropped", "version", "published_once"},
        defaults={"version": 1, "published_once": 0},
        strict=True,
    )  # fmt: skip
    database.table("stories").create_index(["id"], "stories_id", unique=True)
    database.execute("CREATE INDEX stories_published ON stories (published DESC, id) WHERE alias_of IS NULL AND NOT dropped")
    database.execute("CREATE INDEX stories_alias_of ON stories (alias_of) WHERE alias_of IS NOT NULL")
    database.table("items").create(
        {
            "id": int, "source": str, "guid": str, "story": int, "canonical": str, "outlet": str, "outlet_key": str,
            "published": float, "first_seen": float, "hash": bytes, "language": str, "rank": int, "source_group": str,
            "tags": str, "aggregator": int, "undated": int, "old": int, "agency": str, "fingerprint": bytes,
            "title_hash": bytes, "unlisted": float, "joined": float, "evidence": str, "url": str, "title": str,
            "entry_published": float, "entry_updated": float, "details": str, "summary": str, "content": str, "text": str,
        },
        pk="id",
        not_null={"source", "guid", "story", "published", "first_seen", "hash", "joined", "title", "summary"},
        foreign_keys=[("story", "stories", "key")],
        strict=True,
    )  # fmt: skip
    items = database.table("items")
    items.create_index(["guid", "source"], "items_guid", unique=True)
    items.create_index(["canonical", "source"], "items_canonical")
    items.create_index(["story", "first_seen"], "items_story")
    items.create_index(["first_seen", "story", "published", "source", "source_group", "language", "tags"], "items_filter")
    database.execute("CREATE INDEX items_unlisted ON items (unlisted) WHERE unlisted IS NOT NULL")
    database.execute(_search_table())


def _search_table() -> str:
    """The words of the items (`text.words.tokens`), one row per item, `rowid` is its id.

    Contentless, because the texts are in `items`. SQLite before 3.43 can't delete from such a table and gets an ordinary one.
    """
    contentless = ", content='', contentless_delete=1" if sqlite3.sqlite_version_info >= CONTENTLESS_DELETE else ""
    return f"CREATE VIRTUAL TABLE search USING fts5({', '.join(SEARCH_COLUMNS)}, tokenize='ascii'{contentless})"


def _outputs(database: Database) -> None:
    database.table("outputs").create(
        {
            "slug": str, "definition": bytes, "filling": int, "revision": int, "changed": float, "as_of": float,
            "withdrawn": int, "last_seq": int,
        },
        pk="slug",
        defaults={"definition": b"", "filling": 1, "revision": 0, "changed": 0.0, "as_of": 0.0, "withdrawn": 0, "last_seq": 0},
        strict=True,
    )  # fmt: skip
    database.execute(_MEMBERS)
    database.execute("CREATE UNIQUE INDEX members_story ON members (story, slug)")
    database.execute("CREATE INDEX members_shown ON members (slug, seq) WHERE page IS NULL")
    database.execute("CREATE INDEX members_page ON members (slug, page) WHERE page IS NOT NULL")
    database.table("pages").create(
        {"slug": str, "page": int, "closed": float, "updated": float, "stories": str, "body": bytes},
        pk=("slug", "page"),
        not_null={"closed", "updated", "stories", "body"},
        strict=True,
    )


_MEMBERS = """CREATE TABLE members (
    slug TEXT NOT NULL REFERENCES outputs (slug), seq INTEGER NOT NULL, story INTEGER NOT NULL REFERENCES stories (key),
    entered REAL NOT NULL, page INTEGER, PRIMARY KEY (slug, seq)) STRICT, WITHOUT ROWID"""
"""Ordered by `seq`, as it grows and is read. Plain SQL, because sqlite-utils has no WITHOUT ROWID."""


def _deliveries_and_events(database: Database) -> None:
    """Subscriptions to our hub, deliveries still to be sent, events for the operator, and hubs that push to us."""
    subscriptions = database.table("subscriptions").create(
        {"topic": str, "callback": str, "secret": str, "lease_until": float, "created": float},
        pk=("topic", "callback"),
        not_null={"lease_until", "created"},
        strict=True,
    )
    subscriptions.create_index(["lease_until"], "subscriptions_lease")
    deliveries = database.table("deliveries").create(
        {
            "kind": str, "topic": str, "target": str, "subject": str, "version": str, "created": float, "due": float,
            "attempts": int, "last_error": str,
        },
        pk=("kind", "topic", "target", "subject"),
        not_null={"version", "created", "due", "attempts"},
        strict=True,
    )  # fmt: skip
    deliveries.create_index(["due"], "deliveries_due")
    database.table("events").create(
        {"key": str, "opened": float, "kind": str, "title": str, "detail": str, "closed": float},
        pk=("key", "opened"),
        not_null={"kind", "title", "detail"},
        strict=True,
    ).create_index(["opened"], "events_opened")
    database.table("upstream").create(
        {"source": str, "hub": str, "topic": str, "token": str, "secret": str, "state": str, "lease_until": float, "due": float},
        pk="source",
        strict=True,
    )


def _small_tables(database: Database) -> None:
    database.table("holds").create({"domain": str, "until": float, "reason": str}, pk="domain", strict=True)
    rejects = database.table("rejects").create(
        {"id": int, "source": str, "guid": str, "url": str, "title": str, "rule": str, "at": float}, pk="id", strict=True
    )
    rejects.create_index(["source", "guid"], "rejects_guid", unique=True)
    overrides = database.table("overrides").create(
        {"id": int, "kind": str, "a": str, "b": str, "at": float}, pk="id", not_null={"kind", "a", "at"}, strict=True
    )
    overrides.create_index(["kind", "a"], "overrides_kind")
    database.table("key_values").create({"key": str, "value": str}, pk="key", strict=True)


MIGRATIONS: tuple[Callable[[Database], None], ...] = (_initial_schema, *LATER)
