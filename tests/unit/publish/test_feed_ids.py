"""Ids of entries that differ from feed to feed."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import feedparser
import pytest
from msgspec.structs import replace

from aggregator.model import Slug, StoryId
from aggregator.publish.entry.feed_ids import scope_of
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output, Settings
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import MINUTE, NOON, change_story, item, open_outputs, store_story

LATER = NOON + 86_400.0
ALL = Output(Slug("all"), "All", items=3)
DESK = Output(Slug("desk"), "Desk", items=3, content="full", token="let-me-in")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def settings(folder: Path, ids: str = "per-feed", outputs: tuple[Output, ...] = (ALL, DESK)) -> Settings:
    plain = samples.settings(folder, *outputs)
    return replace(plain, publish=replace(plain.publish, ids=ids))


def publish(folder: Path, store: SqliteStore, ids: str, outputs: tuple[Output, ...] = (ALL, DESK)) -> None:
    Publisher(settings(folder, ids, outputs), store).publish(None, LATER)


def grow(folder: Path, store: SqliteStore, ids: str, stories: int = 14) -> list[StoryId]:
    """Stories in both feeds, of which ten lie on an archive page that was closed under `ids`."""
    open_outputs(store, settings(folder))
    found = [store_story(store, item(number), slugs=("all", "desk")) for number in range(1, stories + 1)]
    publish(folder, store, ids)
    return found


def items(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_bytes())["items"]
    return found


def feed_ids(folder: Path, slug: str) -> dict[str, set[str]]:
    """Document → ids of its entries, which all formats have."""
    root = folder / ("private" if slug == "desk" else "public") / "feeds"
    found = {}
    for file in (*root.glob(f"{slug}.json"), *root.glob(f"{slug}/*.json")):
        told = [[one["id"] for one in items(file)]]
        for suffix in (".atom", ".rss"):
            told.append([entry.id for entry in feedparser.parse(file.with_suffix(suffix).read_bytes()).entries])
        assert told[0] == told[1] == told[2]
        found[file.stem] = set(told[0])
    return found


def test_a_story_has_an_id_of_its_own_in_each_feed(tmp_path: Path, store: SqliteStore) -> None:
    stories = grow(tmp_path, store, "per-feed")
    public, private = feed_ids(tmp_path, "all"), feed_ids(tmp_path, "desk")
    assert len(public["all"]) == 4 and len(public["1"]) == 10
    of_public, of_private = set.union(*public.values()), set.union(*private.values())
    own = {f"urn:uuid:{story}" for story in stories}
    assert len(of_public) == len(of_private) == len(own)
    assert not of_public & of_private and not own & (of_public | of_private)
    assert of_public == {f"urn:uuid:{uuid.uuid5(uuid.UUID(story), 'all')}" for story in stories}
    assert {one["_story"]["id"] for one in items(tmp_path / "public/feeds/all.json")} < own


def test_ids_stay_when_a_story_changes_and_the_feed_is_renamed(tmp_path: Path, store: SqliteStore) -> None:
    stories = grow(tmp_path, store, "per-feed")
    before = feed_ids(tmp_path, "all")
    change_story(store, stories[-1], "Rewritten", LATER)
    publish(tmp_path, store, "per-feed")
    assert feed_ids(tmp_path, "all") == before
    renamed = replace(ALL, slug=Slug("news"), formerly=(Slug("all"),))
    assert scope_of(renamed, settings(tmp_path).publish) == scope_of(ALL, settings(tmp_path).publish) == "all"


def test_an_edit_of_the_key_mixes_nothing_and_can_be_taken_back(tmp_path: Path, store: SqliteStore) -> None:
    stories = grow(tmp_path, store, "global")
    files = sorted((tmp_path / "public/feeds").rglob("*.*"))
    before = {file: file.read_bytes() for file in files}
    dates = [(one["date_published"], one["date_modified"]) for one in items(tmp_path / "public/feeds/all/1.json")]
    publish(tmp_path, store, "per-feed")
    for name, ids in feed_ids(tmp_path, "all").items():
        assert not ids & {f"urn:uuid:{story}" for story in stories}, f"{name} has entries with the story's own id"
    assert dates == [(one["date_published"], one["date_modified"]) for one in items(tmp_path / "public/feeds/all/1.json")]
    publish(tmp_path, store, "global")
    assert {file: file.read_bytes() for file in files} == before


def test_what_is_in_one_feed_alone_keeps_its_ids(tmp_path: Path, store: SqliteStore) -> None:
    keys = settings(tmp_path).publish
    assert scope_of(replace(ALL, digest="0 6 * * *"), keys) is None
    assert scope_of(replace(ALL, rejected=True), keys) is None
    assert scope_of(ALL, replace(keys, ids="global")) is None


def test_no_text_is_taken_for_an_id(tmp_path: Path, store: SqliteStore) -> None:
    first = grow(tmp_path, store, "global", 1)[0]
    own = f"urn:uuid:{first}"
    lies = f'&lt;id&gt;{own}&lt;/id&gt; {{"id":"{own}" &gt;{own}&lt;/guid&gt;'
    change_story(store, first, f'<id>{own}</id> >{own}</guid> {{"id":"{own}"', NOON + MINUTE)
    with store.begin() as transaction:
        story = transaction.story(first)
        assert story is not None
        lead = story.lead_item
        transaction.update_item(replace(lead, entry=replace(lead.entry, summary=f"<p>{lies}</p>", content="")))
        transaction.save_story(replace(story, updated=NOON + 2 * MINUTE))
    publish(tmp_path, store, "global")
    (plain,) = items(tmp_path / "public/feeds/all.json")
    publish(tmp_path, store, "per-feed")
    (scoped,) = items(tmp_path / "public/feeds/all.json")
    assert scoped == plain | {"id": scoped["id"], "_story": {"id": own}}
    entry = feedparser.parse((tmp_path / "public/feeds/all.atom").read_bytes()).entries[0]
    assert entry.id == scoped["id"] and own in entry.title and own in entry.summary
