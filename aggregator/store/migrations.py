"""The migrations from older releases, after the initial schema (schema.py). A released one is never edited.

Each makes one version of the schema: its number is its position. A change of what stored bytes mean is one, too, even where no
table changes: an older release must not read the bytes of a newer one in its own way.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from aggregator.text.urls import registrable_domain

if TYPE_CHECKING:
    from sqlite_utils import Database


def private_items(database: Database) -> None:
    """private: the item is from a private source."""
    database.execute("ALTER TABLE items ADD COLUMN private INTEGER NOT NULL DEFAULT 0")


def domains(database: Database) -> None:
    """domain: of a subscriber's callback, so that the hub's limits are checked by an index."""
    database.execute("ALTER TABLE subscriptions ADD COLUMN domain TEXT NOT NULL DEFAULT ''")
    database.register_function(registrable_domain, deterministic=True)
    database.execute("UPDATE subscriptions SET domain = registrable_domain(callback)")
    database.execute("CREATE INDEX subscriptions_domain ON subscriptions (domain)")


def poll_requests(database: Database) -> None:
    """Poll requests become rows, in place of two values. Waiting clients ask again."""
    database.table("poll_requests").create(
        {"id": int, "key": str, "ids": str, "forced": int, "taken": int, "answer": str},
        pk="id",
        not_null={"key", "forced", "taken"},
        defaults={"taken": 0},
        strict=True,
    ).create_index(["key"], "poll_requests_key", unique=True)
    database.execute("DELETE FROM key_values WHERE key IN ('poll:requests', 'poll:answers')")


def no_upstream(database: Database) -> None:
    """Removes a table that was never read."""
    database.execute("DROP TABLE IF EXISTS upstream")


def decisions(database: Database) -> None:
    """A person's decisions become rows that can be listed and undone; what was one before is told by kind and time.

    headline: a person's correction of a story's title.
    """
    database.table("decisions").create(
        {"id": int, "kind": str, "at": float, "undone": float, "traces": str},
        pk="id",
        not_null={"kind", "at", "traces"},
        strict=True,
    )
    database.execute("ALTER TABLE overrides ADD COLUMN decision INTEGER")
    made: dict[tuple[str, float], list[str]] = {}
    for kind, at, a in database.execute("SELECT kind, at, a FROM overrides ORDER BY id").fetchall():
        made.setdefault((kind, at), []).append(a)
    for (kind, at), entries in made.items():
        traces = json.dumps({"entries": list(dict.fromkeys(entries))}, ensure_ascii=False)
        database.execute("INSERT INTO decisions (kind, at, traces) VALUES (?, ?, ?)", (kind, at, traces))
    made_by = "SELECT id FROM decisions WHERE decisions.kind = overrides.kind AND decisions.at = overrides.at"
    database.execute(f"UPDATE overrides SET decision = ({made_by})")
    database.execute("ALTER TABLE stories ADD COLUMN headline TEXT")
    database.execute("CREATE INDEX stories_headline ON stories (key) WHERE headline IS NOT NULL")


def remembered(database: Database) -> None:
    """Entries that came after the backup that a restored database is (ports.Remembered). at: when it was restored."""
    remembered = database.table("remembered").create(
        {
            "id": int, "story": str, "source": str, "guid": str, "canonical": str, "title_hash": bytes, "published": float,
            "updated": float, "visible": bytes, "old": int, "excess": int, "private": int, "shown": int, "at": float,
        },
        pk="id",
        not_null={"story", "title_hash", "visible", "old", "excess", "private", "shown", "at"},
        strict=True,
    )  # fmt: skip
    remembered.create_index(["guid", "source"], "remembered_guid")
    remembered.create_index(["canonical"], "remembered_canonical")
    remembered.create_index(["story"], "remembered_story")


def hidden_items(database: Database) -> None:
    """hidden: the rule that took the item out of its story. Searches leave such items out, so the covering index has it."""
    database.execute("ALTER TABLE items ADD COLUMN hidden TEXT")
    database.execute("DROP INDEX items_filter")
    database.execute(
        "CREATE INDEX items_filter ON items (first_seen, story, published, source, source_group, language, tags, hidden)"
    )


def countries_in_signatures(_database: Database) -> None:
    """Signatures list the countries that an item names. Those without stay: they are compared by the rest."""


def moved_leads(database: Database) -> None:
    """lead_moved: when the lead moved last after the story was published. Evidence tells what outvoted an item."""
    database.execute("ALTER TABLE stories ADD COLUMN lead_moved REAL NOT NULL DEFAULT 0.0")


def threads(database: Database) -> None:
    """Threads of stories, with the links between them. thread: the key of a story's thread.

    vector: what a thread is about, as words and their weights (threads/vectors.py); first, head: stories; earlier: a JSON array.
    """
    database.table("threads").create(
        {
            "key": int, "id": str, "alias_of": str, "first": str, "head": str, "stories": int, "outlets": int, "began": float,
            "newest": float, "vector": bytes,
        },
        pk="key",
        not_null={"id", "stories", "outlets", "began", "newest", "vector"},
        defaults={"stories": 0, "outlets": 0, "began": 0.0, "newest": 0.0, "vector": b""},
        strict=True,
    ).create_index(["id"], "threads_id", unique=True)  # fmt: skip
    database.execute("CREATE INDEX threads_alias_of ON threads (alias_of) WHERE alias_of IS NOT NULL")
    database.execute("CREATE INDEX threads_newest ON threads (newest) WHERE stories > 0")
    database.execute(
        """CREATE TABLE links (story INTEGER NOT NULL, other INTEGER NOT NULL, likeness REAL NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (story, other)) STRICT, WITHOUT ROWID"""
    )
    database.execute("CREATE INDEX links_other ON links (other)")
    database.execute("ALTER TABLE stories ADD COLUMN thread INTEGER")
    database.execute("ALTER TABLE stories ADD COLUMN earlier TEXT")
    database.execute("CREATE INDEX stories_thread ON stories (thread) WHERE thread IS NOT NULL")


def pictures_apart(_database: Database) -> None:
    """Hashes of what readers see tell pictures apart, which are no edit; entries keep the size of their picture.

    Older hashes stay until an entry of their story changes (`curate.renew_hashes`).
    """


def reached(database: Database) -> None:
    """Stories and threads (subject) that have reached an output's threshold, each once. story: the one that did, by its id."""
    database.table("reached").create(
        {"number": int, "slug": str, "subject": str, "story": str, "at": float},
        pk="number",
        not_null={"slug", "subject", "story", "at"},
        strict=True,
    ).create_index(["slug", "subject"], "reached_subject", unique=True)
    database.execute("CREATE INDEX reached_number ON reached (slug, number)")
    database.execute("CREATE INDEX reached_of ON reached (subject)")


def articles(database: Database) -> None:
    """article: cleaned HTML of an item's page. The table: when each page was asked for, what came of it, and which are due.

    due: None once nothing more is asked; asked: None until then; outcome: None while it isn't known.
    """
    database.execute("ALTER TABLE items ADD COLUMN article TEXT")
    database.table("articles").create({"item": int, "due": float, "asked": float, "outcome": str}, pk="item", strict=True)
    database.execute("CREATE INDEX articles_due ON articles (due) WHERE due IS NOT NULL")


def enriched(database: Database) -> None:
    """What hooks told of stories (`enrich:`), and which stories they are to be asked about.

    input: a hash of what is told of the story now; answered: of what `result` was made from; private: whether the story was then.
    """
    database.execute("ALTER TABLE stories ADD COLUMN enriched TEXT")
    table = database.table("enrichments").create(
        {
            "story": str, "hook": str, "input": str, "due": float, "attempts": int, "asked": float, "answered": str,
            "result": str, "private": int, "error": str,
        },
        pk=("story", "hook"),
        not_null={"input", "attempts", "asked", "private"},
        strict=True,
    )  # fmt: skip
    table.create_index(["hook", "due"], "enrichments_due")
    table.create_index(["hook", "asked"], "enrichments_asked")


LATER: tuple[Callable[[Database], None], ...] = (
    private_items,
    domains,
    poll_requests,
    no_upstream,
    decisions,
    remembered,
    hidden_items,
    countries_in_signatures,
    moved_leads,
    threads,
    pictures_apart,
    reached,
    articles,
    enriched,
)
