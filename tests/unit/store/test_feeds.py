"""The contract of published feeds, of who is told, and of the small tables."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.model import Slug, SourceId, StoryId
from aggregator.ports import (
    REJECTS_KEPT,
    ArchivePage,
    Delivery,
    Event,
    Hold,
    Member,
    OutputState,
    Override,
    Reject,
    Store,
    Subscription,
    Traces,
    Transaction,
)
from tests.unit.store.builders import NEW, item

ALL, SEA = Slug("all"), Slug("sea")


def begun(transaction: Transaction, count: int) -> list[StoryId]:
    return [transaction.add_item(item(f"g{number}", at=1000.0 + number), None, NEW)[1] for number in range(count)]


def entered(store: Store, count: int, slug: Slug = ALL) -> list[StoryId]:
    with store.begin() as transaction:
        stories = begun(transaction, count)
        transaction.enter(slug, stories, 50.0)
    return stories


def test_an_output_comes_back_as_it_was_saved(store: Store) -> None:
    state = OutputState(SEA, b"12345678", filling=False, revision=7, changed=5.5, as_of=6.5, withdrawn=True)
    with store.begin() as transaction:
        transaction.save_output(state)
        transaction.save_output(OutputState(ALL, b""))
    assert store.outputs() == {ALL: OutputState(ALL, b""), SEA: state}


def test_a_bump_grows_the_revision(store: Store) -> None:
    with store.begin() as transaction:
        transaction.save_output(OutputState(ALL, b"d"))
        transaction.bump([ALL, Slug("unknown")], 9.0)
        transaction.bump([ALL], 10.0)
        assert transaction.outputs() == {ALL: OutputState(ALL, b"d", revision=2, changed=10.0)}
    assert store.outputs() == {ALL: OutputState(ALL, b"d", revision=2, changed=10.0)}


def test_members_are_numbered_in_the_order_of_entering(store: Store) -> None:
    stories = entered(store, 4)
    expected = [Member(story, seq, 50.0) for seq, story in enumerate(stories, start=1)][::-1]
    assert store.members(ALL) == expected
    assert store.members(ALL, limit=2) == expected[:2]
    assert store.members(ALL, before=3) == expected[2:]
    assert store.members(ALL, limit=1, before=3) == expected[2:3]
    assert store.members(SEA) == []


def test_new_and_known_stories_enter_in_the_order_given(store: Store) -> None:
    with store.begin() as transaction:
        known = [transaction.add_item(item(guid), None, NEW)[1] for guid in "ab"]
        transaction.enter(ALL, known[:1], 1.0)
    with store.begin() as transaction:
        new = [transaction.add_item(item(guid), None, NEW)[1] for guid in "cd"]
        transaction.enter(ALL, [new[0], known[0], known[1], new[1], StoryId("unknown")], 2.0)
        transaction.enter(ALL, [new[0]], 3.0)
        assert transaction.outputs().keys() == {ALL}
        transaction.enter(ALL, [new[1]], 4.0)
    assert [(one.story, one.seq, one.entered) for one in store.members(ALL)] == [
        (new[1], 4, 2.0), (known[1], 3, 2.0), (new[0], 2, 2.0), (known[0], 1, 1.0),
    ]  # fmt: skip


def test_entering_twice_keeps_the_place(store: Store) -> None:
    stories = entered(store, 3)
    with store.begin() as transaction:
        transaction.enter(ALL, [stories[2], stories[0], stories[0]], 99.0)
    assert [member.seq for member in store.members(ALL)] == [3, 2, 1]


def test_a_number_is_never_given_again(store: Store) -> None:
    stories = entered(store, 3)
    with store.begin() as transaction:
        transaction.leave(ALL, [stories[2]])
        transaction.save_output(OutputState(ALL, b"new definition"))
        transaction.enter(ALL, [stories[2]], 60.0)
    assert store.members(ALL)[0] == Member(stories[2], 4, 60.0)


def test_the_feeds_of_a_story(store: Store) -> None:
    [story, other] = entered(store, 2)
    with store.begin() as transaction:
        transaction.enter(SEA, [story], 1.0)
        assert transaction.members_of([story, other]) == {story: {ALL, SEA}, other: {ALL}}
        transaction.leave(ALL, [story])
        assert transaction.members_of([story]) == {story: {SEA}}
    assert store.members_of([story, other, StoryId("none")]) == {story: {SEA}, other: {ALL}, "none": frozenset()}


def test_a_story_can_enter_in_the_transaction_that_begins_it_and_still_be_saved(store: Store) -> None:
    with store.begin() as transaction:
        for id in begun(transaction, 3):
            transaction.enter(ALL, [id], 1.0)
            story = transaction.story(id)
            assert story is not None
            transaction.save_story(replace(story, updated=4000.0))
    assert {shown.updated for shown in store.shown(ALL)} == {4000.0}


def test_published_is_said_once_and_for_good(store: Store) -> None:
    [story, other] = entered(store, 2)
    with store.begin() as transaction:
        transaction.mark_published([story])
        assert transaction.published_stories([story, other]) == {story}
    with store.begin() as transaction:
        transaction.leave(ALL, [story])
        transaction.mark_published([story])
        assert transaction.published_stories([story, other]) == {story}


def test_shown_tells_what_must_be_rendered_anew(store: Store) -> None:
    [first, second] = entered(store, 2)
    before = {shown.story: shown for shown in store.shown(ALL)}
    assert [shown.seq for shown in store.shown(ALL)] == [2, 1]
    assert (before[first].published, before[first].entered) == (990.0, 50.0)
    with store.begin() as transaction:
        transaction.add_item(item("late", at=3000.0), first, NEW)
    after = {shown.story: shown for shown in store.shown(ALL)}
    assert after[first].version > before[first].version
    assert after[second] == before[second]


@pytest.mark.parametrize("change", ["save", "update", "join", "move", "merge"])
def test_each_change_of_a_story_grows_its_version(store: Store, change: str) -> None:
    [first, second] = entered(store, 2)
    with store.begin() as transaction:
        one, _ = transaction.add_item(item("x", at=1500.0), first, NEW)
        story = transaction.story(first)
    assert story is not None
    version = store.shown(ALL)[-1].version
    with store.begin() as transaction:
        match change:
            case "save":
                transaction.save_story(replace(story, updated=9999.0))
            case "update":
                transaction.update_item(replace(one, hash=b"another1"))
            case "join":
                transaction.add_item(item("y", at=1600.0), first, NEW)
            case "move":
                transaction.move_item(one.id, second, NEW, 1700.0)
            case "merge":
                transaction.merge_stories(first, second, 1700.0)
    assert store.shown(ALL)[-1].story == first
    assert store.shown(ALL)[-1].version > version


def archive(number: int, *stories: StoryId, body: bytes = b"entries") -> ArchivePage:
    return ArchivePage(ALL, number, 100.0, 90.0, stories, body)


def test_a_closed_page_keeps_its_members_and_shows_them_no_more(store: Store) -> None:
    stories = entered(store, 4)
    with store.begin() as transaction:
        transaction.save_page(archive(1, stories[0], stories[1]))
    assert [shown.story for shown in store.shown(ALL)] == [stories[3], stories[2]]
    assert len(store.members(ALL)) == 4
    assert store.members_of(stories[:1]) == {stories[0]: {ALL}}
    assert store.page(ALL, 1) == archive(1, stories[0], stories[1])
    assert store.pages(ALL) == [archive(1, stories[0], stories[1], body=b"")]
    assert store.page(ALL, 2) is None
    assert store.pages(SEA) == []


def test_a_feed_that_is_cleared_keeps_its_closed_pages(store: Store) -> None:
    stories = entered(store, 3)
    with store.begin() as transaction:
        transaction.save_page(archive(1, stories[0]))
        transaction.enter(SEA, stories, 1.0)
    with store.begin() as transaction:
        _, late = transaction.add_item(item("late", at=3000.0), None, NEW)
        transaction.enter(ALL, [late], 1.0)
        transaction.clear(ALL)
    assert store.shown(ALL) == []
    assert [member.story for member in store.members(ALL)] == [stories[0]]
    assert len(store.shown(SEA)) == 3


def test_the_newest_are_those_published_last_whenever_they_entered(store: Store) -> None:
    with store.begin() as transaction:
        placed = {}
        for at in (30.0, 10.0, 20.0, 20.0):
            _, story = transaction.add_item(item(f"at {at} {len(placed)}", at=at), None, NEW)
            transaction.save_story(replace(transaction.story(story), published=at))  # type: ignore[type-var]
            transaction.enter(ALL, [story], 1.0)
            placed[story] = at
    every = store.shown(ALL)
    assert store.shown(ALL, 9) == every
    assert store.shown(ALL, 0) == []
    first, low, *equal = placed
    assert store.shown(ALL, 2) == [one for one in every if one.story in (first, max(equal))]
    assert store.shown(ALL, 3) == [one for one in every if one.story != low]


def test_a_replaced_page_gives_back_what_it_no_longer_holds(store: Store) -> None:
    stories = entered(store, 3)
    with store.begin() as transaction:
        transaction.save_page(archive(1, stories[0], stories[1]))
    with store.begin() as transaction:
        transaction.save_page(archive(1, stories[0], body=b"less"))
    assert [shown.story for shown in store.shown(ALL)] == [stories[2], stories[1]]
    assert store.page(ALL, 1) == archive(1, stories[0], body=b"less")


def test_subscriptions(store: Store) -> None:
    one = Subscription("/feeds/all.atom", "https://reader.example/a", "secret", 100.0, 1.0, "reader.example")
    other = Subscription("/feeds/sea.atom", "https://reader.example/a", None, 200.0, 2.0, "reader.example")
    with store.begin() as transaction:
        transaction.save_subscription(other)
        transaction.save_subscription(replace(one, lease_until=50.0))
        transaction.save_subscription(one)
    assert store.subscriptions() == [one, other]
    assert store.subscriptions("/feeds/sea.atom") == [other]
    assert store.subscription("/feeds/sea.atom", "https://reader.example/a") == other
    assert store.subscription("/feeds/sea.atom", "https://reader.example/b") is None
    assert store.count_subscriptions("/feeds/sea.atom", "reader.example") == (1, 2)
    assert store.count_subscriptions("/feeds/ice.atom", "other.example") == (0, 0)
    with store.begin() as transaction:
        transaction.remove_subscription(one.topic, one.callback)
        transaction.remove_subscription("/none", one.callback)
    assert store.subscriptions() == [other]


def test_deliveries_wait_until_they_are_removed(store: Store) -> None:
    first = Delivery("websub", "/feeds/all.atom", "https://reader.example/a", "", "v1", 1.0, 30.0)
    second = Delivery("webhook", "desk", "https://desk.example/hook", "story", "v1", 2.0, 20.0, 3, "timed out")
    with store.begin() as transaction:
        transaction.save_delivery(first)
        transaction.save_delivery(second)
    assert store.deliveries(25.0, 9) == [second]
    assert store.deliveries(30.0, 9) == [second, first]
    assert store.deliveries(30.0, 1) == [second]
    with store.begin() as transaction:
        transaction.save_delivery(replace(first, version="v2", due=5.0))
        transaction.remove_delivery(first)
        transaction.remove_delivery(second)
    assert store.deliveries(99.0, 9) == [replace(first, version="v2", due=5.0)], "what was replaced meanwhile is still to be sent"
    with store.begin() as transaction:
        transaction.remove_delivery(replace(first, version="v2"))
    assert store.deliveries(99.0, 9) == []


def test_deliveries_to_channels_are_kept_by_channel(store: Store) -> None:
    hook = Delivery("webhook", "desk", "https://desk.example/hook", "story", "v1", 1.0, 1.0)
    first = Delivery("channel", "desk", "one", "story-b", "reached", 1.0, 1.0)
    second = Delivery("channel", "desk", "one", "story-a", "reached", 1.001, 1.0)
    other = Delivery("channel", "desk", "two", "story-a", "reached", 1.0, 1.0)
    alert = Delivery("channel-alert", "", "one", "1.000 broken a", "open", 1.0, 1.0)
    with store.begin() as transaction:
        for one in (second, hook, first, other, alert):
            transaction.save_delivery(one)
    assert store.deliveries(9.0, 9) == [hook]
    assert store.channel_deliveries("channel", "desk", "one", 9) == [first, second]
    assert store.channel_deliveries("channel", "desk", "one", 1) == [first]
    assert store.channel_deliveries("channel-alert", "", "one", 9) == [alert]
    assert store.channels_told() == [("channel", "desk", "one"), ("channel", "desk", "two"), ("channel-alert", "", "one")]
    with store.begin() as transaction:
        transaction.remove_channel_deliveries("channel", "desk", "one")
    assert store.channels_told() == [("channel", "desk", "two"), ("channel-alert", "", "one")]
    assert store.deliveries(9.0, 9) == [hook]


def test_events_open_and_close(store: Store) -> None:
    first = Event("silent:alpha", "silent", "Alpha is silent", "nothing new for 3 days", 10.0)
    second = Event("broken:beta", "broken", "Beta is broken", "404", 20.0)
    with store.begin() as transaction:
        transaction.save_event(first)
        transaction.save_event(second)
        transaction.save_event(replace(first, closed=30.0))
        transaction.save_event(replace(first, opened=40.0))
    assert store.events(9) == [replace(first, opened=40.0), second, replace(first, closed=30.0)]
    assert store.events(1) == [replace(first, opened=40.0)]


def test_holds_end(store: Store) -> None:
    with store.begin() as transaction:
        transaction.save_hold(Hold("alpha.example", 10.0, "429"))
        transaction.save_hold(Hold("beta.example", 20.0, "503"))
        transaction.save_hold(Hold("alpha.example", 30.0, "429 again"))
    assert store.holds(20.0) == {"alpha.example": Hold("alpha.example", 30.0, "429 again")}
    assert set(store.holds(5.0)) == {"alpha.example", "beta.example"}


def reject(number: int, source: str = "alpha", at: float = 1.0) -> Reject:
    return Reject(SourceId(source), f"g{number}", None, f"Advertisement {number}", "drop title:advertisement", at)


def test_rejects_are_kept_newest_first_and_bounded_for_each_source(store: Store) -> None:
    with store.begin() as transaction:
        transaction.add_rejects([reject(1, "beta")])
        transaction.add_rejects([reject(number) for number in range(REJECTS_KEPT + 50)])
    assert store.rejects(2) == [reject(REJECTS_KEPT + 49), reject(REJECTS_KEPT + 48)]
    assert len(store.rejects(9999, SourceId("alpha"))) == REJECTS_KEPT
    assert store.rejects(9, SourceId("beta")) == [reject(1, "beta")]


def test_an_entry_that_is_rejected_again_is_still_one_reject(store: Store) -> None:
    for at, rule, new in ((1.0, "drop a", {"drop": 1}), (2.0, "drop b", {})):
        with store.begin() as transaction:
            assert transaction.add_rejects([replace(reject(1), at=at, rule=rule)]) == new
    assert store.rejects(9) == [replace(reject(1), at=1.0, rule="drop b")]


def test_new_rejects_are_counted_by_the_kind_of_their_rule(store: Store) -> None:
    with store.begin() as transaction:
        transaction.add_rejects([reject(1)])
        others = [replace(reject(3), rule="keep lang:en"), reject(1, "beta"), reject(2), reject(2), reject(1)]
        assert transaction.add_rejects(others) == {"drop": 2, "keep": 1}
        assert transaction.add_rejects([]) == {}


def test_a_transaction_knows_of_its_own_new_story_in_which_feeds_it_is_and_whether_it_is_published(store: Store) -> None:
    slug = Slug("all")
    with store.begin() as transaction:
        _, story = transaction.add_item(item("one"), None, NEW)
        assert (transaction.members_of([story]), transaction.published_stories([story])) == ({story: frozenset()}, frozenset())
        transaction.enter(slug, [story], 1.0)
        transaction.leave(Slug("other"), [story])  # writes what waits
        assert transaction.members_of([story]) == {story: frozenset([slug])}
        transaction.enter(slug, [story], 2.0)
        transaction.mark_published([story])
        assert transaction.published_stories([story]) == frozenset([story])
    assert [member.entered for member in store.members(slug)] == [1.0]


def test_overrides_are_kept_in_their_order(store: Store) -> None:
    made = [Override("merge", "alpha g1", "beta g2", 1.0), Override("drop", "alpha.example/x", None, 2.0)]
    with store.begin() as transaction:
        for override in made:
            transaction.add_override(override)
        assert transaction.overrides() == made
        assert store.overrides() == []
    assert store.overrides() == made


def test_a_transaction_reads_its_own_overrides_by_what_they_bind(store: Store) -> None:
    drop, pin = Override("drop", "alpha.example/x", None, 1.0), Override("pin", "alpha g1", None, 2.0)
    with store.begin() as transaction:
        assert transaction.corrections(["alpha g1"]) == transaction.thread_overrides() == []
        decision = transaction.add_decision("thread-drop", 3.0, Traces())
        apart = Override("thread-drop", "alpha g1", None, 3.0, decision)
        for override in (drop, pin, apart):
            transaction.add_override(override)
        assert transaction.corrections(["alpha g1", "alpha.example/x"]) == [pin]
        assert transaction.corrections(["alpha g2"]) == []
        assert transaction.thread_overrides() == [apart]
        transaction.end_decision(decision, 4.0)
        assert transaction.thread_overrides() == []


def test_values(store: Store) -> None:
    with store.begin() as transaction:
        transaction.set_value("a", "1")
        transaction.set_value("a", "2")
        transaction.set_value("b", "3")
        transaction.set_value("b", None)
        transaction.set_value("c", "4")
    with store.begin() as transaction:
        transaction.set_value("c", None)
    assert (store.value("a"), store.value("b"), store.value("c")) == ("2", None, None)


def test_counts(store: Store) -> None:
    entered(store, 3)
    counts = store.counts()
    assert {"items": counts["items"], "stories": counts["stories"], "aliases": counts["aliases"]} == {
        "items": 3,
        "stories": 3,
        "aliases": 0,
    }
    assert counts["bytes"] >= 0
