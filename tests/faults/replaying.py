"""One process with SQLite is given the documents that a cluster has stored, in the same order, and compared with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from aggregator.config.load import load
from aggregator.dedup.engine import Engine
from aggregator.dedup.weigh import rarity, view_of
from aggregator.model import Instant, SourceId, StoryId
from aggregator.pipeline import DocumentStorage, NextStates
from aggregator.pipeline.handing_over import decode
from aggregator.ports import Store
from aggregator.publish import rehearsal
from aggregator.publish.site.ownership import SITE_ID
from aggregator.settings import Settings
from aggregator.store.postgres.store import PostgresStore
from aggregator.store.sqlite import SqliteStore
from aggregator.store.writer import Writer
from aggregator.stories.identity.domains import collect_owners
from aggregator.stories.ingest import Ingester
from aggregator.stories.link import AROUND, Linker
from aggregator.stories.upkeep.adopt_config import adopt
from aggregator.tag.check import check
from aggregator.tag.places import find_places
from aggregator.tag.rules import compile_rules

LOG = """CREATE TABLE settled (number bigint GENERATED ALWAYS AS IDENTITY, source text, at float8, content bytea, shown text);
CREATE FUNCTION note_settled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO settled (source, at, content)
    SELECT OLD.source, OLD.at, OLD.content FROM sources WHERE id = OLD.source AND turn = OLD.turn;
    RETURN OLD; END $$;
CREATE TRIGGER note_settled AFTER DELETE ON inbox FOR EACH ROW EXECUTE FUNCTION note_settled();
CREATE FUNCTION note_shown() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO settled (shown) VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER note_shown AFTER UPDATE OF published_once ON stories FOR EACH ROW
    WHEN (NEW.published_once AND NOT OLD.published_once) EXECUTE FUNCTION note_shown();
"""
"""Has the database note, in order, each document that is stored and each story that is published: by the leader alone."""
OF_THE_MOMENT = ("/health.atom", " health.atom", "index.html")
"""What tells when it was looked at last: what failed meanwhile, and the order of the front page."""
_STORIES = """SELECT items.source, items.guid, stories.id, stories.tags, stories.topics, items.id = stories.lead
    FROM items JOIN stories ON stories.key = items.story ORDER BY items.source, items.guid"""
_MEMBERS = "SELECT slug, id FROM members JOIN stories ON key = story ORDER BY slug, id"


def replay(config: Path, address: str, path: Path) -> int:
    """Makes the database of that process. Returns how many documents it got."""
    with psycopg.connect(address) as connection:
        rows = connection.execute("SELECT source, at, content, shown FROM settled ORDER BY number").fetchall()
    settings, store = load(config, check, {}), SqliteStore(path)
    try:
        asyncio.run(_store_all(settings, store, rows))
    finally:
        store.close()
    return sum(row[0] is not None for row in rows)


async def _store_all(settings: Settings, store: SqliteStore, rows: Iterable[tuple[str | None, Instant, bytes, str]]) -> None:
    rules, writer = compile_rules(settings), Writer(store)
    ingester = Ingester(
        rules,
        Engine(settings.dedup, find_places, AROUND),
        settings.publish.backfill,
        collect_owners(settings.sources, settings.outlets),
        Linker(view_of, rarity, settings.threads.within),
    )
    storage = DocumentStorage(settings, store, writer, ingester, NextStates(settings, lambda: 0.5))
    sources, is_first = {source.id: source for source in settings.sources}, True
    for id, at, content, shown in rows:
        if id is None:
            with store.begin() as transaction:
                transaction.mark_published([StoryId(shown)])
            continue
        if is_first:
            store.sync_sources(settings.sources, at)
            adopt(store, settings, lambda: rules, at)
            is_first = False
        document = decode(content)
        await storage.store_document(sources[SourceId(id)], document.state, document.answer, document.read, at)
    await writer.aclose()


def compare(config: Path, address: str, path: Path, now: Instant) -> str:
    """Raises AssertionError with what differs between the two databases. Returns how much is the same."""
    settings, theirs, ours = load(config, check, {}), PostgresStore(address), SqliteStore(path)
    try:
        stories = [_rows(store, _STORIES) for store in (theirs, ours)]
        assert stories[0] == stories[1], _first_difference(*stories)
        members = [_rows(store, _MEMBERS) for store in (theirs, ours)]
        assert members[0] == members[1], _first_difference(*members)
        _copy_names(theirs, ours)
        documents = [rehearsal.render_all(settings, store, now) for store in (theirs, ours)]
        differing = [path for path in rehearsal.differences(*documents) if not path.endswith(OF_THE_MOMENT)]
        assert not differing, f"{len(differing)} of {len(documents[0])} documents differ: {differing[:10]}"
        return f"the same {len(stories[0]):,} entries in stories, {len(members[0]):,} in feeds, {len(documents[0]):,} documents"
    finally:
        theirs.close()
        ours.close()


def _rows(store: Any, query: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = store._read(lambda connection: connection.execute(query).fetchall())
    return [tuple(bool(value) if isinstance(value, int) else value for value in row) for row in rows]


def _first_difference(one: list[Any], other: list[Any]) -> str:
    differing = sorted(set(map(repr, one)) ^ set(map(repr, other)))
    return f"{len(differing)} of {len(one)} and {len(other)} differ: {differing[:4]}"


def _copy_names(theirs: Store, ours: Store) -> None:
    """What a site is called, and when what was shown last: nobody is shown what that process has."""
    with ours.begin() as transaction:
        for key, value in (theirs.values("publish.") | {SITE_ID: theirs.value(SITE_ID)}).items():
            transaction.set_value(key, value)
