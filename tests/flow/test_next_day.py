"""A day passes in the newsroom: what a subscriber of the published feeds sees then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from aggregator.demo.origin import Origin
from tests.flow.conftest import Newsdesk, newsdesk
from tests.flow.subscriber import folded, ids, snapshot, story_of, titles

NATO = "nato weighs closer ties with ukraine ahead of vilnius summit"
FOLLOW_UP = "nato ministers back council with ukraine and new ammunition plan"


@dataclass(frozen=True, slots=True)
class NextDay:
    """The desk on the second day; files and the topic's ids as they were on the first."""

    desk: Newsdesk
    files: dict[str, str]
    members: list[str]


@pytest.fixture(scope="module")
def next_day(tmp_path_factory: pytest.TempPathFactory, shared_origin: Origin) -> Iterator[NextDay]:
    desk = newsdesk(tmp_path_factory.mktemp("next-day"), shared_origin)
    desk.command.run("poll", "--all")
    before = snapshot(desk.public), ids(desk.published("ukraine.atom"))
    desk.origin.advance(desk.origin.start + 86_400)
    desk.command.run("poll", "--all")
    yield NextDay(desk, *before)


def test_the_follow_up_is_a_story_of_its_own(next_day: NextDay) -> None:
    stories = next_day.desk.command.rows("stories")
    follow_up = story_of(stories, "northwire", FOLLOW_UP)
    assert follow_up["id"] != story_of(stories, "northwire", NATO)["id"]
    assert {item["source"] for item in follow_up["items"]} == {"northwire", "harbourpost-world", "meridian"}
    assert FOLLOW_UP in [folded(title) for title in titles(next_day.desk.published("ukraine.atom"))]


def test_what_was_there_keeps_its_id_and_its_order(next_day: NextDay) -> None:
    after = ids(next_day.desk.published("ukraine.atom"))
    assert [story for story in after if story in next_day.members] == next_day.members


def test_feeds_without_news_keep_their_bytes(next_day: NextDay) -> None:
    after = snapshot(next_day.desk.public)
    moved = {name for name in after if name.startswith("feeds/") and after[name] != next_day.files.get(name)}
    assert {"feeds/ukraine.atom", "feeds/all.atom", "feeds/listen.rss"} <= moved
    assert not {name for name in moved if name.startswith("feeds/power.")}


def test_an_edit_keeps_its_story(next_day: NextDay) -> None:
    stories = next_day.desk.command.rows("stories")
    assert story_of(stories, "northwire", "Grain ships wait off Istanbul as the Black Sea deal")
    assert sum("Grain ships wait" in story["title"] for story in stories) == 1
