"""Ranked feeds: what their documents show, in which order, and what stays as it is."""

from __future__ import annotations

import json
import uuid
from itertools import count
from pathlib import Path

import feedparser
import pytest
from msgspec.structs import replace

from aggregator.model import Item, Slug, StoryId, ThreadId
from aggregator.ports import Report
from aggregator.publish.messages import notifications
from aggregator.publish.publisher import Publisher
from aggregator.publish.selection import filling, ranking
from aggregator.publish.selection.weight import Weights
from aggregator.settings import Output
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, change_story, open_outputs, store_story

HOUR = 3600.0
TOP = Output(Slug("top"), "Top", query="outlets>=1", sort="weight", items=3)
NUMBERS = count(1)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def publisher(folder: Path, store: SqliteStore, *outputs: Output) -> Publisher:
    settings = samples.settings(folder, *outputs)
    open_outputs(store, settings)
    return Publisher(settings, store, mint=lambda: uuid.UUID(int=7))


def report(outlet: str, hours: float, **changes: object) -> Item:
    """What an outlet published so many hours before noon."""
    at = NOON - hours * HOUR
    made = samples.item(next(NUMBERS), outlet=outlet, outlet_key=f"{outlet}.example", published=at, first_seen=at)
    return replace(made, **changes)  # type: ignore[arg-type]


def told(store: SqliteStore, *reports: tuple[str, float], slugs: tuple[str, ...] = ("top",)) -> StoryId:
    """A story of reports as (outlet, hours before noon)."""
    return store_story(store, *(report(*one) for one in reports), slugs=slugs)


def follow(store: SqliteStore, *stories: StoryId) -> ThreadId:
    with store.begin() as transaction:
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        transaction.sum_up_threads([thread])
    return thread


def shown(folder: Path, slug: str = "top") -> list[StoryId]:
    items = json.loads((folder / f"public/feeds/{slug}.json").read_bytes())["items"]
    return [StoryId(one["id"].removeprefix("urn:uuid:")) for one in items]


# --- the formula
def test_the_weight_is_of_outlets_each_by_its_newest_report_faded_by_half_in_two_days() -> None:
    story, other, thread = StoryId("s"), StoryId("o"), ThreadId("t")
    reports = [
        Report(story, None, "a", NOON),
        Report(story, None, "a", NOON - 20 * HOUR),
        Report(story, None, "b", NOON - 24 * HOUR),
        Report(story, None, None, NOON),
        Report(other, thread, "a", NOON),
        Report(StoryId("p"), thread, "c", NOON - 24 * HOUR),
    ]
    weights = Weights(reports, NOON)
    faded = pytest.approx(1 + 2**-0.5)
    assert weights.of(story, None) == weights.own(story) == faded
    assert (weights.own(other), weights.of(other, thread), weights.of(other, None)) == (1.0, faded, faded)
    assert weights.of(StoryId("quiet"), thread) == faded
    assert weights.of(StoryId("unknown"), None) == 0.0


# --- the order
def test_the_widest_come_first_whenever_they_entered(tmp_path: Path, store: SqliteStore) -> None:
    wide = told(store, ("a", 9), ("b", 9), ("c", 9), ("d", 8))
    rest = [told(store, ("a", 5 - number / 100)) for number in range(60)]
    two = told(store, ("a", 10), ("b", 10))
    made = publisher(tmp_path, store, TOP)
    made.publish(None, NOON)
    assert shown(tmp_path) == [wide, two, rest[-1]]
    atom = feedparser.parse((tmp_path / "public/feeds/top.atom").read_bytes())
    assert [one.id for one in atom.entries] == [f"urn:uuid:{one}" for one in (wide, two, rest[-1])]


def test_a_thread_weighs_as_a_whole_and_what_began_yesterday_weighs_by_today(tmp_path: Path, store: SqliteStore) -> None:
    begun = told(store, ("a", 30))
    angles = [told(store, (outlet, hours)) for outlet, hours in (("b", 3), ("c", 2))]
    wide = told(store, ("d", 20), ("e", 20))
    follow(store, begun, *angles)
    made = publisher(tmp_path, store, replace(TOP, items=4))
    made.publish(None, NOON)
    assert shown(tmp_path) == [angles[1], angles[0], begun, wide]


def test_two_linked_stories_are_one_event(tmp_path: Path, store: SqliteStore) -> None:
    pair = [told(store, ("a", 3), ("b", 3)), told(store, ("c", 2))]
    follow(store, *pair)
    other = told(store, ("d", 1), ("e", 1))
    assert store.stories([pair[0]])[0].thread is None, "but no thread that is shown"
    publisher(tmp_path, store, replace(TOP, per_thread=1)).publish(None, NOON)
    assert shown(tmp_path) == [pair[0], other]


def test_a_thread_and_an_outlet_take_so_many_places(tmp_path: Path, store: SqliteStore) -> None:
    small, large = told(store, ("a", 1)), told(store, ("b", 4), ("c", 4))
    follow(store, small, large, told(store, ("d", 2)))
    others = [told(store, ("a", 5)), told(store, ("a", 6)), told(store, ("e", 7))]
    made = publisher(
        tmp_path,
        store,
        replace(TOP, per_thread=1),
        replace(TOP, slug=Slug("both"), per_thread=1, per_outlet=1),
        replace(TOP, slug=Slug("new"), sort="published", per_thread=1),
    )
    with store.begin() as transaction:
        for slug in ("both", "new"):
            transaction.enter(Slug(slug), [small, large, *others], NOON)
    made.publish(None, NOON)
    assert shown(tmp_path) == [large, *others[:2]], "the weightiest story of the thread, not its newest"
    assert shown(tmp_path, "both") == [large, others[0], others[2]]
    assert shown(tmp_path, "new") == [small, *others[:2]]


def test_by_outlets_a_story_counts_alone_and_whole(tmp_path: Path, store: SqliteStore) -> None:
    angles = [told(store, (outlet, 1)) for outlet in "abc"]
    follow(store, *angles)
    older = told(store, ("a", 60), ("b", 50), ("c", 40))
    two = told(store, ("d", 30), ("e", 29))
    for _ in range(ranking.LATEST * TOP.items):
        told(store, ("a", 25))
    made = publisher(tmp_path, store, replace(TOP, sort="outlets"))
    made.publish(None, NOON)
    assert shown(tmp_path)[:2] == [older, two]


def test_quiet_times_are_filled_with_what_came_last(tmp_path: Path, store: SqliteStore) -> None:
    old = [told(store, ("a", hours)) for hours in (400, 300, 200)]
    young = told(store, ("a", 2))
    made = publisher(tmp_path, store, TOP)
    made.publish(None, NOON)
    assert shown(tmp_path) == [young, old[2], old[1]]


# --- time
def test_the_document_stays_until_it_is_ranked_anew(tmp_path: Path, store: SqliteStore) -> None:
    early, late = told(store, ("a", 20), ("b", 20)), told(store, ("d", 1))
    made = publisher(tmp_path, store, TOP)
    made.publish(None, NOON)
    document = (tmp_path / "public/feeds/top.atom").read_bytes()
    assert shown(tmp_path) == [early, late]
    new = told(store, ("e", 0), ("f", 0), ("g", 0), ("h", 0))
    again = publisher(tmp_path, store, TOP)
    assert again.publish(None, NOON + 9 * HOUR) == ()
    assert (tmp_path / "public/feeds/top.atom").read_bytes() == document
    revision = store.outputs()[Slug("top")].revision
    assert samples.rank(made, NOON) == {"top"}
    assert store.outputs()[Slug("top")].revision == revision + 1, "a process beside this one sees it"
    assert made.publish([Slug("top")], NOON + 60) == ("top",)
    assert shown(tmp_path) == [new, early, late]
    assert samples.rank(made, NOON) == frozenset(), "nothing has changed"
    assert samples.rank(made, NOON + 5 * HOUR) == {"top"}, "time alone changes the order"
    made.publish([Slug("top")], NOON + 5 * HOUR)
    assert shown(tmp_path) == [new, late, early]


def test_ids_and_dates_stay_when_the_order_changes_and_the_feed_does_not_grow_younger(tmp_path: Path, store: SqliteStore) -> None:
    first, second = told(store, ("a", 2), ("b", 2)), told(store, ("c", 1))
    made = publisher(tmp_path, store, replace(TOP, items=2))
    made.publish(None, NOON)
    before = feedparser.parse((tmp_path / "public/feeds/top.atom").read_bytes())
    dates = {one.id: (one.updated, one.published) for one in before.entries}
    last = told(store, ("d", 5), ("e", 5), ("f", 5))
    samples.rank(made, NOON + HOUR)
    made.publish([Slug("top")], NOON + HOUR)
    after = feedparser.parse((tmp_path / "public/feeds/top.atom").read_bytes())
    assert shown(tmp_path) == [last, first]
    assert {one.id: (one.updated, one.published) for one in after.entries if one.id in dates} == {
        f"urn:uuid:{first}": dates[f"urn:uuid:{first}"]
    }
    assert f"urn:uuid:{second}" in dates and after.feed.updated == before.feed.updated


def test_what_is_taken_down_or_matches_no_more_leaves_at_once(tmp_path: Path, store: SqliteStore) -> None:
    stories = [told(store, ("a", 1), ("b", 1)), told(store, ("a", 2), ("b", 2))]
    next_one = told(store, ("a", 3))
    made = publisher(tmp_path, store, replace(TOP, items=2))
    made.publish(None, NOON)
    assert shown(tmp_path) == stories
    with store.begin() as transaction:
        transaction.leave(Slug("top"), [stories[0]])
        transaction.bump([Slug("top")], NOON + 1)
    made.publish([Slug("top")], NOON + 1)
    assert shown(tmp_path) == [stories[1], next_one], "the next one takes its place"
    change_story(store, stories[1], "A better headline", NOON + 2)
    made.publish([Slug("top")], NOON + 2)
    assert json.loads((tmp_path / "public/feeds/top.json").read_bytes())["items"][0]["title"] == "A better headline"


def test_another_shape_is_ranked_at_once(tmp_path: Path, store: SqliteStore) -> None:
    for hours in range(1, 6):
        told(store, ("a", hours))
    publisher(tmp_path, store, TOP).publish(None, NOON)
    publisher(tmp_path, store, replace(TOP, items=5)).publish(None, NOON)
    assert len(shown(tmp_path)) == 5


def test_the_public_order_does_not_tell_what_private_sources_report(tmp_path: Path, store: SqliteStore) -> None:
    seen = [told(store, (outlet, hours), slugs=("top", "desk")) for outlet, hours in (("a", 5), ("b", 6), ("c", 7))]
    wide = told(store, ("d", 8), ("e", 8), ("f", 8), ("g", 8), slugs=("top", "desk"))
    secret = store_story(store, *(report(name, 1, private=True) for name in "vwxyz"), slugs=("desk",))
    follow(store, *seen, secret)
    made = publisher(tmp_path, store, TOP, replace(TOP, slug=Slug("desk"), token="let-me-in"))
    made.publish(None, NOON)
    assert shown(tmp_path)[0] == wide
    assert json.loads((tmp_path / "private/feeds/desk.json").read_bytes())["items"][0]["id"] == f"urn:uuid:{secret}"


# --- the archive
def test_a_ranked_feed_has_no_archive_but_keeps_the_pages_it_had(tmp_path: Path, store: SqliteStore) -> None:
    plain = replace(TOP, sort="published")
    stories = [told(store, ("a", 20 - number / 10)) for number in range(14)]
    publisher(tmp_path, store, plain).publish(None, NOON)
    page = (tmp_path / "public/feeds/top/1.atom").read_bytes()
    assert stories[0].encode() in page
    with store.begin() as transaction:
        transaction.add_item(report("b", 1), stories[0], samples.Evidence("test"))
    for _ in range(40):
        told(store, ("a", 30))
    made = publisher(tmp_path, store, TOP)
    made.publish(None, NOON)
    assert shown(tmp_path)[0] == stories[0], "what stands on a page competes, too"
    assert b"prev-archive" not in (tmp_path / "public/feeds/top.atom").read_bytes()
    assert [path.name for path in (tmp_path / "public/feeds/top").glob("*.atom")] == ["1.atom"]
    assert (tmp_path / "public/feeds/top/1.atom").read_bytes() == page


# --- around it
def test_the_end_of_filling_keeps_all_that_match(tmp_path: Path, store: SqliteStore) -> None:
    made = publisher(tmp_path, store, TOP)
    open_outputs(store, samples.settings(tmp_path, TOP), filling=True)
    wide = told(store, ("a", 12), ("b", 12), ("c", 12))
    made.publish(None, NOON)
    rest = [told(store, ("a", number / 10)) for number in range(20)]
    made.publish([Slug("top")], NOON)
    assert shown(tmp_path) == [wide, *rest[:2]], "ranked anew while it fills"
    assert filling.end(store, replace(samples.settings(tmp_path, TOP), sources=()), NOON) == ("top",)
    assert len(store.members(Slug("top"))) == 21
    assert store.value(ranking.KEY + "top") is None
    made.publish([Slug("top")], NOON)
    assert shown(tmp_path) == [wide, *rest[:2]]


def test_a_story_that_comes_back_is_not_posted_again(tmp_path: Path, store: SqliteStore) -> None:
    output = replace(TOP, items=1, webhook="https://desk.example/hook")
    one, other = told(store, ("a", 3)), told(store, ("b", 2))
    made = publisher(tmp_path, store, output)
    made.publish(None, NOON)

    def ranked_first(story: StoryId) -> int:
        """Deliveries after this story was put first."""
        with store.begin() as transaction:
            shape = json.loads(store.value(ranking.KEY + "top") or "")[0]
            transaction.set_value(ranking.KEY + "top", str(ranking.Ranking(shape, (story,))))
        made.publish([Slug("top")], NOON)
        return len(store.deliveries(NOON + HOUR, 10))

    assert json.loads(store.value(notifications.SENT_KEY + "top") or "").keys() == {other}
    assert [ranked_first(story) for story in (one, other, one, other)] == [1, 1, 1, 1]
