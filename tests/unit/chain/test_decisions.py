"""A person's decisions and the passing of time, tried with the whole chain."""

from __future__ import annotations

import pytest

from aggregator import requests, rolling
from aggregator.errors import UsageError
from aggregator.model import Fault, FaultKind, FetchFailed, SourceId
from aggregator.overrides import Overrides
from aggregator.pipeline import PollReport
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

ONE = "https://one.example/feed.json"
TWO = "https://two.example/feed.json"
CONFIG = f"""
sources:
  - {{id: one, url: "{ONE}"}}
  - {{id: two, url: "{TWO}"}}
"""
FERRY, BRIDGE = "Ferry line to the islands reopens after storm", "Mayor opens the new harbour bridge"


@pytest.fixture
def read(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry"), entry(BRIDGE, url="https://one.example/bridge"))
    newsroom.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2))
    newsroom.poll()
    return newsroom


def overrides(newsroom: Newsroom) -> Overrides:
    return Overrides(newsroom.store, newsroom.settings, newsroom.rules)


def test_merged_stories_leave_one_entry_under_the_older_id(read: Newsroom) -> None:
    ids = {row["title"]: row["id"] for row in read.feed()}
    ferry, bridge = (read.store.story_of(f"https://one.example/{name}") for name in ("ferry", "bridge"))
    assert ferry and bridge
    kept = overrides(read).merge(ferry, bridge)
    read.publisher.publish(None, read.clock.now())
    assert [row["id"] for row in read.feed()] == [f"urn:uuid:{kept}"]
    assert f"urn:uuid:{kept}" in ids.values()
    assert read.store.story_of(ferry) == read.store.story_of(bridge) == kept


def test_a_split_entry_gets_a_story_of_its_own(read: Newsroom) -> None:
    before = {row["id"] for row in read.feed()}
    overrides(read).split("https://two.example/ferry")
    read.publisher.publish(None, read.clock.now())
    assert read.titles().count(FERRY) == 2
    assert before < {row["id"] for row in read.feed()}, "the story that stays keeps its id"


def test_the_only_entry_of_a_story_cannot_be_split_off(read: Newsroom) -> None:
    with pytest.raises(UsageError, match="only entry"):
        overrides(read).split("https://one.example/bridge")


def test_a_dropped_story_leaves_every_feed_and_stays_away(read: Newsroom) -> None:
    overrides(read).drop("https://one.example/ferry")
    read.publisher.publish(None, read.clock.now())
    assert read.titles() == [BRIDGE]
    read.serves(ONE, entry(FERRY, url="https://one.example/ferry", id="again"), entry(BRIDGE, url="https://one.example/bridge"))
    read.poll()
    assert read.titles() == [BRIDGE]


def test_a_rolling_feed_lets_stories_go_with_time_alone(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG + 'outputs: [{slug: today, title: Today, query: "age<1d"}]\n')
    newsroom.serves(ONE, entry(FERRY, at=START - 20 * HOUR))
    newsroom.serves(TWO, entry(BRIDGE, at=START - 2 * HOUR))
    newsroom.poll()
    assert sorted(newsroom.titles("today")) == [FERRY, BRIDGE]
    newsroom.clock.time += 5 * HOUR
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert sorted(newsroom.titles("today")) == [FERRY, BRIDGE], "only the stored instant decides"
    changed = rolling.roll(newsroom.store, newsroom.settings, newsroom.rules, newsroom.clock.now())
    assert changed == {"today"}
    newsroom.publisher.publish(changed, newsroom.clock.now())
    assert newsroom.titles("today") == [BRIDGE]


def test_a_new_story_waits_for_a_better_lead(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG + "publish: {settle: 10m}\n")
    newsroom.serves(ONE)
    newsroom.serves(TWO)
    newsroom.poll()
    newsroom.serves(ONE, entry(FERRY))
    newsroom.poll()
    assert newsroom.titles() == []
    newsroom.clock.time += 601
    assert rolling.ripen(newsroom.store, newsroom.settings, newsroom.rules, newsroom.clock.now()) == {"all"}
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles() == [FERRY]


def test_a_held_host_is_left_alone_even_when_forced(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace(TWO, "https://www.one.example/other.json"))
    fault = Fault(FaultKind.STATUS, "429 Too Many Requests", 429, retry_at=START + 600, holds_host=True)
    newsroom.answers[ONE] = FetchFailed(fault, (), ONE)
    reports = newsroom.poll()
    assert (reports["one"].outcome, reports["two"].outcome) == ("failed", "refused")
    assert newsroom.asked == [ONE]
    newsroom.clock.time += 601
    newsroom.serves("https://www.one.example/other.json")
    assert newsroom.poll("two")["two"].outcome == "changed"


def test_a_bug_costs_its_source_one_turn_and_nothing_is_lost(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY))
    newsroom.serves(TWO)
    monkeypatch.setattr("aggregator.curate.Curator.refresh", lambda *_: 1 / 0)
    assert newsroom.poll()["one"].outcome == "failed"
    assert newsroom.stories() == []
    state = newsroom.store.states()[SourceId("one")]
    assert "internal error" in (state.last_error or "")
    assert state.due > newsroom.clock.now(), "it is not asked again at once"
    monkeypatch.undo()
    newsroom.poll()
    assert newsroom.titles() == [FERRY]


def test_a_poll_asked_of_the_daemon_is_answered_once(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    asked = requests.ask(newsroom.store, [SourceId("one")], forced=True)
    assert requests.answered(newsroom.store, asked) is None
    assert requests.pending(newsroom.store) == asked
    assert requests.pending(newsroom.store) is None, "it is taken up once"
    report = PollReport(SourceId("one"), "changed", "1 new, 0 changed", 1, 0)
    with newsroom.store.begin() as transaction:
        requests.answer(transaction, asked, [report])
    assert requests.answered(newsroom.store, asked) == [report]
    assert requests.answered(newsroom.store, requests.ask(newsroom.store, None, forced=False)) is None
