"""`why` with two entries, and the nearest story that an entry did not join."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from click.testing import CliRunner

from aggregator.commands import why
from aggregator.commands.application import Application
from aggregator.commands.why import explain_story
from aggregator.commands.why_lines import lines
from aggregator.commands.why_two import explain_two, lines_of_two
from aggregator.errors import UsageError
from aggregator.stories.decisions.edit import StoryEditor
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

NAMES = ("one", "two", "three", "four")
CONFIG = "sources:\n" + "\n".join(f"  - {{id: {name}, url: 'https://{name}.example/feed.json'}}" for name in NAMES)

SINKS = (
    "Ferry sinks off Marlen harbour, 30 missing",
    "The ferry Osprey sank off Marlen harbour after hitting a reef. The coast guard said that 30 passengers are missing.",
)
MISSING = (
    "30 missing after ferry sinks off Marlen harbour",
    "Thirty passengers are missing after the Osprey hit a reef and sank off Marlen, the coast guard said.",
)
DIVERS = (
    "Ferry sinks off Marlen harbour, divers search its hull",
    "The ferry Osprey sank off Marlen harbour. Divers from the naval school at Brunn search the hull in "
    "shifts, with lamps and hammers.",
)
SCHOOL = (
    "Naval school divers search hull",
    "Divers from the naval school at Brunn work in shifts, with lamps and hammers. Fishermen founded their team in 1990.",
)


def address(source: str) -> str:
    return f"https://{source}.example/report"


def tell(newsroom: Newsroom, source: str, title: str, text: str, hours: float = 0.0, **more: Any) -> None:
    """One source has one entry, and is polled."""
    told = entry(title, id=f"of-{source}", url=address(source), text=text, at=START - 5 * HOUR + hours * HOUR, **more)
    newsroom.serves(f"https://{source}.example/feed.json", told)
    newsroom.poll(source)


@pytest.fixture
def read(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    for name in NAMES:
        newsroom.serves(f"https://{name}.example/feed.json")
    newsroom.poll()
    return newsroom


def told_of(newsroom: Newsroom, first: str, second: str, numbers: bool = False) -> str:
    report = explain_two(cast(Application, newsroom), first, second)
    return "\n".join(lines_of_two(report, numbers))


def test_the_nearest_story_is_the_one_that_outvoted_an_entry(read: Newsroom) -> None:
    for name, report in zip(NAMES, (SINKS, MISSING, DIVERS, SCHOOL), strict=True):
        tell(read, name, *report)
    alone = read.store.story(read.store.story_of(address("four")) or cast(Any, ""))
    joined = read.store.story_of(address("one"))
    assert alone is not None and alone.id != joined
    report = explain_story(cast(Application, read), alone)
    nearest = report["items"][0]["nearest"]
    assert (nearest["story"], nearest["agrees"], nearest["asked"]) == (joined, 1, 3)
    assert "it matches 1 of the story's 3 reports" in "\n".join(lines(report))
    text = told_of(read, address("four"), address("three"))
    assert "they are two stories" in text and "compared with each other, they agree:" in text
    assert "1 agrees with 1 of 3 entries of the other's story" in text and "2 agrees with 1 of 1 entries" in text
    assert "a story decides as a whole" in text


def test_two_entries_of_one_story_tell_what_joined_them(read: Newsroom) -> None:
    for name, report in zip(NAMES, (SINKS, MISSING), strict=False):
        tell(read, name, *report)
    text = told_of(read, address("two"), address("one"))
    assert "they are one story" in text and "compared with each other, they agree:" in text
    assert f"joined, because it surely tells the same as an entry of the story: “{SINKS[0]}”" in text
    assert "of the headline's words 8 of 8 are in the other entry, and 7 of 7 the other way round" in text
    assert "score" not in text
    assert "score +" in told_of(read, address("two"), address("one"), numbers=True)


@pytest.mark.parametrize(
    ("first", "second", "hours", "says"),
    [
        (("Bus crash kills 12 in Peru", "A bus left the road in Peru."), ("Bus crash kills 12 in India", "A bus hit a wall."),
         1, "kept apart: each headline names a country that the other entry doesn't: Peru / India"),
        (("Stocks close higher on Monday", ""), ("Stocks close higher on Tuesday", ""), 1,
         "kept apart: the headlines name other days: Monday / Tuesday"),
        (("v1.2.3", "Fixes a crash."), ("v1.2.3", "New icons."), 1, "kept apart: a headline that is a bare version number"),
        (("Two men killed in shooting in Dunmore", "Two men were killed in Dunmore on Monday night, police in Dunmore said."),
         ("Two men killed in shooting in Ballyroe", "Two men were killed in Ballyroe on Monday night, police in Ballyroe said."),
         1,
         "filled in with other words: Dunmore / Ballyroe"),
        (("Toyota recalls 110,000 cars over airbags", ""), ("Honda recalls 230,000 cars over airbags", ""), 1,
         "against: numbers differ: 110000 / 230000"),
        (("Harbour bridge opens", "The mayor cut a ribbon."), ("Tea prices rise", "A drought in the hills."), 1,
         "they have hardly a word in common"),
    ],
)  # fmt: skip
def test_each_thing_that_keeps_two_entries_apart_is_told_with_the_words_that_differ(
    read: Newsroom, first: tuple[str, str], second: tuple[str, str], hours: float, says: str
) -> None:
    tell(read, "one", *first)
    tell(read, "two", *second, hours=hours)
    text = told_of(read, address("one"), address("two"))
    assert "they are two stories" in text and "they don't agree" in text
    assert says in text


def test_what_a_person_decided_and_what_the_config_says_is_told(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", read.clock.now)
    tell(read, "one", *SINKS)
    tell(read, "two", *MISSING)
    StoryEditor(read.store, read.settings, read.rules).split(address("two"))
    told = told_of(read, address("one"), address("two"))
    assert "a person parted these two stories on 2023-06-15 (`stories split`, decision 1)" in told
    assert "a story decides as a whole" not in told and "they agree now" not in told, "what the machine thinks decides nothing"
    assert "too old" not in told and "a person made two stories of one" in told
    tell(read, "three", *SINKS, hours=-90)
    assert "further apart in time" in told_of(read, address("one"), address("three"))
    read.configure(CONFIG.replace("four.example/feed.json'", "four.example/feed.json', dedup: false"))
    tell(read, "four", *SINKS)
    assert "stands alone, as `dedup: false`" in told_of(read, address("one"), address("four"))


def test_a_story_that_was_split_off_another_one_says_so_beside_a_third(read: Newsroom) -> None:
    tell(read, "one", *SINKS)
    tell(read, "two", *MISSING)
    tell(read, "three", "Tea prices rise again", "A drought in the hills.")
    StoryEditor(read.store, read.settings, read.rules).split(address("two"))
    tell(read, "four", *MISSING, hours=1)
    assert "a person parted these two stories" in told_of(read, address("four"), address("one")), "what joined it, too"
    assert f"a person split “{MISSING[0]}” off another story" in told_of(read, address("two"), address("three"))


def test_an_entry_that_takes_no_part_in_grouping_is_not_called_old(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", read.clock.now)
    tell(read, "one", *SINKS)
    read.configure(CONFIG.replace("two.example/feed.json'", "two.example/feed.json', dedup: false"))
    tell(read, "two", *MISSING)
    told = told_of(read, address("one"), address("two"))
    assert f"“{MISSING[0]}” takes no part in grouping" in told and "too old" not in told
    read.clock.time += 15 * 24 * HOUR
    with read.store.begin() as transaction:
        transaction.index.forget([item.id for story in read.stories() for item in story.items])
    assert f"“{SINKS[0]}” is too old to be compared" in told_of(read, address("one"), address("two"))


def test_entries_that_left_the_index_are_compared_as_well(read: Newsroom) -> None:
    tell(read, "one", *SINKS)
    tell(read, "two", *MISSING)
    before = explain_two(cast(Application, read), address("one"), address("two"))
    with read.store.begin() as transaction:
        transaction.index.forget([item.id for story in read.stories() for item in story.items])
    after = explain_two(cast(Application, read), address("one"), address("two"))
    assert after["agree"] and after["score"] == pytest.approx(before["score"], abs=1.0)


def test_two_names_must_be_two_stored_entries(read: Newsroom) -> None:
    tell(read, "one", *SINKS)
    (story,) = read.stories()
    with pytest.raises(UsageError, match="the same entry"):
        told_of(read, address("one"), story.id)
    with pytest.raises(UsageError, match="did you mean"):
        told_of(read, address("one"), "https://one.example/reports")


def test_the_command_takes_two_names_and_gives_json(read: Newsroom) -> None:
    tell(read, "one", *SINKS)
    tell(read, "two", *MISSING)
    answer = CliRunner().invoke(why.command, [address("one"), address("two"), "--json"], obj=read)
    told = json.loads(answer.output)
    assert told["one_story"] and told["agree"] and told["terms"]["words of the title"] > 0
    assert [one["url"] for one in told["entries"]] == [address("one"), address("two")]


def test_comparing_needs_no_right_to_write_and_sees_what_the_daemon_sees(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(read, "one", *SINKS)
    tell(read, "two", *MISSING)
    with read.store.begin() as transaction:
        items = [item for story in read.stories() for item in story.items]
        of_daemon = [(row.outlet, row.at) for row in transaction.index.items([item.id for item in items]).values()]
    monkeypatch.setattr(type(read.store), "begin", lambda _: pytest.fail("a look must not write"))
    assert [(row.outlet, row.at) for row in read.store.grouped().items([item.id for item in items]).values()] == of_daemon
    assert "they are one story" in told_of(read, address("one"), address("two"))


def test_an_entry_that_joined_by_its_address_is_not_told_to_differ(read: Newsroom) -> None:
    tell(read, "one", *SINKS)
    same_page = entry(SINKS[0], id="again", url=address("one"), text=SINKS[1], at=START - 4 * HOUR)
    read.serves("https://two.example/feed.json", same_page)
    read.poll("two")
    story = read.store.story(read.store.story_of(address("one")) or cast(Any, ""))
    assert story is not None and len(story.items) == 2
    told = "\n".join(lines(explain_story(cast(Application, read), story)))
    assert "joined by its address" in told and "hardly a word in common" not in told
