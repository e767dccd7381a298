"""What a restored database takes over from the one that it replaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Slug, SourceId, StoryId
from aggregator.ports import ArchivePage, Event, Keep, Remembered
from aggregator.store import backup
from aggregator.store.set_aside import Names, Published, TakenOver, take_over
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.identity.entry_keys import title_hash
from tests.unit.store.builders import NEW, item, source

DAY = 86_400.0
NOW = 1_700_000_000.0
NAMES = Names("site", "digest.", frozenset({"morning"}))
NOTHING = Published()
FOREIGN = StoryId("aaaaaaaa-0000-5000-8000-000000000000")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


class Desk:
    """A database with one entry, and a backup of it."""

    def __init__(self, folder: Path) -> None:
        self.path, self.copy = folder / "news.db", folder / "copy.db"
        self.store = SqliteStore(self.path)
        self.store.sync_sources([source("alpha"), source("beta")], 1.0)
        self.add("old")
        backup.backup(self.path, self.copy)

    def add(self, guid: str, story: StoryId | None = None, before: Remembered | None = None, **more: object) -> StoryId:
        with self.store.begin() as transaction:
            return transaction.add_item(item(guid, **more), story, NEW, before)[1]

    def restore(self, published: Published = NOTHING, now: float = NOW) -> int:
        self.store.close()
        taken: list[TakenOver] = []
        backup.restore(self.copy, self.path, now, lambda new: taken.append(take_over(new, self.path, published, NAMES, now)))
        self.store = SqliteStore(self.path)
        self.merges = taken[0].merges
        return taken[0].entries

    def recalled(self, guid: str, **more: object) -> list[Remembered]:
        one = item(guid, **more)
        with self.store.begin() as transaction:
            return list(transaction.recall([one]).get((one.source, one.guid), ()))


def test_entries_since_the_backup_are_remembered_with_their_story_and_its_dates(desk: Desk) -> None:
    story = desk.add("new", at=2000.0)
    desk.add("copy", story, source="beta", at=2100.0, old=True)
    with desk.store.begin() as transaction:
        transaction.mark_published([story])
    assert desk.restore() == 2
    assert desk.recalled("old") == []
    new, *_ = desk.recalled("new")
    assert (new.story, new.published, new.shown, new.old) == (story, 1990.0, True, False)
    copy, *_ = desk.recalled("copy", source="beta")
    assert (copy.story, copy.old) == (story, True)


def test_a_second_entry_of_a_story_that_came_back_first_begins_it_with_its_id_and_date(desk: Desk) -> None:
    story = desk.add("new", at=2000.0)
    desk.add("copy", story, source="beta", at=2100.0)
    with desk.store.begin() as transaction:
        transaction.mark_published([story])
    desk.restore()
    (before,) = desk.recalled("copy", source="beta")
    assert desk.add("copy", None, before, source="beta", at=9000.0) == story
    found = desk.store.story(story)
    assert found is not None and found.published == 1990.0
    with desk.store.begin() as transaction:
        assert transaction.published_stories([story]) == {story}, "it may not become another story's alias"


def test_a_source_that_the_backup_does_not_know_takes_no_id_that_is_taken(desk: Desk) -> None:
    """The id that its first entry would make may be another entry's already."""
    story = desk.add("new", source="beta", at=2000.0)
    desk.add("copy", story, at=2100.0)
    desk.restore()
    (before,) = desk.recalled("copy")
    desk.add("copy", None, before)
    assert desk.add("new", source="beta") != story


def test_a_story_taken_down_since_the_backup_enters_no_feed_again(desk: Desk) -> None:
    story = desk.add("new")
    with desk.store.begin() as transaction:
        found = transaction.story(story)
        assert found is not None
        transaction.save_story(replace(found, dropped=True))
    desk.restore()
    assert [one.old for one in desk.recalled("new")] == [True]


def test_a_second_restore_remembers_what_the_first_one_did(desk: Desk) -> None:
    story = desk.add("new")
    desk.restore()
    desk.restore(now=NOW + 60)
    assert [one.story for one in desk.recalled("new")] == [story]


def test_what_readers_know_beside_stories_is_taken_over(desk: Desk) -> None:
    with desk.store.begin() as transaction:
        transaction.save_event(Event("silent beta", "silent", "Beta is silent", "for 3 days", 7.5))
        transaction.save_page(ArchivePage(Slug("morning"), 1, 50.0, 50.0, (), b"issue"))
        transaction.save_page(ArchivePage(Slug("sea"), 1, 50.0, 50.0, (), b"page"))
        transaction.set_value("site", "of the old one")
        transaction.set_value("digest.morning", "50.0")
        transaction.set_value("swept", "50.0")
    desk.restore(Published(digests={"digest.morning": 40.0, "digest.evening": 60.0}))
    assert [event.opened for event in desk.store.events(9)] == [7.5], "an event's entry is made of when it began"
    assert desk.store.page(Slug("morning"), 1) is not None
    assert desk.store.page(Slug("sea"), 1) is None
    values = [desk.store.value(key) for key in ("site", "digest.morning", "digest.evening", "swept")]
    assert values == ["of the old one", "50.0", "60.0", None]


def test_the_site_keeps_the_id_that_the_backup_has(desk: Desk) -> None:
    with desk.store.begin() as transaction:
        transaction.set_value("site", "of the backup")
    backup.backup(desk.path, desk.copy)
    with desk.store.begin() as transaction:
        transaction.set_value("site", "another")
    desk.restore()
    assert desk.store.value("site") == "of the backup"


def test_published_entries_are_remembered_by_their_address_unless_they_are_stored(desk: Desk) -> None:
    stored = desk.store.story_of("old")
    assert stored is not None
    desk.store.close()
    for file in desk.path.parent.glob("news.db*"):
        file.unlink()
    known = item("old").canonical
    assert known is not None
    entries = (Remembered(stored, canonical=known), Remembered(FOREIGN, canonical="alpha.example/late"))
    assert desk.restore(Published(entries)) == 1
    assert [one.story for one in desk.recalled("late", canonical="alpha.example/late")] == [FOREIGN]


def test_stories_of_the_backup_that_were_merged_since_are_told(desk: Desk) -> None:
    first, second = desk.add("first"), desk.add("second")
    backup.backup(desk.path, desk.copy)
    with desk.store.begin() as transaction:
        transaction.merge_stories(first, second, 50.0)
    desk.restore()
    assert desk.merges == ((first, second),)


@pytest.mark.parametrize("seen", [False, True])
def test_a_story_merged_into_one_that_came_since_waits_for_it_unless_readers_know_it(desk: Desk, seen: bool) -> None:
    alias = desk.add("alias")
    with desk.store.begin() as transaction:
        transaction.enter(Slug("all"), [alias], 40.0)
        if seen:
            transaction.mark_published([alias])
    backup.backup(desk.path, desk.copy)
    kept = desk.add("kept")
    with desk.store.begin() as transaction:
        transaction.merge_stories(kept, alias, 50.0)
    desk.restore()
    assert desk.merges == ()
    found = desk.store.story(alias)
    assert found is not None
    assert (found.old, found.items[0].old) == (not seen, not seen)
    assert [one.story for one in desk.store.members(Slug("all"))] == ([alias] if seen else [])


@pytest.mark.parametrize(("title", "merged"), [("Storm b reaches the coast", True), ("Calm at sea", False)])
def test_a_feed_tells_of_merges_of_stories_that_nobody_knew(desk: Desk, title: str, merged: bool) -> None:
    """The backup has the article in a story of its own; a feed names it as a report of another one."""
    first, second = desk.add("a"), desk.add("b")
    with desk.store.begin() as transaction:
        transaction.mark_published([first])
    backup.backup(desk.path, desk.copy)
    desk.restore(Published((Remembered(first, canonical="alpha.example/b", title_hash=title_hash(title)),)))
    assert desk.merges == (((first, second),) if merged else ())


def test_a_source_that_gets_another_id_keeps_what_is_remembered(desk: Desk) -> None:
    story = desk.add("new")
    desk.restore()
    desk.store.sync_sources([replace(source("alpha"), id=SourceId("gamma")), source("beta")], 2.0)
    assert [one.story for one in desk.recalled("new", source="gamma")] == [story]


def test_what_never_comes_back_is_forgotten(desk: Desk) -> None:
    desk.add("new")
    desk.restore()
    desk.store.sweep(Keep(DAY), NOW + 89 * DAY)
    assert desk.recalled("new") != []
    desk.store.sweep(Keep(DAY), NOW + 91 * DAY)
    assert desk.recalled("new") == []
