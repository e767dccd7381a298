"""The demo's newsroom through the real command: what a subscriber of the published feeds sees."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feedparser
import pytest
from selectolax.lexbor import LexborHTMLParser

from aggregator.demo.newsroom import Newsroom
from aggregator.demo.origin import Origin
from tests.conftest import CHECKOUT
from tests.flow.conftest import Newsdesk, newsdesk
from tests.flow.subscriber import folded, ids, read, snapshot, story_of, titles

NATO = "nato weighs closer ties with ukraine ahead of vilnius summit"
FIVE = {"Northwire", "Harbour Post", "The Meridian", "Kestrel Daily", "Baltic Ledger"}


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory, shared_origin: Origin) -> Iterator[Newsdesk]:
    """The newsroom after one `poll --all`. Tests only look at it."""
    desk = newsdesk(tmp_path_factory.mktemp("polled"), shared_origin)
    desk.command.run("poll", "--all")
    yield desk


@pytest.fixture(scope="module")
def stories(polled: Newsdesk) -> list[dict[str, Any]]:
    return polled.command.rows("stories")


def wanted(newsroom: Newsroom) -> set[tuple[str, str]]:
    """(outlet, title) of everything the newsroom lists, but for what the config drops."""
    listed = {(outlet.id, article.title) for outlet, feed in newsroom.feeds() for article in outlet.articles_of(feed)}
    return {(outlet, title) for outlet, title in listed if "horoscope" not in title}


def test_every_entry_of_every_feed_is_taken_once(polled: Newsdesk, stories: list[dict[str, Any]]) -> None:
    taken = [(item["source"], item["guid"]) for story in stories for item in story["items"]]
    assert len(taken) == len(set(taken))
    seen = {(item["source"].partition("-")[0], item["title"]) for story in stories for item in story["items"]}
    missing = wanted(polled.origin.newsroom) - seen
    assert not missing
    assert not [title for _, title in seen if "horoscope" in title]


def test_the_front_page_is_light(polled: Newsdesk) -> None:
    """Twenty stories and the newest of seven feeds, without a picture. What goes over the wire is compressed."""
    page = (polled.public / "index.html").read_bytes()
    front = page.partition(b'<ol class="front">')[2].partition(b"</ol>")[0]
    assert front.count(b"<h2") == 20
    assert len(page) < 60_000 and len(gzip.compress(page)) < 15_000
    assert len(front) < 20 * 500, "a story takes no more than its words and two links"


def test_a_reader_shows_the_entry_as_the_readme_promises(polled: Newsdesk) -> None:
    promised = (CHECKOUT / "README.md").read_text("utf-8").split("```\nNATO weighs", 1)[1].split("```", 1)[0]
    words = " ".join(f"NATO weighs{promised}".replace("·", "").replace("…", "").split())
    entry = next(one for one in feedparser.parse(polled.published("ukraine.atom")).entries if folded(one.title) == NATO)
    text = " ".join(LexborHTMLParser(entry.summary.replace("<li>", " <li>").replace("<p>", " <p>")).text().split())
    title, author, rest = words.partition("Ines Harrow, Northwire")
    assert (title.strip(), author) == (entry.title, entry.author)
    begins, also, ends = rest.partition(" Also reported by")
    assert text.startswith(begins.strip()) and text.endswith(also.strip() + ends), text


def test_five_outlets_tell_the_nato_story_once(stories: list[dict[str, Any]]) -> None:
    story = story_of(stories, "northwire", NATO)
    carriers = {item["source"] for item in story["items"]}
    assert carriers == {
        "northwire",
        "newsfold",
        "harbourpost-world",
        "harbourpost-politics",
        "meridian",
        "kestrel",
        "balticledger",
    }
    assert sorted(story["outlets"]) == sorted(FIVE)
    assert "ukraine" in story["topics"]


def test_a_reader_of_the_topic_sees_it_once_with_the_others_named(polled: Newsdesk) -> None:
    entries = [entry for entry in read(polled.published("ukraine.atom")).entries if folded(entry.title).startswith(NATO)]
    assert len(entries) == 1
    told = entries[0].get("summary", "") + "".join(content.value for content in entries[0].get("content", []))
    assert "also reported by" in told.casefold()
    assert all(outlet in told for outlet in FIVE - {"Northwire"}), told


@pytest.mark.parametrize("name", ["ukraine.atom", "ukraine.rss"])
def test_what_only_sounds_alike_is_not_in_the_topic(polled: Newsdesk, name: str) -> None:
    shown = " | ".join(titles(polled.published(name))).casefold()
    for other in ("song contest", "phonetic alphabet", "beridze", "air exercise", "sweden", "tug-of-war"):
        assert other not in shown


def test_other_nato_stories_stay_apart(stories: list[dict[str, Any]]) -> None:
    main = story_of(stories, "northwire", NATO)
    exercise = story_of(stories, "northwire", "NATO opens its largest air exercise")
    sweden = story_of(stories, "northwire", "Turkey holds out on Sweden")
    assert len({main["id"], exercise["id"], sweden["id"]}) == 3
    assert {item["source"] for item in exercise["items"]} == {"northwire", "kestrel"}


def test_repeated_sentences_with_other_numbers_are_other_stories(stories: list[dict[str, Any]]) -> None:
    for source in ("marketbell", "skyline"):
        held = [story for story in stories if sum(item["source"] == source for item in story["items"]) > 1]
        assert not [story["title"] for story in held]
    assert sum(story["title"] == "Morning briefing" for story in stories) == 2


def test_dull_titles_never_join(stories: list[dict[str, Any]]) -> None:
    assert sum("Five things you need to know" in story["title"] for story in stories) == 2


def test_old_encodings_and_missing_ids_are_read(stories: list[dict[str, Any]]) -> None:
    parrot = story_of(stories, "tidewater", "Parrot that says “objection”")
    assert parrot["items"][0]["url"].startswith("http://")
    assert parrot["items"][0]["url"].endswith("/lost-parrot")
    assert story_of(stories, "plainwords", "If a < b & b < c: a note on signs")


def test_sound_files_survive(polled: Newsdesk) -> None:
    entries = read(polled.published("listen.rss")).entries
    assert len(entries) == 5
    assert all(entry.enclosures[0].href.endswith(".mp3") for entry in entries)


def test_three_outlets_make_a_top_story(polled: Newsdesk) -> None:
    shown = [folded(title) for title in titles(polled.published("top.atom"))]
    assert any(title.startswith(NATO) for title in shown)
    assert any(title.startswith("central bank lifts euro zone rates to highest") for title in shown)
    assert not any("dredging" in title for title in shown)


def test_the_broken_source_is_told_and_costs_nothing_else(polled: Newsdesk) -> None:
    rows = {row["id"]: row for row in polled.command.rows("status")}
    assert rows["gazette"]["state"] == "fault"
    assert [row["id"] for row in rows.values() if row["state"] != "ok"] == ["gazette"]


def test_what_a_rule_drops_is_counted(polled: Newsdesk) -> None:
    rows = {row["id"]: row for row in polled.command.rows("status")}
    assert rows["skyline"]["dropped"].get("drop") == 3


def test_a_private_feed_is_nowhere_public(polled: Newsdesk) -> None:
    assert any(path.name.startswith("desk.") for path in polled.private.rglob("*"))
    for path in polled.public.rglob("*"):
        assert not path.name.startswith("desk")
        if path.is_file():
            body = path.read_bytes()
            assert b"demo-token" not in body, path
            assert b"/feeds/desk" not in body, path


def test_all_three_formats_list_the_same_stories(polled: Newsdesk) -> None:
    import json

    atom = ids(polled.published("ukraine.atom"))
    rss = ids(polled.published("ukraine.rss"))
    feed = [item["id"] for item in json.loads(polled.published("ukraine.json"))["items"]]
    assert atom == rss == feed


def test_a_second_poll_asks_politely_and_changes_nothing(polled: Newsdesk) -> None:
    polled.statuses()
    before = snapshot(polled.public) | snapshot(polled.private)
    polled.command.run("poll", "--all")
    answers = polled.statuses()
    not_304 = {path: status for path, status in answers.items() if status != 304}
    assert not_304 == {"/newsfold/top.rss": 200, "/gazette/feed.xml": 200, "/lindentor/rss.php": 301}
    assert snapshot(polled.public) | snapshot(polled.private) == before


def test_a_feed_that_says_often_enough_that_it_has_moved_is_asked_at_its_new_address(desk: Newsdesk) -> None:
    for _ in range(4):
        desk.command.run("poll", "lindentor")
    desk.statuses()
    desk.command.run("poll", "lindentor")
    assert desk.statuses() == {"/lindentor/aktuell.xml": 304}
    assert desk.command.rows("status", "lindentor")[0]["entries"] == 7


def test_check_accepts_the_demo_and_its_rules(tmp_path: Path, desk: Newsdesk) -> None:
    desk.command.run("check")
