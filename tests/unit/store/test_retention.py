"""Retention: what goes, what stays, and that a subscriber notices nothing of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from aggregator.model import Enrichment, ItemId, Link, Slug, SourceId, StoryId, ThreadId
from aggregator.ports import ArchivePage, Asking, OutputState, Override, Phrase, StoryFilter
from aggregator.store.retention import Keep, Swept
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import JOINED, NEW, item, source

DAY = 86_400.0
KEEP = Keep(90 * DAY)
ALPHA, BETA, ALL = SourceId("alpha"), SourceId("beta"), Slug("all")


@pytest.fixture(autouse=True)
def configured(database: SqliteStore) -> None:
    database.sync_sources([source("alpha"), source("beta")], 0.0)


def listed(store: SqliteStore, day: float, guids: Iterable[str], of: SourceId = ALPHA) -> dict[str, tuple[ItemId, StoryId]]:
    """The source's document of that day has exactly these entries; the new ones are stored. Ids and stories of all of them."""
    found = {one.guid: (one.id, one.story) for one in store.known(of, set(guids), set())}
    with store.begin() as transaction:
        transaction.touch_items(of, (), [id for id, _ in found.values()], day * DAY)
        for guid in guids:
            if guid not in found:
                one, story = transaction.add_item(item(guid, at=day * DAY, source=of), None, NEW)
                found[guid] = (one.id, story)
    return found


def test_what_left_its_document_long_ago_goes(database: SqliteStore) -> None:
    listed(database, 0, ["a", "b"])
    listed(database, 10, ["b"])
    assert database.sweep(KEEP, 99 * DAY) == Swept()
    assert database.sweep(KEEP, 101 * DAY) == Swept(items=1, stories=1)
    assert database.story_of("a") is None
    assert list(database.find(StoryFilter(Phrase(("a",))))) == [], "and it is found by no search"
    assert database.story_of("b") is not None, "what is still listed stays, however old it is"
    assert database.sweep(KEEP, 101 * DAY) == Swept()
    database.check(full=True)


def test_what_comes_back_in_time_counts_from_its_last_day(database: SqliteStore) -> None:
    listed(database, 0, ["a"])
    listed(database, 10, [])
    listed(database, 50, ["a"])
    listed(database, 60, [])
    assert database.sweep(KEEP, 149 * DAY).items == 0
    assert database.sweep(KEEP, 151 * DAY).items == 1


def test_a_source_may_keep_longer_or_shorter(database: SqliteStore) -> None:
    listed(database, 0, ["a"])
    listed(database, 0, ["b"], BETA)
    listed(database, 1, [])
    listed(database, 1, [], BETA)
    keep = Keep(90 * DAY, {BETA: 5 * DAY})
    assert database.sweep(keep, 10 * DAY).items == 1
    assert database.story_of("a") is not None


def test_a_story_goes_as_a_whole(database: SqliteStore) -> None:
    _, story = listed(database, 0, ["a"])["a"]
    with database.begin() as transaction:
        transaction.touch_items(BETA, (), (), 0.0)
        transaction.add_item(item("b", at=5.0, source="beta"), story, JOINED)
    listed(database, 1, [])
    assert database.sweep(KEEP, 200 * DAY) == Swept(), "another outlet still lists it"
    listed(database, 150, [], BETA)
    assert database.sweep(KEEP, 200 * DAY) == Swept(), "or did not long ago"
    assert database.sweep(KEEP, 250 * DAY) == Swept(items=2, stories=1)


def test_a_removed_source_gives_up_its_entries_in_time(database: SqliteStore) -> None:
    listed(database, 0, ["a"])
    with database.begin() as transaction:
        [state] = [one for one in database.states().values() if one.id == ALPHA]
        transaction.save_state(type(state)(ALPHA, state.url, last_success=30 * DAY))
    database.sync_sources([source("beta")], 30 * DAY)
    assert database.sweep(KEEP, 119 * DAY).items == 0
    assert database.sweep(KEEP, 121 * DAY).items == 1


def published(store: SqliteStore, guid: str = "a") -> StoryId:
    _, story = listed(store, 0, [guid])[guid]
    with store.begin() as transaction:
        transaction.save_output(OutputState(ALL, b""))
        transaction.enter(ALL, [story], 0.0)
        transaction.mark_published([story])
    listed(store, 1, [])
    return story


def test_what_a_feed_shows_stays(database: SqliteStore) -> None:
    story = published(database)
    assert database.sweep(KEEP, 1000 * DAY) == Swept()
    assert [shown.story for shown in database.shown(ALL)] == [story]
    with database.begin() as transaction:
        transaction.save_output(OutputState(ALL, b"", withdrawn=True))
    assert database.sweep(KEEP, 1000 * DAY).tombstones == 1


def test_the_id_of_a_published_story_is_never_given_away(database: SqliteStore) -> None:
    story = published(database)
    with database.begin() as transaction:
        transaction.leave(ALL, [story])
    assert database.sweep(KEEP, 200 * DAY) == Swept(items=1, stories=1, tombstones=1)
    assert database.story(story) is not None
    assert list(database.find(StoryFilter())) == []
    assert database.counts()["stories"] == 0
    with database.begin() as transaction:
        assert transaction.published_stories([story]) == {story}
    _, again = listed(database, 201, ["a"])["a"]
    assert again == story, "the same entry again is the same story to a subscriber"
    with database.begin() as transaction:
        assert transaction.published_stories([story]) == {story}
    assert [one.id for one in database.find(StoryFilter())] == [story]


def test_archives_aliases_and_overrides_outlive_the_text(database: SqliteStore) -> None:
    kept = published(database)
    _, other = listed(database, 2, ["b"])["b"]
    listed(database, 3, [])
    with database.begin() as transaction:
        transaction.add_override(Override("merge", "alpha a", "alpha b", 1.0))
        transaction.merge_stories(kept, other, 3.0)
        transaction.save_page(ArchivePage(ALL, 1, 3.0, 3.0, (kept,), b"entries"))
    assert database.sweep(KEEP, 200 * DAY) == Swept(items=2, stories=1, tombstones=1)
    assert database.story_of(other) == kept
    assert database.page(ALL, 1) is not None
    assert database.members_of([kept]) == {kept: {ALL}}
    assert len(database.overrides()) == 1


def test_item_ids_are_never_given_again(database: SqliteStore) -> None:
    last = max(id for id, _ in listed(database, 0, ["a", "b", "c"]).values())
    listed(database, 1, [])
    assert database.sweep(KEEP, 200 * DAY).items == 3
    assert min(id for id, _ in listed(database, 201, ["d"]).values()) > last


def test_many_stories_go_in_several_transactions(database: SqliteStore) -> None:
    listed(database, 0, [f"g{number}" for number in range(450)])
    listed(database, 1, [])
    assert database.sweep(KEEP, 200 * DAY) == Swept(items=450, stories=450)
    database.tidy()
    database.check(full=True)
    assert database.counts()["items"] == 0


def test_tidying_gives_space_back(database: SqliteStore) -> None:
    listed(database, 0, [f"g{number}" for number in range(400)])
    listed(database, 1, [])
    before = database.counts()["bytes"]
    database.sweep(KEEP, 200 * DAY)
    database.tidy()
    assert database.counts()["bytes"] < before * 0.6
    assert database.path.with_name(database.path.name + "-wal").stat().st_size == 0


def test_tidying_does_not_wait_for_a_reader(database: SqliteStore) -> None:
    listed(database, 0, ["a"])
    stream = database.find(StoryFilter())
    next(stream)
    listed(database, 1, ["b"])
    database.tidy()
    listed(database, 2, ["c"])
    assert [story.items[0].guid for story in stream] == []
    assert database._writer.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def follow(database: SqliteStore, stories: list[StoryId]) -> ThreadId:
    with database.begin() as transaction:
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        transaction.save_links([Link(one, stories[0], 0.5, 0.0) for one in stories[1:]])
        transaction.sum_up_threads([thread])
    return thread


def test_a_story_that_goes_leaves_its_thread(database: SqliteStore) -> None:
    ids = listed(database, 0, ["a", "b", "c", "d"])
    stories = [ids[name][1] for name in "abcd"]
    thread = follow(database, stories)
    listed(database, 10, ["b", "c", "d"])
    assert database.sweep(KEEP, 101 * DAY).stories == 1
    left = database.thread(thread)
    assert left is not None
    assert (left.first, left.stories) == (stories[1], 3)
    assert database.links(stories[1]) == []
    database.check(full=True)


def test_a_thread_without_stories_keeps_its_id(database: SqliteStore) -> None:
    ids = listed(database, 0, ["a", "b", "c"])
    stories = [ids[name][1] for name in "abc"]
    thread = follow(database, stories)
    with database.begin() as transaction:
        transaction.mark_published(stories)
    listed(database, 10, [])
    assert database.sweep(KEEP, 101 * DAY).stories == 3
    assert database.thread(thread) is None
    listed(database, 102, ["a"])
    assert database.stories([stories[0]])[0].thread is None
    with database.begin() as transaction:
        assert transaction.begin_thread(stories[0]) != thread
    database.check(full=True)


def test_what_hooks_told_goes_with_the_story(database: SqliteStore) -> None:
    (story,) = {story for _, story in listed(database, 0, ["a"]).values()}
    with database.begin() as transaction:
        transaction.save_asking(Asking(story, "model", "input", result=Enrichment("model", summary="In short.")))
    listed(database, 10, [])
    assert database.askings([story])
    database.sweep(KEEP, 101 * DAY)
    assert database.askings([story]) == [] and database.hook_states() == {}


def test_a_promised_id_keeps_nothing_of_what_hooks_told(database: SqliteStore) -> None:
    (story,) = {story for _, story in listed(database, 0, ["a"]).values()}
    with database.begin() as transaction:
        transaction.save_story(replace(transaction.stories([story])[0], enriched=(Enrichment("model", summary="In short."),)))
        transaction.mark_published([story])
    listed(database, 10, [])
    database.sweep(KEEP, 101 * DAY)
    stored = database.story(story)
    assert stored is not None and stored.enriched == ()
