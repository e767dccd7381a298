"""What today's code stores of two hours of news: one fingerprint for each column of bytes and of keys."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path

from aggregator.store.schema import MIGRATIONS
from aggregator.store.sqlite import SqliteStore
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

FOLDER = Path(__file__).parent
RECORDED = FOLDER / f"bytes-{len(MIGRATIONS)}.json"
"""What the release that brought the newest schema stored."""
CONFIG = """
publish: {directory: public, private: private}
topics: [{slug: sea, title: Sea, query: ferry}]
outputs: [{slug: desk, query: "outlets>=2", access: {token: sesame-street}}]
sources:
  - {id: alpha, url: "https://alpha.example/feed", tags: [coast]}
  - {id: beta, url: "https://beta.example/feed", private: true}
  - {id: gamma, url: "https://gamma.example/feed"}
"""
KEYS = ("id", "guid", "canonical", "outlet_key")
"""Columns of text and numbers that later polls compare with theirs, as they do with bytes."""
_OF_CONFIG = ("outputs.definition",)
"""Bytes that say what a config was: another release may read that anew."""


def stored_bytes(folder: Path) -> dict[str, str]:
    """Polls the sources twice in a new database. Returns a fingerprint for each column."""
    newsroom = Newsroom(folder, SqliteStore(folder / "news.db"))
    newsroom.configure(CONFIG)
    for hour in range(2):
        newsroom.clock.time = START + hour * HOUR
        for name in ("alpha", "beta", "gamma"):
            newsroom.serves(f"https://{name}.example/feed", *_entries(name, hour))
        newsroom.poll()
    newsroom.store.close()
    with closing(sqlite3.connect(folder / "news.db")) as database:
        return {name: hashlib.sha256(repr(rows).encode()).hexdigest()[:16] for name, rows in sorted(_columns(database).items())}


def _entries(name: str, hour: int) -> list[dict[str, object]]:
    url = f"https://www.{name}.example/news"
    return [
        entry("Ferry to Ostend sails again", url=f"{url}/1?utm_source=feed", text="The ferry sails again after the storm. " * 4),
        entry(f"Market opens in {name.title()}", url=f"{url}/2", at=START - 7200, text=f"Vegetables, fish and {name}."),
        entry(f"Café {name}: news of {hour} o'clock", url=f"{url}/{hour}/", at=None, text="Coffee is ready. " * (hour + 1)),
    ]


def _columns(database: sqlite3.Connection) -> dict[str, list[object]]:
    found: dict[str, list[object]] = defaultdict(list)
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'search*' ORDER BY name")
    for (table,) in tables.fetchall():
        for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
            if (kind == "BLOB" or column in KEYS) and f"{table}.{column}" not in _OF_CONFIG:
                rows = database.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()
                if any(row[0] for row in rows):
                    found[f"{table}.{column}"] = rows
    found["values budget"] = database.execute("SELECT value FROM key_values WHERE key GLOB 'budget.*' ORDER BY key").fetchall()
    return found


def record(folder: Path) -> None:
    RECORDED.write_text(json.dumps(stored_bytes(folder), indent=1) + "\n")
