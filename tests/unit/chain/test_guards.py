"""Promises that one line keeps each: a test here fails when that line is deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.errors import StoreError
from aggregator.ports import Override, Transaction
from aggregator.publish.publisher import Publisher
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.decisions.overrides import active_overrides
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry
from tests.unit.publish import samples

ONE = "https://one.example/feed.json"
CONFIG = f"""
sources:
  - {{id: one, url: "{ONE}"}}
"""


def test_a_published_file_is_on_the_disk_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """POSIX promises nothing of a file that was renamed before fsync(2), nor of a name before its folder is synced."""
    synced: set[int] = set()
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path)
    samples.open_outputs(store, settings)
    samples.store_story(store, samples.item(1))
    Publisher(settings, store).publish(None, samples.NOON + HOUR)
    files = [path for path in (tmp_path / "public").rglob("*") if path.suffix in (".atom", ".rss", ".json")]
    assert files
    assert {path.name for path in files if path.stat().st_ino not in synced} == set()
    assert {path for path in {file.parent for file in files} if path.stat().st_ino not in synced} == set()


def test_nothing_is_shown_that_the_database_does_not_know_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a story could be seen, and after a crash be merged or split as if it had not been."""
    store = SqliteStore(tmp_path / "db")
    settings = samples.settings(tmp_path)
    samples.open_outputs(store, settings)
    samples.store_story(store, samples.item(1))
    made = Publisher(settings, store)
    made.publish(None, samples.NOON + HOUR)
    before = {path: path.read_bytes() for path in (tmp_path / "public").rglob("*.*")}
    shown = made.shelf.get("/feeds/all.atom")
    samples.store_story(store, samples.item(2))

    @contextmanager
    def refuses() -> Iterator[Transaction]:
        raise StoreError("the disk is full")
        yield

    monkeypatch.setattr(store, "begin", refuses)
    with pytest.raises(StoreError):
        made.publish(None, samples.NOON + 2 * HOUR)
    assert {path: path.read_bytes() for path in (tmp_path / "public").rglob("*.*")} == before
    assert made.shelf.get("/feeds/all.atom") is shown


def test_updated_never_repeats_though_the_clock_goes_back(newsroom: Newsroom) -> None:
    """RFC 4287 section 4.2.15: a reader that has seen an `updated` skips what carries it again."""
    newsroom.configure(CONFIG)
    seen = []
    for place, clock in enumerate((START, START + HOUR, START - HOUR, START - HOUR)):
        newsroom.clock.time = clock
        newsroom.serves(ONE, entry(f"Council votes on the budget, version {place}", id="x", url="https://one.example/x"))
        newsroom.poll("one")
        seen.append(newsroom.feed()[0]["date_modified"])
    assert seen == sorted(set(seen))


def test_a_split_by_hand_outlives_a_merge() -> None:
    """What was split off stays off: of the merge before the split, and of a later merge of what it was split from."""
    merged, split = Override("merge", "one a", "two b", 1.0), Override("split", "two b", "two b", 2.0)
    later = Override("merge", "one a", "three c", 3.0)
    for binding in (active_overrides([merged, split]), active_overrides([merged, split, later])):
        assert "two b" in binding.split
        assert binding.merged.get("two b") in (None, "two b"), "it would come back when its row is made anew"
    assert active_overrides([merged, split, later]).merged["one a"] == active_overrides([merged, split, later]).merged["three c"]
