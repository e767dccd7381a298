"""Which of the remembered ids an entry gets that comes back after a restore."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aggregator.dedup.search import Placement
from aggregator.model import Evidence, Item, StoryId
from aggregator.ports import Remembered
from aggregator.settings import Settings
from aggregator.store.identity import story_ids
from aggregator.stories.identity.entry_keys import title_hash
from aggregator.stories.restoring.published_entries import read_published
from aggregator.stories.restoring.recall import choose, restore_placement
from tests.unit.store.builders import entry, item

A, B, C = (StoryId(f"{letter * 8}-0000-5000-8000-000000000000") for letter in "abc")
ONE = item("g1", entry=entry("g1", title="Ferry sails again", url="https://alpha.example/1"))
ADDRESS, TITLE = "alpha.example/1", title_hash("Ferry sails again")


def at_address(story: StoryId, **more: object) -> Remembered:
    return Remembered(story, **{"canonical": ADDRESS, "title_hash": TITLE} | more)  # type: ignore[arg-type]


def item_at_address(**more: object) -> Item:
    return item("g1", entry=entry("g1", title="Ferry sails again", url="https://alpha.example/1"), canonical=ADDRESS, **more)


@pytest.mark.parametrize(
    ("rows", "placed", "expected"),
    [
        ([], None, None),
        ([at_address(A), Remembered(B, ONE.source, "g1")], None, B),
        ([at_address(A), at_address(next(story_ids(ONE)), canonical="elsewhere.example/")], None, next(story_ids(ONE))),
        ([at_address(A)], None, A),
        ([at_address(A, title_hash=b"")], None, A),
        ([at_address(A, title_hash=title_hash("Ferry sinks"))], None, None),
        ([at_address(A), at_address(B)], None, None),
        ([at_address(A), at_address(B)], B, B),
        ([at_address(A), at_address(B)], C, None),
        ([at_address(A, source="other", guid="g9")], None, None),
        ([at_address(A, private=True)], None, None),
    ],
    ids=[
        "nothing is remembered", "identity first", "the story that it began", "address and title", "an address alone",
        "another headline at the address", "two stories at the address", "grouping decides", "grouping finds a third",
        "another source's entry", "of a private source",
    ],
)  # fmt: skip
def test_the_surest_memory_counts(rows: list[Remembered], placed: StoryId | None, expected: StoryId | None) -> None:
    found = choose(item_at_address(), rows, placed)
    assert (found.story if found else None) == expected


def test_who_links_to_the_page_of_another_gets_no_id_by_its_address() -> None:
    for title in (TITLE, b""):
        assert choose(item_at_address(second_hand=True), [at_address(A, title_hash=title)], None) is None


def test_a_title_without_words_is_no_sign_of_the_same_article() -> None:
    wordless = item("g1", entry=entry("g1", title="\U0001f4a9!!!", url="https://alpha.example/1"), canonical=ADDRESS)
    assert choose(wordless, [at_address(A)], None) is None


def test_a_private_entry_gets_no_id_of_a_public_story_by_its_address() -> None:
    assert choose(item_at_address(private=True), [at_address(A)], None) is None
    found = choose(item_at_address(private=True), [at_address(A, private=True)], None)
    assert found is not None and found.story == A


def test_stories_that_no_reader_knows_are_merged_into_the_one_that_is_remembered() -> None:
    placed = Placement(B, Evidence("same words"), merges=(C,), spare=True)
    restored = restore_placement(placed, None, at_address(A), published={C})
    assert (restored.story, restored.merges, restored.spare) == (None, (B,), False)


def test_a_published_title_without_words_leaves_its_address_to_nobody(tmp_path: Path) -> None:
    items = [
        {"id": f"urn:uuid:{story}", "url": f"https://alpha.example/{story[0]}", "title": title}
        for story, title in ((A, "Ferry sails again"), (B, "\U0001f4a9!!!"))
    ]
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "all.json").write_text(json.dumps({"items": items}))
    publish = SimpleNamespace(directory=tmp_path, private=tmp_path / "private", ids="global")
    found = read_published(cast(Settings, SimpleNamespace(outputs=(), sources=(), publish=publish)))
    assert {row.story: row.canonical for row in found.entries} == {A: "alpha.example/a", B: None}


def test_stories_are_known_by_their_own_id_where_feeds_have_others(tmp_path: Path) -> None:
    told = {"id": f"urn:uuid:{B}", "_story": {"id": f"urn:uuid:{A}"}, "url": "https://alpha.example/1", "title": "Ferry sails"}
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "all.json").write_text(json.dumps({"items": [told]}))
    atom = f"<entry><id>urn:uuid:{C}</id><title>T</title><link href='https://alpha.example/2'/></entry>"
    (tmp_path / "feeds" / "lost.atom").write_text(f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>{atom}</feed>")
    for ids, known in (("per-feed", {A}), ("global", {A, C})):
        publish = SimpleNamespace(directory=tmp_path, private=tmp_path / "private", ids=ids)
        found = read_published(cast(Settings, SimpleNamespace(outputs=(), sources=(), publish=publish)))
        assert {row.story for row in found.entries} == known
