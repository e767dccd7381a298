"""Feeds of entries that are not stories: digests, rejected entries, and health events."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import feedparser
import pytest
from msgspec.structs import replace

from aggregator.model import Earlier, EarlierStory, Slug, StoryId
from aggregator.ports import Event, Reject
from aggregator.publish.entry.wording import outlets_in_words, wording
from aggregator.publish.messages.digest_text import as_text
from aggregator.publish.messages.digests import Digests
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output, Server, Site
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, NOON, WIRE, item, open_outputs, store_story

HOUR = 3600.0


def hourly(line: str, after: float) -> float:
    """Stands in for cron: the next full hour."""
    assert line == "0 * * * *"
    return (after // HOUR + 1) * HOUR


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


def read(folder: Path, path: str) -> feedparser.FeedParserDict:
    return feedparser.parse((folder / "public" / path).read_bytes())


def test_a_digest_tells_each_story_once_the_most_reported_first(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("morning"), "Morning", digest="0 * * * *"))
    open_outputs(store, settings)
    publisher = Publisher(settings, store)
    assert publisher.issue_digests(NOON, hourly) == ()
    store_story(store, item(1), slugs=("morning",))
    both = store_story(store, item(2), item(102, DAILY), slugs=("morning",))
    with store.begin() as transaction:
        story = transaction.story(both)
        assert story is not None
        transaction.save_story(replace(story, topics=(Slug("ukraine"),)))
    assert publisher.issue_digests(NOON + HOUR - 1, hourly) == ()
    assert publisher.issue_digests(NOON + HOUR, hourly) == ("morning",)
    publisher.publish(None, NOON + HOUR)
    (entry,) = read(tmp_path, "feeds/morning.atom").entries
    assert entry.title == "Morning, 2023-06-15"
    first, second = (entry.summary.index(f"Allies weigh step {number}") for number in (2, 1))
    assert first < second
    assert re.findall("<h3>(.*?)</h3>", entry.summary) == ["Ukraine &amp; NATO", "Other news"]
    assert as_text(entry.summary).startswith("Ukraine & NATO\n\n- Allies weigh step 2 & more <https:")
    assert "(Wire, The Daily)" in entry.summary
    assert publisher.issue_digests(NOON + 2 * HOUR, hourly) == ()  # nothing new to tell
    store_story(store, item(3), slugs=("morning",))
    assert publisher.issue_digests(NOON + 9 * HOUR, hourly) == ("morning",)
    before = (tmp_path / "public/feeds/morning.atom").read_bytes()
    publisher.publish([Slug("morning")], NOON + 9 * HOUR)
    newer, older = read(tmp_path, "feeds/morning.atom").entries
    assert "step 3" in newer.summary and "step 2" not in newer.summary
    assert (older.id, older.summary) == (entry.id, entry.summary)
    assert before != (tmp_path / "public/feeds/morning.atom").read_bytes()
    page = (tmp_path / "public/topics/morning.html").read_text()
    assert page.count("<article") == 2 and "Allies weigh step 3" in page and "Allies weigh step 2" in page
    assert "/stories/" not in page  # an issue has no page of its own
    assert "Morning, 2023-06-15" in (tmp_path / "public/index.html").read_text()


def test_an_issue_of_an_earlier_release_is_told_in_lines() -> None:
    assert as_text("<h2>Sea</h2><ul><li>Ferry sinks</li></ul>") == "Sea\n\n- Ferry sinks"


def test_a_digest_names_what_is_in_no_topic_in_the_sites_language(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("morning"), "Morgen", digest="0 * * * *"), site=Site(language="de"))
    open_outputs(store, settings)
    publisher = Publisher(settings, store)
    publisher.issue_digests(NOON, hourly)
    stories = [store_story(store, item(number), slugs=("morning",)) for number in (1, 2)]
    with store.begin() as transaction:
        story = transaction.story(stories[1])
        assert story is not None
        transaction.save_story(replace(story, topics=(Slug("ukraine"),)))
    publisher.issue_digests(NOON + HOUR, hourly)
    publisher.publish(None, NOON + HOUR)
    assert "<h3>Weitere Nachrichten</h3>" in read(tmp_path, "feeds/morning.atom").entries[0].summary


def test_the_event_that_most_outlets_tell_comes_first_also_if_it_is_in_no_topic(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("morning"), "Morning", digest="0 * * * *"))
    open_outputs(store, settings)
    widest, topical, _ = (
        store_story(store, *items, slugs=("morning",)) for items in ((item(1), item(101, DAILY)), (item(2),), (item(3),))
    )
    with store.begin() as transaction:
        (story,) = transaction.stories([topical])
        transaction.save_story(replace(story, topics=(Slug("ukraine"),)))
    preview = Digests(settings, store, lambda: str(UUID(int=0))).preview(settings.outputs[-1], NOON + HOUR)
    assert preview is not None and widest != topical
    assert re.findall("<h3>(.*?)</h3>", preview.body) == ["Ukraine &amp; NATO"], (
        "nothing stands above the first that it is other than"
    )
    assert preview.body.index("step 1") < preview.body.index("step 3") < preview.body.index("<h3>") < preview.body.index("step 2")


def test_a_digest_tells_an_event_once_with_what_is_new_of_it(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("morning"), "Morning", digest="0 * * * *"))
    open_outputs(store, settings)
    publisher = Publisher(settings, store)
    publisher.issue_digests(NOON, hourly)
    store_story(store, item(1), item(101, DAILY), slugs=("morning",))
    event = [store_story(store, item(number), slugs=("morning",)) for number in (2, 3)]
    event.append(store_story(store, item(4, DAILY), slugs=("morning",)))
    with store.begin() as transaction:
        thread = transaction.begin_thread(event[0])
        transaction.enter_thread(thread, event, b"")
        transaction.sum_up_threads([thread])
    preview = Digests(settings, store, lambda: str(UUID(int=0))).preview(settings.outputs[-1], NOON + HOUR)
    assert preview is not None
    assert preview.body.count("<ul>") == 2, "one list of events, one of what else is new of the first"
    assert preview.body.count("<p>Also new:</p><ul>") == 1
    places = [preview.body.index(f"Allies weigh step {number} ") for number in (4, 3, 2, 1)]
    assert places == sorted(places), "the event of two outlets in three stories, the newest first, then the story of two"
    assert publisher.issue_digests(NOON + HOUR, hourly) == ("morning",)
    store_story(store, item(5), slugs=("morning",))
    assert publisher.issue_digests(NOON + 2 * HOUR, hourly) == ("morning",)
    publisher.publish(None, NOON + 2 * HOUR)
    later, earlier = read(tmp_path, "feeds/morning.atom").entries
    assert (earlier.title, later.title) == ("Morning, 2023-06-15", "Morning, 2023-06-15 14:00")


def test_what_a_digest_lists_as_new_it_does_not_call_earlier(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("morning"), "Morning", digest="0 * * * *"))
    open_outputs(store, settings)
    event = [store_story(store, item(number, DAILY), slugs=("morning",)) for number in (1, 2, 3)]
    with store.begin() as transaction:
        thread = transaction.begin_thread(event[0])
        transaction.enter_thread(thread, event, b"")
        transaction.sum_up_threads([thread])
        [last] = transaction.stories(event[2:])
        before = tuple(
            EarlierStory(id, f"Allies weigh step {number} & more", None) for number, id in ((2, event[1]), (1, event[0]))
        )
        transaction.save_story(replace(last, earlier=Earlier(thread, "Allies", event[0], 3, 1, event[0], before)))
    digests = Digests(settings, store, lambda: str(UUID(int=0)))

    def told(*new: StoryId) -> str:
        with store.begin() as transaction:
            transaction.clear(Slug("morning"))
            transaction.enter(Slug("morning"), new, NOON + 60)
        preview = digests.preview(settings.outputs[-1], NOON + HOUR)
        assert preview is not None
        return preview.body

    assert "Earlier:" in told(event[2]) and "weigh step 2 " in told(event[2])
    assert told(*event).count("weigh step 2 ") == 1 and "Earlier:" not in told(*event)
    assert "Earlier:" in told(*event[1:]) and told(*event[1:]).count("weigh step 1 ") == 1


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["Wire"], "Wire"),
        (["Wire", "Wire", "Daily"], "Wire, Daily"),
        (["A", "B", "C", "D"], "A, B, C, D"),
        (["A", "B", "C", "D", "E"], "A, B, C and 2 others"),
    ],
)
def test_outlets_are_told_as_people_say_them(names: list[str], told: str) -> None:
    assert outlets_in_words(names, wording("en")) == told


def test_what_was_thrown_away_is_told_with_its_rule(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, Output(Slug("rejected"), "Rejected", rejected=True))
    store.sync_sources(settings.sources, NOON)
    open_outputs(store, settings)
    with store.begin() as transaction:
        reject = Reject(WIRE.id, "g1", "https://wire.example/1", "Buy <now>", "drop title:buy", NOON)
        transaction.add_rejects([reject])
    Publisher(settings, store).publish(None, NOON)
    for format in ("atom", "rss"):
        (entry,) = read(tmp_path, f"feeds/rejected.{format}").entries
        assert entry.title == "Buy ‹now›"
        assert "drop title:buy" in entry.summary
        assert entry.link == "https://wire.example/1"
    page = (tmp_path / "public/topics/rejected.html").read_text()
    assert 'href="https://wire.example/1"' in page and "/stories/" not in page


def test_health_has_an_entry_when_something_begins_and_one_when_it_is_over(tmp_path: Path, store: SqliteStore) -> None:
    settings = samples.settings(tmp_path, server=Server(admin="let-me-see"))
    publisher = Publisher(settings, store)
    publisher.publish(None, NOON)
    assert read(tmp_path, "health.atom").entries == []
    event = Event("broken wire", "broken", "Wire is broken", "5 failures: 500 <oops>", NOON)
    with store.begin() as transaction:
        transaction.save_event(event)
    publisher.show_health()
    (begun,) = read(tmp_path, "health.atom").entries
    assert (begun.title, begun.published) == ("Wire is broken", "2023-06-15T12:00:00+00:00")
    assert "500" not in begun.summary, "errors may hold addresses: they are for the administrator"
    whole = publisher.shelf.whole("/health.atom")
    assert whole is not None and whole.token == "let-me-see"
    assert "&lt;oops&gt;" in feedparser.parse(whole.body).entries[0].summary
    with store.begin() as transaction:
        transaction.save_event(replace(event, closed=NOON + 60))
    publisher.show_health()
    over, again = read(tmp_path, "health.atom").entries
    assert over.title == "Over: Wire is broken"
    assert again.id == begun.id != over.id
