"""Makes the sample of today's schema: `python -m tests.unit.store.samples`. A sample of a released schema is never made again."""

from __future__ import annotations

import gzip
import sqlite3
import tempfile
from pathlib import Path

from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.model import ItemId, Slug, SourceId, SourceState, Tag, TagKind, Validators
from aggregator.ports import ArchivePage, Event, Hold, OutputState, Override, Reject, Subscription, Traces, WantedArticle
from aggregator.settings import Dedup
from aggregator.store.backup import backup
from aggregator.store.schema import MIGRATIONS
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import JOINED, NEW, entry, item, source
from tests.unit.store.samples import stored

FOLDER = Path(__file__).parent
ALL = Slug("all")
CALLBACK = "https://a.reader.example/cb"


def fill(store: SqliteStore) -> None:
    """A little of everything that a database holds."""
    store.sync_sources([source("alpha"), source("beta")], 1.0)
    engine = Engine(Dedup())
    with store.begin() as transaction:
        transaction.save_state(
            SourceState(SourceId("alpha"), "https://alpha.example/feed", 900.0, validators=Validators('"tag"'))
        )
        transaction.save_output(OutputState(ALL, b"12345678", filling=False, changed=5.0))
        stories = []
        for number in range(6):
            one = item(f"g{number}", at=1000.0 + number)
            signature = engine.prepare(one)
            placement = engine.place(transaction.index, one, signature, one.first_seen)
            stored, story = transaction.add_item(one, None, NEW)
            engine.record(transaction.index, stored, story, signature, placement)
            stories.append(story)
        transaction.add_item(
            item("g0", at=1100.0, source="beta", entry=entry("g0", url="https://beta.example/0")), stories[0], JOINED
        )
        transaction.touch_items(SourceId("alpha"), (), (), 1000.0)
        transaction.enter(ALL, stories, 2000.0)
        transaction.mark_published(stories)
        transaction.merge_stories(stories[1], stories[2], 2100.0)
        found = transaction.story(stories[3])
        assert found is not None
        tags = (Tag(TagKind.TAG, "sea", "group"),)
        transaction.save_story(replace(found, tags=tags, topics=(Slug("weather"),), visible=b"12345678"))
        transaction.save_page(ArchivePage(ALL, 1, 2200.0, 2100.0, tuple(stories[:1]), b"entries"))
        transaction.save_hold(Hold("alpha.example", 9e9, "429"))
        transaction.add_rejects([Reject(SourceId("alpha"), "x", None, "Advertisement", "drop title:advertisement", 5.0)])
        decision = transaction.add_decision("drop", 6.0, Traces(entries=("alpha.example/9",)))
        transaction.add_override(Override("drop", "alpha.example/9", None, 6.0, decision))
        transaction.save_event(Event("silent:beta", "silent", "Beta is silent", "for 3 days", 7.0))
        transaction.save_subscription(Subscription("/feeds/all.atom", CALLBACK, None, 9e9, 7.0, "reader.example"))
        transaction.set_value("key", "value")
        transaction.want_articles(SourceId("alpha"), [WantedArticle("g4"), WantedArticle("g5", "too old")], 8.0)
        found_item = transaction.item(ItemId(4))
        assert found_item is not None
        transaction.save_article(replace(found_item[0], article="<p>The whole of it.</p>"))


def main() -> None:
    sqlite3.sqlite_version_info = (3, 40, 1)  # so that the sample can be read on Debian 12, too
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "news.db")
        fill(store)
        store.close()
        backup(store.path, Path(folder) / "sample.db")
        data = (Path(folder) / "sample.db").read_bytes()
    target = FOLDER / f"schema-{len(MIGRATIONS)}.db.gz"
    target.write_bytes(gzip.compress(data, mtime=0))
    print(f"{target.name}: {target.stat().st_size:,} bytes")
    with tempfile.TemporaryDirectory() as folder:
        stored.record(Path(folder))


if __name__ == "__main__":
    main()
