"""What comes by push, or as a part of a document (226): edits are edits, and a part says nothing about what it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.model import Fetched
from aggregator.store.sqlite import SqliteStore
from tests.unit.chain.newsroom import HOUR, Newsroom, document, entry

PAPER = "https://paper.example/feed.json"
CONFIG = f"site: {{url: 'https://news.example'}}\nsources:\n  - {{id: paper, url: '{PAPER}', dedup: false}}\n"
BRIDGE, FERRY, MARKET = "Mayor opens the new harbour bridge", "Ferry line to the islands reopens", "Fish market moves uptown"


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    store = SqliteStore(tmp_path / "news.db")
    made = Newsroom(tmp_path, store)
    made.configure(CONFIG)
    yield made
    store.close()


def part(*entries: dict[str, Any]) -> Fetched:
    """A 226, which is how a push is taken in, too."""
    return replace(document(PAPER, list(entries)), status=226)


def take(newsroom: Newsroom, answer: Fetched) -> tuple[int, int]:
    """New and changed items of one more answer."""
    newsroom.answers[PAPER] = answer
    newsroom.clock.time += HOUR
    report = newsroom.poll()["paper"]
    assert report.outcome in ("changed", "unchanged"), report
    return report.new, report.changed


def by_title(newsroom: Newsroom) -> dict[str, str]:
    return {row["title"]: row["id"] for row in newsroom.feed()}


def test_an_edit_in_a_part_is_an_edit(newsroom: Newsroom) -> None:
    take(newsroom, document(PAPER, [entry(BRIDGE), entry(FERRY), entry(MARKET)]))
    before = by_title(newsroom)
    edited = entry(BRIDGE) | {"title": "Harbour bridge closed again: cracks found"}
    assert take(newsroom, part(edited)) == (0, 1)
    after = by_title(newsroom)
    assert after == {FERRY: before[FERRY], MARKET: before[MARKET], edited["title"]: before[BRIDGE]}
    assert take(newsroom, document(PAPER, [edited, entry(FERRY), entry(MARKET)])) == (0, 0)


def test_edits_of_many_entries_and_a_new_one_in_one_part(newsroom: Newsroom) -> None:
    whole = [entry(f"Report number {n}") for n in range(12)]
    take(newsroom, document(PAPER, whole))
    edited = [one | {"title": f"{one['title']}, corrected"} for one in whole[:8]]
    assert take(newsroom, part(*edited, entry(FERRY))) == (1, 8)
    assert len(newsroom.stories()) == 13


def test_what_a_part_leaves_out_is_still_listed(newsroom: Newsroom) -> None:
    take(newsroom, document(PAPER, [entry(BRIDGE), entry(FERRY)]))
    take(newsroom, part(entry(MARKET)))
    assert len(newsroom.store.fingerprints(newsroom.settings.sources[0].id)) == 3
    assert take(newsroom, document(PAPER, [entry(BRIDGE), entry(FERRY), entry(MARKET)])) == (0, 0)


def test_an_entry_without_guid_is_edited_by_its_link(newsroom: Newsroom) -> None:
    bare = {key: value for key, value in entry(BRIDGE).items() if key != "id"}
    take(newsroom, document(PAPER, [bare, entry(FERRY)]))
    assert take(newsroom, part(bare | {"title": "Harbour bridge closed again"})) == (0, 1)


def test_where_a_guid_is_shared_an_edit_alone_in_a_part_is_known_by_its_link(newsroom: Newsroom) -> None:
    whole = [entry(title, id="https://paper.example/") for title in (BRIDGE, FERRY, MARKET)]
    take(newsroom, document(PAPER, whole))
    edited = whole[0] | {"title": "Harbour bridge closed again"}
    assert take(newsroom, part(edited)) == (0, 1)
    assert take(newsroom, document(PAPER, [edited, *whole[1:]])) == (0, 0)
    assert len(newsroom.stories()) == 3


def test_of_two_versions_in_one_part_the_newer_one_counts(newsroom: Newsroom) -> None:
    take(newsroom, document(PAPER, [entry(BRIDGE), entry(FERRY)]))
    versions = [
        entry(BRIDGE) | {"title": f"{BRIDGE} {at}", "date_modified": f"2023-06-15T{at}:00:00Z"} for at in ("09", "11", "10")
    ]
    assert take(newsroom, part(*versions)) == (0, 1)
    assert f"{BRIDGE} 11" in by_title(newsroom)


def test_a_part_that_holds_an_entry_as_it_was_and_as_it_is_edits_it(newsroom: Newsroom) -> None:
    take(newsroom, document(PAPER, [entry(BRIDGE), entry(FERRY)]))
    assert take(newsroom, part(entry(BRIDGE) | {"title": "Harbour bridge closed again"}, entry(BRIDGE))) == (0, 1)


def test_a_second_event_at_the_address_of_the_first_does_not_replace_it(newsroom: Newsroom) -> None:
    status = "https://paper.example/status"
    take(newsroom, document(PAPER, [entry("Storm warning", id="1", url=status), entry(FERRY)]))
    second = entry("Storm warning", id="2", url=status, text="Another storm comes on Sunday.")
    assert take(newsroom, part(second)) == (1, 0)
    assert take(newsroom, document(PAPER, [second, entry("Storm warning", id="1", url=status), entry(FERRY)])) == (0, 0)


def test_other_guids_at_known_links_in_a_part_are_no_exchange_of_all_guids(newsroom: Newsroom) -> None:
    take(newsroom, document(PAPER, [entry(BRIDGE), entry(FERRY), entry(MARKET)]))
    live = [entry(f"{title}: live", url=entry(title)["url"]) for title in (BRIDGE, FERRY)]
    assert take(newsroom, part(*live)) == (2, 0)
    assert take(newsroom, document(PAPER, [*live, entry(BRIDGE), entry(FERRY), entry(MARKET)])) == (0, 0)
