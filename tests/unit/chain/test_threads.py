"""Stories of one event are linked as they come, and become a thread. Stories and their ids don't depend on it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aggregator.dedup.weigh import rarity, view_of
from aggregator.model import Story
from aggregator.ports import IndexedItem, StoryFilter, StoryIndex
from aggregator.store import backup
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.link import Linker
from aggregator.stories.restoring.restore import restore_backup
from aggregator.threads.vectors import Words
from tests.unit.chain.newsroom import HOUR, Newsroom, entry

NAMES = ("alpha", "beta", "gamma")
SOURCES = "sources:\n" + "\n".join(f"  - {{id: {name}, url: 'https://{name}.example/feed.json'}}" for name in NAMES)

FERRY = (
    (
        "alpha",
        "Ferry Osprey sinks off Marlen harbour, at least 30 missing",
        "The ferry Osprey sank off Marlen harbour after hitting a reef in heavy rain. The coast guard brought 112 people ashore.",
    ),
    (
        "beta",
        "Captain of the ferry Osprey arrested in Marlen on suspicion of drinking",
        "Police led the captain of the Osprey from his house at dawn. His lawyer said that he had touched no drink on duty.",
    ),
    (
        "gamma",
        "Osprey inquiry: judge asks why the radar of the Marlen ferry was off",
        "A judge heard the first witnesses on the ferry Osprey. An engineer said that its radar was out of repair since May.",
    ),
)
OTHERS = (
    (
        "alpha",
        "Central bank of Norland raises its rate to four percent",
        "The bank said that prices had risen faster than it expected.",
    ),
    ("beta", "Museum of glass reopens after a fire", "Visitors may see the vases again from Friday, the museum's director said."),
    ("gamma", "Ferry timetable changes for the summer", "Boats to the northern islands leave an hour earlier from June on."),
)


PLACES = ("Arlen", "Borsk", "Calder", "Dunmore", "Elster", "Fenwick", "Grenz", "Holm", "Istra", "Jarrow")
NEWS = (
    ("{} council votes on parking fees", "The council in {} voted late on parking fees that shop owners had fought for months."),
    (
        "School choir of {} wins a prize",
        "Singers of a school in {} won the prize of the national choir contest on stage last night.",
    ),
    (
        "Wolf seen near farms of {}",
        "Farmers near {} lost sheep after a wolf was seen on a wildlife camera, the forest office said.",
    ),
    (
        "{} airport adds flights to the coast",
        "The airport of {} adds two flights a week to the coast, and hires staff for its terminal.",
    ),
    ("Bakery in {} burns down", "A bakery in {} burned down overnight; firefighters found nobody inside, and blame an oven."),
)


@pytest.fixture
def newsroom(newsroom: Newsroom) -> Newsroom:
    """A newsroom that has seen some news, so that it knows which words are rare."""
    newsroom.configure(SOURCES)
    with_other_news(newsroom)
    return newsroom


def with_other_news(newsroom: Newsroom) -> None:
    rows = [entry(title.format(place), text=text.format(place)) for place in PLACES for title, text in NEWS]
    newsroom.serves("https://gamma.example/feed.json", *rows)
    newsroom.poll("gamma")
    newsroom.brought["https://gamma.example/feed.json"] = rows


def bring(newsroom: Newsroom, *reports: tuple[str, str, str]) -> None:
    """Has each source report in turn, an hour after the one before."""
    for name, title, text in reports:
        newsroom.clock.time += HOUR
        url = f"https://{name}.example/feed.json"
        rows = newsroom.brought.setdefault(url, [])
        rows.insert(0, entry(title, at=newsroom.clock.time - 60, url=f"https://{name}.example/{len(rows)}", text=text))
        newsroom.serves(url, *rows)
        newsroom.poll(name)


def story(newsroom: Newsroom, words: str) -> Story:
    return next(one for one in newsroom.store.find(StoryFilter()) if words in one.title)


def test_three_stories_of_one_event_become_a_thread(newsroom: Newsroom) -> None:
    bring(newsroom, OTHERS[0], FERRY[0], OTHERS[1], FERRY[1])
    assert story(newsroom, "sinks").thread is None
    bring(newsroom, OTHERS[2], FERRY[2])
    thread = story(newsroom, "sinks").thread
    assert thread is not None
    assert (thread.stories, thread.outlets) == (3, 3)
    assert thread == story(newsroom, "Captain").thread == story(newsroom, "inquiry").thread
    assert newsroom.store.thread_stories(thread.id) == [story(newsroom, words).id for words in ("sinks", "Captain", "inquiry")]
    assert [story(newsroom, words).thread for words in ("bank", "Museum", "timetable")] == [None, None, None]


def test_a_thread_counts_the_outlets_that_join_its_stories(newsroom: Newsroom) -> None:
    bring(newsroom, *FERRY)
    copy = ("beta", *FERRY[0][1:])
    bring(newsroom, copy)
    found = story(newsroom, "sinks")
    assert found.outlets == ("alpha.example", "beta.example")
    assert found.thread is not None
    assert (found.thread.stories, found.thread.outlets, found.thread.newest) == (3, 3, newsroom.clock.time - 60)


def test_links_say_how_alike_the_stories_are(newsroom: Newsroom) -> None:
    bring(newsroom, *FERRY)
    links = newsroom.store.links(story(newsroom, "inquiry").id)
    assert links
    assert all(0.25 <= link.likeness <= 1 for link in links)


def test_reports_that_fill_in_one_form_are_no_thread(newsroom: Newsroom) -> None:
    rates = [
        (
            "alpha",
            f"{name} exchange rate today, 15 June: what the {name} costs in kronas",
            f"The {name} costs {rate} kronas today.",
        )
        for name, rate in (("Dollar", "8.41"), ("Pound", "9.92"), ("Franc", "7.15"), ("Euro", "8.99"))
    ]
    bring(newsroom, *rates)
    assert {one.thread for one in newsroom.stories()} == {None}


def test_an_old_event_sleeps_and_a_strong_link_wakes_it(newsroom: Newsroom) -> None:
    bring(newsroom, *FERRY)
    newsroom.clock.time += 9 * 24 * HOUR
    bring(newsroom, ("beta", "Ferry captain says that he is sorry", "The captain spoke to the families on Monday in court."))
    assert story(newsroom, "sorry").thread is None
    bring(
        newsroom, ("gamma", "Marlen judge blames the captain, and a radar out of repair, for the loss of the Osprey", FERRY[2][2])
    )
    woken = story(newsroom, "blames").thread
    assert woken is not None
    assert woken.id == story(newsroom, "sinks").thread.id  # type: ignore[union-attr]


def test_without_threads_stories_are_the_same(newsroom: Newsroom, other_newsroom: Newsroom) -> None:
    other_newsroom.configure(f"{SOURCES}\ndedup: {{threads: false}}")
    with_other_news(other_newsroom)
    for room in (newsroom, other_newsroom):
        bring(room, *FERRY, *OTHERS)
    told, alone = (
        [(one.id, one.title, one.outlets, one.updated) for one in room.stories()] for room in (newsroom, other_newsroom)
    )
    assert told == alone
    assert {one.thread for one in other_newsroom.stories()} == {None}


def test_a_merge_takes_the_thread_along(newsroom: Newsroom) -> None:
    bring(newsroom, *FERRY, OTHERS[0])
    kept, alias = story(newsroom, "bank"), story(newsroom, "inquiry")
    with newsroom.store.begin() as transaction:
        transaction.merge_stories(kept.id, alias.id, newsroom.clock.time)
    [merged] = newsroom.store.stories([kept.id])
    assert merged.thread is not None
    assert merged.thread.stories == 3
    assert {link.story for link in newsroom.store.links(kept.id)} | {link.other for link in newsroom.store.links(kept.id)} > {
        kept.id
    }


def published(newsroom: Newsroom) -> list[dict[str, Any]]:
    """The entries of the published feed, without what they say of their threads."""
    rows = newsroom.feed()
    for row in rows:
        row["_aggregator"].pop("thread", None)
        if "content_html" in row:
            row["content_html"] = re.sub(r"<p>Earlier:?.*?</p>|<ul>.*?</ul>", "", row["content_html"], flags=re.S)
    return rows


def test_without_threads_what_is_published_is_the_same_but_for_earlier(newsroom: Newsroom, other_newsroom: Newsroom) -> None:
    other_newsroom.configure(f"{SOURCES}\ndedup: {{threads: false}}")
    with_other_news(other_newsroom)
    for room in (newsroom, other_newsroom):
        bring(room, *FERRY, *OTHERS)
    pages = newsroom.settings.publish.directory
    assert "Earlier" in (pages / "feeds" / "all.json").read_text(), "or this compares nothing"
    assert published(newsroom) == published(other_newsroom)
    other = other_newsroom.settings.publish.directory
    assert sorted(file.name for file in (pages / "stories").iterdir()) == sorted(
        file.name for file in (other / "stories").iterdir()
    )


def test_threads_that_are_turned_off_are_hidden_and_come_back(newsroom: Newsroom) -> None:
    bring(newsroom, *FERRY)
    before = story(newsroom, "sinks").thread
    assert before is not None
    feeds = f"\noutputs:\n  - {{slug: ferry, query: 'thread:{before.id}'}}"
    newsroom.configure(SOURCES + feeds)
    newsroom.publisher.publish(None, newsroom.clock.time)
    rows, page = newsroom.feed(), newsroom.settings.publish.directory / "stories" / f"{story(newsroom, 'sinks').id}.html"
    assert len(newsroom.feed("ferry")) == 3
    assert "Captain" in page.read_text()
    newsroom.configure(f"{SOURCES}\ndedup: {{threads: false}}{feeds}")
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert {one.thread for one in newsroom.stories()} == {None}
    assert newsroom.feed("ferry") == []
    assert newsroom.feed() == rows, "what is out stays as it is"
    assert "Captain" not in page.read_text()
    assert newsroom.publisher.shelf.on_demand(f"/threads/{before.id}.html", lambda token: False) is None
    bring(newsroom, ("beta", *FERRY[0][1:]), *OTHERS)  # it joins the first story, and is not linked
    assert {one.thread for one in newsroom.stories()} == {None}
    newsroom.configure(SOURCES + feeds)
    after = story(newsroom, "sinks").thread
    assert after is not None
    assert (after.id, after.stories, after.outlets) == (before.id, 3, 3)
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert "Captain" in page.read_text()


def test_a_thread_holds_no_private_story_beside_public_ones(newsroom: Newsroom) -> None:
    """Were their words' hashes to collide, too: here, what the index says of two stories is put in a third's place."""
    newsroom.configure(SOURCES.replace("id: gamma,", "id: gamma, private: true,"))
    bring(newsroom, *FERRY[:2])
    public = [story(newsroom, words) for words in ("sinks", "Captain")]
    bring(newsroom, FERRY[2])
    private = story(newsroom, "inquiry")
    assert private.private
    with newsroom.store.begin() as transaction:
        linker = Linker(lambda row: _public_words(row, transaction.index, public), rarity, 7 * 24 * HOUR)
        around = {private.id: [public[1].items[0].id]}
        linker.link(transaction, [private.id], around, newsroom.clock.time)
        assert private.id not in transaction.threads_of([private.id, *(one.id for one in public)])


def _public_words(row: IndexedItem, index: StoryIndex, public: list[Story]) -> Words:
    """The words of the row, or of a public story's for a private one."""
    known = {item.id for one in public for item in one.items}
    return view_of(row if row.id in known else index.items([public[0].items[0].id])[public[0].items[0].id])


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)))
def test_a_thread_has_its_id_again_after_a_restore(tmp_path: Path, order: Sequence[str]) -> None:
    config = f"storage: {{database: news.db}}\npublish: {{directory: public, private: private}}\n{SOURCES}"
    newsroom = Newsroom(tmp_path, SqliteStore(tmp_path / "news.db"))
    newsroom.configure(config)
    with_other_news(newsroom)
    backup.backup(tmp_path / "news.db", tmp_path / "copy.db")
    bring(newsroom, *FERRY)
    before = story(newsroom, "sinks").thread
    newsroom.store.close()
    restore_backup(tmp_path / "copy.db", newsroom.settings, lambda: newsroom.rules, newsroom.clock.time)
    newsroom.store = SqliteStore(tmp_path / "news.db")
    newsroom.configure(config)
    for name in order:
        newsroom.poll(name)
    after = story(newsroom, "sinks").thread
    newsroom.store.close()
    assert before is not None
    assert after is not None
    assert (after.id, after.stories) == (before.id, 3)
