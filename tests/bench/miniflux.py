"""Miniflux as a contestant: its `-refresh-feeds` on the same PostgreSQL server, with all feeds due each time."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

SETTINGS = {
    "BATCH_SIZE": "1000000",
    "WORKER_POOL_SIZE": "16",
    "LOG_LEVEL": "error",
    "POLLING_PARSING_ERROR_LIMIT": "0",
}
_ALWAYS_DUE = """CREATE FUNCTION stay_due() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.next_check_at = '2020-01-01'; RETURN NEW; END $$;
CREATE TRIGGER stay_due BEFORE UPDATE ON feeds FOR EACH ROW EXECUTE FUNCTION stay_due()"""
_ADD_FEED = """INSERT INTO feeds (user_id, category_id, title, feed_url, site_url, next_check_at)
    SELECT user_id, id, $1, $1, $1, '2020-01-01' FROM categories"""


def command(program: str, address: str, option: str) -> tuple[str, ...]:
    """A command of Miniflux on a database."""
    database = address.replace("?", "?sslmode=disable&") + ",public"  # where its extension is
    return ("env", f"DATABASE_URL={database}", *(f"{name}={value}" for name, value in SETTINGS.items()), program, option)


def prepare(address: str) -> None:
    """Makes what its migrations expect of a database."""
    with psycopg.connect(address) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public")


def subscribe(address: str, urls: Sequence[str]) -> None:
    """Adds a person and the feeds, as an import does, without asking them."""
    with psycopg.connect(address, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute("INSERT INTO users (username, password, is_admin) VALUES ('editor', '', true)")
        connection.execute("INSERT INTO categories (user_id, title) SELECT id, 'All' FROM users")
        connection.cursor().executemany(_ADD_FEED, [(url,) for url in urls])
        connection.execute(_ALWAYS_DUE.encode())
