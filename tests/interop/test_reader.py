"""lemon24's reader."""

from __future__ import annotations

import pytest

from tests.interop.conftest import PICTURE, Served

reader = pytest.importorskip("reader", reason="the package `reader` is not installed")


@pytest.mark.parametrize("format", ["atom", "rss", "json"])
def test_each_story_once_and_edits_in_place(served: Served, format: str) -> None:
    mine = reader.make_reader(":memory:")
    address = f"{served.url}/feeds/all.{format}"
    mine.add_feed(address)
    mine.update_feeds()
    expected = {f"urn:uuid:{story}" for story in served.stories}
    assert {entry.id for entry in mine.get_entries()} == expected
    assert list(mine.update_feeds_iter(scheduled=True)) == []  # it believes our Cache-Control
    assert not mine.update_feed(address)
    served.edit("Rewritten & improved")
    mine.update_feed(address)
    titles = {entry.id: entry.title for entry in mine.get_entries()}
    assert set(titles) == expected
    assert titles[f"urn:uuid:{served.stories[-1]}"] == "Rewritten & improved"


@pytest.mark.parametrize("format", ["atom", "rss", "json"])
def test_it_shows_who_says_it_and_who_else(served: Served, format: str) -> None:
    mine = reader.make_reader(":memory:")
    mine.add_feed(f"{served.url}/feeds/all.{format}")
    mine.update_feeds()
    entry = next(entry for entry in mine.get_entries() if entry.id == f"urn:uuid:{served.stories[0]}")
    assert entry.authors_str == "Ann Writer, Wire"
    content = entry.get_content().value
    assert ">The Daily: Allies weigh step 101 &amp; more</a>" in content
    assert f"/stories/{served.stories[0]}.html" in content
    pictured = next(entry for entry in mine.get_entries() if entry.id == f"urn:uuid:{served.stories[1]}")
    assert f'src="{PICTURE}"' in pictured.get_content().value
