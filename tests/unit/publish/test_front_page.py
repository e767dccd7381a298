"""The front page: which stories it shows in which order, what it says of them, and when it is made anew."""

from __future__ import annotations

import re
import uuid
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Item, Picture, Slug, SourceId, Story, StoryId, ThreadId
from aggregator.publish.pages import front_ranking
from aggregator.publish.pages.front_page import SECTIONS
from aggregator.publish.pages.front_ranking import OTHERS, PER_OUTLET, PLACES
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output, Site
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, change_story, open_outputs, store_story

HOUR = 3600.0
DAY = 24 * HOUR
NUMBERS = count(1)
ALL, DESK = Output(Slug("all"), "All stories"), Output(Slug("desk"), "The desk", token="let-me-in")
STORY = re.compile(r'<li[^>]*>(?:<img[^>]*>)?<h2[^>]*><a href="[^"]*">(.*?)</a>')
LINES = re.compile(r'<p class="line"[^>]*><i>(\w+)</i> <a href="\./stories/([^"]*)\.html"')


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def publisher(folder: Path, store: SqliteStore, *outputs: Output, **changes: object) -> Publisher:
    settings = samples.settings(folder, *(outputs or (ALL, DESK)), **changes)
    open_outputs(store, settings)
    return Publisher(settings, store, mint=lambda: uuid.UUID(int=7))


def report(outlet: str, hours: float, title: str, **changes: object) -> Item:
    """What an outlet published so many hours before noon."""
    at = NOON - hours * HOUR
    source = replace(samples.WIRE, id=SourceId(outlet.lower().replace(" ", "-")), title=outlet)
    made = samples.item(next(NUMBERS), source, published=at, first_seen=at, title=title)
    return replace(made, **changes)  # type: ignore[arg-type]


def told(store: SqliteStore, title: str, *reports: tuple[str, float], slugs: tuple[str, ...] = ("all",)) -> StoryId:
    """A story of reports as (outlet, hours before noon)."""
    return store_story(store, *(report(outlet, hours, title) for outlet, hours in reports), slugs=slugs)


def follow(store: SqliteStore, *stories: StoryId) -> ThreadId:
    with store.begin() as transaction:
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        transaction.sum_up_threads([thread])
    return thread


def page(folder: Path) -> str:
    return (folder / "public/index.html").read_text()


def headlines(folder: Path) -> list[str]:
    return STORY.findall(page(folder))


# --- which stories
def test_what_most_outlets_tell_now_comes_first(tmp_path: Path, store: SqliteStore) -> None:
    told(store, "Fresh", ("One", 0))
    told(store, "Widest", ("One", 5), ("Two", 4), ("Three", 3))
    told(store, "Faded", ("One", 23.5), ("Two", 23.5))
    told(store, "Twice", ("Two", 8), ("Three", 2))
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Widest", "Twice", "Faded", "Fresh"]


def test_a_quiet_sites_page_is_filled_with_the_days_before_that_had_news(tmp_path: Path, store: SqliteStore) -> None:
    told(store, "Now", ("One", 0))
    told(store, "Wide and long ago", ("One", 900), ("Two", 900), ("Three", 900))
    told(store, "Longer ago", ("One", 2000), ("Two", 2000))
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Wide and long ago", "Now", "Longer ago"], (
        "a day without news is no day: each halves the weight"
    )


def test_one_outlet_alone_does_not_fill_the_page(tmp_path: Path, store: SqliteStore) -> None:
    for number in range(30):
        told(store, f"Note {number}", ("Ticker", number / 100))
    told(store, "Slow", ("Weekly", 20))
    publisher(tmp_path, store).publish(None, NOON)
    shown = headlines(tmp_path)
    assert shown == [*(f"Note {number}" for number in range(PER_OUTLET)), "Slow", *(f"Note {number}" for number in range(3, 19))]
    assert len(shown) == PLACES


def test_a_wide_story_is_weighed_however_many_newer_ones_there_are(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_ranking, "LOOKED_AT", 3)
    for number in range(5):
        told(store, f"Note {number}", (f"Outlet {number}", number / 100))
    told(store, "Wide", ("One", 5), ("Two", 5))
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Wide", "Note 0", "Note 1"]


def test_a_thread_has_one_place_with_what_came_before_and_after(tmp_path: Path, store: SqliteStore) -> None:
    first = told(store, "Ship aground", ("One", 20))
    head = told(store, "Crew saved", ("One", 10), ("Two", 9), ("Three", 9))
    later = told(store, "Oil on the beach", ("One", 1), ("Two", 1))
    more = [told(store, f"Inquiry {number}", ("Four", 0.5 + number / 10)) for number in range(3)]
    told(store, "Opera", ("One", 2), ("Two", 2), ("Three", 2))
    follow(store, first, head, later, *more)
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Crew saved", "Opera"]
    assert LINES.findall(page(tmp_path)) == [("Later", later), ("Later", more[1]), ("Later", more[0])]
    assert len(LINES.findall(page(tmp_path))) == OTHERS


def test_an_earlier_story_is_called_so(tmp_path: Path, store: SqliteStore) -> None:
    stories = [told(store, "Ship aground", ("One", 20)), told(store, "Crew saved", ("One", 10)), told(store, "Oil", ("One", 1))]
    follow(store, *stories)
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Oil"]
    assert LINES.findall(page(tmp_path)) == [("Earlier", stories[0]), ("Earlier", stories[1])]


def test_two_stories_that_are_linked_have_one_place(tmp_path: Path, store: SqliteStore) -> None:
    pair = [told(store, "Ship aground", ("One", 20)), told(store, "Crew saved", ("One", 10), ("Two", 9))]
    follow(store, *pair)
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Crew saved"] and LINES.findall(page(tmp_path)) == [("Earlier", pair[0])]


# --- what is private
def test_nothing_private_is_named_or_counted(tmp_path: Path, store: SqliteStore) -> None:
    told(store, "Secret", ("One", 1), ("Two", 1), slugs=("desk",))
    hidden = store_story(store, report("One", 1, "Inside", private=True), slugs=("all",))
    told(store, "Open", ("One", 2))
    wide = report("One", 3, "Half open"), report("Inner", 3, "x", private=True), report("Innermost", 3, "y", private=True)
    store_story(store, *wide, slugs=("desk",))
    publisher(tmp_path, store).publish(None, NOON)
    shown = page(tmp_path)
    assert headlines(tmp_path) == ["Open"]
    for word in ("Secret", "Inside", hidden, "Half open", "Inner", "desk", "Desk", "let-me-in"):
        assert word not in shown, word


def test_private_reports_lift_no_thread(tmp_path: Path, store: SqliteStore) -> None:
    ship = told(store, "Ship aground", ("One", 3))
    inside = [report(f"Inner {number}", 4, "Cargo", private=True) for number in range(4)]
    follow(store, ship, store_story(store, *inside, slugs=("desk",)))
    told(store, "Opera", ("One", 3), ("Two", 3))
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Opera", "Ship aground"]


def test_a_thread_of_which_too_little_is_public_is_not_shown_as_one(tmp_path: Path, store: SqliteStore) -> None:
    stories = [told(store, "Ship aground", ("One", 20)), told(store, "Crew saved", ("One", 10), slugs=("desk",))]
    stories.append(store_story(store, report("One", 1, "Cargo", private=True), slugs=("desk",)))
    follow(store, *stories)
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == ["Ship aground"] and LINES.findall(page(tmp_path)) == []


# --- what it says
@pytest.mark.parametrize(
    ("language", "outlets", "said"),
    [
        ("en", ["One"], "One"),
        ("en", ["One", "Two"], "One, Two"),
        ("en", ["One", "Two", "Three"], "One, Two, Three"),
        ("en", ["One", "Two", "Three", "Four"], "One, Two and 2 others"),
        ("de", ["One", "Two", "Three", "Four"], "One, Two und 2 weitere"),
    ],
)
def test_who_tells_a_story_is_said_as_in_digests(
    tmp_path: Path, store: SqliteStore, language: str, outlets: list[str], said: str
) -> None:
    told(store, "Ferry", *((name, 9 - place) for place, name in enumerate(outlets)))
    publisher(tmp_path, store, site=Site("News", "https://news.example.org", language=language)).publish(None, NOON)
    assert re.findall(r'class="by"><a [^>]*>([^<]*)</a>', page(tmp_path)) == [said]


def test_a_story_says_who_and_when_and_leads_to_the_article_and_to_its_page(tmp_path: Path, store: SqliteStore) -> None:
    story = told(store, "Ferry & tram", ("One", 2), ("Two", 1), ("Three", 0))
    told(store, "Yesterday", ("One", 13))
    told(store, "The day before", ("One", 15))
    told(store, "Last year", ("Two", 9000))
    publisher(tmp_path, store, site=Site("News", "https://news.example.org", timezone="Europe/Berlin")).publish(None, NOON)
    shown = page(tmp_path)
    assert "Thursday 15 June 2023." in shown
    assert "Ferry &amp; tram</a></h2>" in shown
    assert f'<a href="./stories/{story}.html">One, Two, Three</a> <time datetime="2023-06-15T10:00:00Z">12:00</time>' in shown
    assert '<time datetime="2023-06-14T23:00:00Z">01:00</time>' in shown
    assert ">14 Jun</time>" in shown and ">5 Jun 2022</time>" in shown
    assert (tmp_path / f"public/stories/{story}.html").is_file()


def test_pictures_have_a_place_of_fixed_size_and_are_left_out_when_off(tmp_path: Path, store: SqliteStore) -> None:
    store_story(store, report("One", 1, "Seen"), slugs=("all",))
    lead = samples.item(next(NUMBERS), image=Picture("https://cdn.example/wide.jpg", 800, 450))
    store_story(store, lead, slugs=("all",))
    made = publisher(tmp_path, store)
    made.publish(None, NOON)
    assert re.findall("<img[^>]*>", page(tmp_path)) == [
        '<img class="thumb" src="https://cdn.example/wide.jpg" alt="" width="96" height="64" loading="lazy" decoding="async" '
        'referrerpolicy="no-referrer">'
    ]
    off = replace(samples.settings(tmp_path, ALL).publish, images="off")
    publisher(tmp_path / "off", store, ALL, publish=replace(off, directory=tmp_path / "off/public")).publish(None, NOON)
    assert "<img" not in page(tmp_path / "off") and "cdn.example" not in page(tmp_path / "off")


def test_twenty_stories_and_twelve_feeds_take_few_bytes(tmp_path: Path, store: SqliteStore) -> None:
    outputs = tuple(Output(Slug(f"topic-{number}"), f"Topic {number}") for number in range(40))
    for number in range(60):
        title = f"Ministers of nine countries agree on the terms of loan number {number} for the harbour"
        told(store, title, (f"Gazette {number}", 1), (f"Herald {number}", 1), slugs=(f"topic-{number % 40}", "topic-0"))
    publisher(tmp_path, store, *outputs).publish(None, NOON)
    shown = page(tmp_path)
    assert len(headlines(tmp_path)) == PLACES and shown.count('aria-label="Subscribe to') == SECTIONS
    assert all(f'href="./topics/topic-{number}.html"' in shown for number in range(40))
    assert len(shown) < 30_000


def test_a_story_that_no_document_shows_has_a_page_for_its_link(tmp_path: Path, store: SqliteStore) -> None:
    top = Output(Slug("top"), "Top", query="outlets>=1", sort="weight", items=1)
    made = publisher(tmp_path, store, top)
    told(store, "Opera", ("One", 1), ("Two", 1), slugs=("top",))
    made.publish(None, NOON)
    tram = told(store, "Tram", ("One", 1), slugs=("top",))
    made.publish({*samples.rank(made, NOON), Slug("top")}, NOON)
    assert headlines(tmp_path) == ["Opera", "Tram"] and (tmp_path / f"public/stories/{tram}.html").is_file()


# --- when it is made anew
def test_time_alone_changes_nothing(tmp_path: Path, store: SqliteStore) -> None:
    told(store, "Morning", ("One", 8), ("Two", 8))
    told(store, "Noon", ("One", 0))
    made = publisher(tmp_path, store)
    made.publish(None, NOON)
    before = page(tmp_path)
    for later in (HOUR, DAY, 400 * DAY):
        assert samples.rank(made, NOON + later) == frozenset()
        made.publish(None, NOON + later)
        Publisher(samples.settings(tmp_path, ALL, DESK), store).publish(None, NOON + later)
        assert page(tmp_path) == before


def test_the_order_is_made_anew_by_the_job_and_not_with_each_poll(tmp_path: Path, store: SqliteStore) -> None:
    told(store, "Morning", ("One", 8), ("Two", 8))
    made = publisher(tmp_path, store)
    made.publish(None, NOON)
    told(store, "Wide", ("One", 0), ("Two", 0), ("Three", 0))
    made.publish([Slug("all")], NOON)
    assert headlines(tmp_path) == ["Morning"]
    made.publish(samples.rank(made, NOON), NOON)
    assert headlines(tmp_path) == ["Wide", "Morning"]


def test_an_edit_and_a_story_that_is_gone_show_at_once(tmp_path: Path, store: SqliteStore) -> None:
    stories = [told(store, title, ("One", hours)) for hours, title in enumerate(("Ferry", "Tram", "Bridge"))]
    made = publisher(tmp_path, store)
    made.publish(None, NOON)
    change_story(store, stories[1], "Tram strike ends", NOON + 60)
    made.publish([Slug("all")], NOON + 60)
    assert headlines(tmp_path) == ["Ferry", "Tram strike ends", "Bridge"]
    with store.begin() as transaction:
        transaction.leave(Slug("all"), stories[:1])
    made.publish([Slug("all")], NOON + 120)
    assert headlines(tmp_path) == ["Tram strike ends", "Bridge"]


def test_while_feeds_are_filled_each_publication_ranks(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, ALL)
    open_outputs(store, settings, filling=True)
    made = Publisher(settings, store)
    told(store, "First", ("One", 1))
    made.publish(None, NOON)
    told(store, "Second", ("One", 2), ("Two", 2))
    made.publish([Slug("all")], NOON)
    assert headlines(tmp_path) == ["Second", "First"]


def test_stories_are_read_again_only_if_something_changed(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(store, "Ferry", ("One", 0))
    made = publisher(tmp_path, store)
    made.publish(None, NOON)
    read: list[Story] = []
    real = store.stories
    monkeypatch.setattr(store, "stories", lambda ids, **named: read.extend(found := real(ids, **named)) or found)
    monkeypatch.setattr(store, "reports", lambda *bounds: pytest.fail("ranked with a poll"))
    for minute in range(3):
        made.publish([Slug("all")], NOON + minute)
    assert read == []


def test_a_database_without_a_story_has_a_front_page(tmp_path: Path, store: SqliteStore) -> None:
    publisher(tmp_path, store).publish(None, NOON)
    assert headlines(tmp_path) == [] and '<ol class="front">' not in page(tmp_path)
    assert store.value(front_ranking.KEY) is not None
