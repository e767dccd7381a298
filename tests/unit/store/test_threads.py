"""Threads in the store: entering, leaving, merging, facts, and what reads see of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import Item, Link, Slug, SourceId, StoryId, ThreadId
from aggregator.ports import StoryFilter
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, item

DAY = 86_400.0
TOP = Slug("top")


def told_by(name: str, at: float) -> Item:
    """An item of an outlet of its own, published when it is first seen."""
    return item(name, at=at, source=name, published=at, outlet=name, outlet_key=f"{name}.example", canonical=f"{name}.example/1")


def add(store: SqliteStore, *names: str, at: float = 1000.0) -> list[StoryId]:
    """A story for each name, an hour apart, each told by an outlet of its own."""
    with store.begin() as transaction:
        made = []
        for number, name in enumerate(names):
            made.append(transaction.add_item(told_by(name, at + number * 3600), None, NEW)[1])
        return made


def follow(store: SqliteStore, stories: list[StoryId]) -> ThreadId:
    with store.begin() as transaction:
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"about")
        transaction.sum_up_threads([thread])
    return thread


def test_a_thread_is_shown_from_three_stories_on(store: SqliteStore) -> None:
    first, second, third = add(store, "a", "b", "c")
    thread = follow(store, [first, second])
    assert store.thread(thread) is None
    assert store.stories([first])[0].thread is None
    with store.begin() as transaction:
        assert transaction.threads_of([first, third]) == {first: thread}
        transaction.enter_thread(thread, [third], b"about more")
        assert transaction.sum_up_threads([thread]) == {first, second, third}
        assert transaction.thread_states([thread])[thread].vector == b"about more"
    found = store.thread(thread)
    assert found is not None
    assert (found.first, found.head, found.stories, found.outlets) == (first, first, 3, 3)
    assert (found.began, found.newest) == (1000.0, 1000.0 + 2 * 3600)
    assert [story.thread for story in store.stories([first, third])] == [found, found]
    assert store.thread_stories(thread) == [first, second, third]


def test_a_thread_is_headed_by_the_story_of_most_outlets(store: SqliteStore) -> None:
    stories = add(store, "a", "b", "c")
    with store.begin() as transaction:
        transaction.add_item(told_by("d", 9000.0), stories[1], NEW)
    found = store.thread(follow(store, stories))
    assert found is not None
    assert (found.head, found.outlets) == (stories[1], 4)


def test_a_source_is_one_outlet_of_a_thread_whatever_domains_it_was_thought_to_have(store: SqliteStore) -> None:
    stories = add(store, "a", "b", "c")
    with store.begin() as transaction:
        for number in range(3):
            more = told_by(f"x{number}", 9000.0 + number)
            transaction.add_item(replace(more, source=SourceId("beta")), stories[number], NEW)
    found = store.thread(follow(store, stories))
    assert found is not None
    assert found.outlets == 4


def test_a_merged_thread_leads_to_the_kept_one(store: SqliteStore) -> None:
    one, other = follow(store, add(store, "a", "b", "c")), follow(store, add(store, "d", "e", "f", at=5000.0))
    with store.begin() as transaction:
        transaction.merge_threads(one, other, b"both")
        transaction.sum_up_threads([one])
    found = store.thread(other)
    assert found is not None
    assert (found.id, found.stories) == (one, 6)
    assert len(store.thread_stories(other)) == 6


def test_a_story_that_leaves_takes_its_links_along(store: SqliteStore) -> None:
    stories = add(store, "a", "b", "c", "d")
    thread = follow(store, stories)
    with store.begin() as transaction:
        transaction.save_links([Link(stories[3], stories[0], 0.5, 9.0), Link(stories[1], stories[0], 0.4, 9.0)])
    assert [link.other for link in store.links(stories[3])] == [stories[0]]
    assert [link.likeness for link in store.links(stories[0])] == [0.5, 0.4]
    with store.begin() as transaction:
        transaction.leave_threads([stories[3]])
        transaction.sum_up_threads([thread])
    assert store.links(stories[3]) == []
    assert store.thread_stories(thread) == stories[:3]
    assert store.stories([stories[3]])[0].thread is None


def test_reports_count_by_story_and_thread(store: SqliteStore) -> None:
    stories = add(store, "a", "b", "c", at=DAY)
    alone = add(store, "z", at=3 * DAY)[0]
    thread = follow(store, stories)
    found = sorted(store.reports(DAY + 3600), key=lambda report: report.published)
    assert [(one.story, one.thread, one.outlet) for one in found] == [
        (stories[1], thread, "b.example"),
        (stories[2], thread, "c.example"),
        (alone, None, "z.example"),
    ]
    assert sorted(store.reports(DAY + 3600, found[2].published)) == sorted(found[:2])


def test_an_unknown_thread_takes_no_story(store: SqliteStore) -> None:
    stories = add(store, "a")
    with pytest.raises(StoreError), store.begin() as transaction:
        transaction.enter_thread(ThreadId("no such thread"), stories, b"")
    assert store.thread(ThreadId("no such thread")) is None


def test_a_second_thread_of_one_story_gets_another_id(store: SqliteStore) -> None:
    stories = add(store, "a", "b", "c")
    assert follow(store, stories) != follow(store, stories)


def test_stories_are_found_by_their_thread_and_by_the_ids_that_lead_there(store: SqliteStore) -> None:
    kept, merged = follow(store, add(store, "a", "b", "c")), follow(store, add(store, "d", "e", "f"))
    add(store, "g")
    assert len(list(store.find(StoryFilter(thread=merged)))) == 3
    with store.begin() as transaction:
        transaction.merge_threads(kept, merged, b"about")
        transaction.sum_up_threads([kept])
    for id in (kept, merged):
        found = list(store.find(StoryFilter(thread=id)))
        assert sorted(story.lead_item.guid for story in found) == ["a", "b", "c", "d", "e", "f"]
    assert {story.thread.formerly for story in found if story.thread} == {(merged,)}
    assert list(store.find(StoryFilter(thread=found[0].id))) == []


def test_members_compete_by_what_is_reported_of_them_and_of_their_threads(store: SqliteStore) -> None:
    """The members of a feed: a thread of three, told last on the second day, and two stories in none."""
    stories = add(store, "a", "b", "c")
    follow(store, stories)
    (quiet,) = add(store, "d")
    (late,) = add(store, "e", at=1000.0 + 2 * DAY)
    with store.begin() as transaction:
        transaction.add_item(told_by("f", 1000.0 + DAY), stories[1], NEW)
        transaction.sum_up_threads(list(transaction.threads_of(stories).values()))
        transaction.enter(TOP, [*stories, quiet, late], 1.0)
    thread = store.stories([stories[0]])[0].thread
    assert thread is not None and thread.newest == 1000.0 + DAY

    def competing(since: float, latest: int = 0) -> dict[StoryId, int]:
        return {one.story: one.outlets for one in store.candidates(TOP, since, latest, count=True)}

    assert competing(1000.0 + DAY) == {stories[0]: 1, stories[1]: 2, stories[2]: 1, late: 1}
    assert competing(1001.0 + DAY) == {late: 1}
    assert competing(1001.0 + 2 * DAY) == {}
    assert competing(1001.0 + 2 * DAY, latest=2) == {quiet: 1, late: 1}
    (one,) = store.candidates(TOP, 1000.0 + 2 * DAY, 0, count=False)
    assert (one.thread, one.outlet, one.outlets) == (None, "e.example", 0)
    assert set(store.quiet_members(TOP, 1000.0 + DAY)) == {*stories, quiet}
    assert store.quiet_members(TOP, 999.0 + DAY) == [quiet]
    with store.begin() as transaction:
        transaction.add_item(told_by("g", 1000.0 + 2 * DAY), quiet, NEW)
    assert store.quiet_members(TOP, 999.0 + DAY) == []
