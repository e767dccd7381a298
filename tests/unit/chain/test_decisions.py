"""A person's decisions and the passing of time, tried with the whole chain."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from aggregator.commands import sources
from aggregator.commands.application import Application
from aggregator.commands.sources import count_overlaps
from aggregator.commands.stories import decision_row
from aggregator.commands.why import explain_story
from aggregator.commands.why_lines import lines
from aggregator.errors import AggregatorError, UsageError
from aggregator.model import Fault, FaultKind, FetchFailed, PollReport, Slug, SourceId, StoryId
from aggregator.ports import Keep
from aggregator.run.one_shot import poll_there
from aggregator.run.polls import poll_requests
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.upkeep import rolling
from aggregator.text.times import rfc3339
from tests.unit.chain.newsroom import HOUR, START, Newsroom, document, entry

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


def overrides(newsroom: Newsroom) -> StoryEditor:
    return StoryEditor(newsroom.store, newsroom.settings, newsroom.rules)


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


def test_later_reports_join_what_was_split_off_but_never_bring_it_back(read: Newsroom) -> None:
    alone = overrides(read).split("https://two.example/ferry")
    again = entry(FERRY, id="again", url="https://two.example/ferry", text=f"{FERRY}. Boats sail from noon on.")
    read.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2), again)
    read.poll("two")
    (story,) = read.store.stories([alone])
    assert [item.guid for item in story.items][1:] == ["again"], "it agrees with both stories, which stay two"
    assert read.titles().count(FERRY) == 2


def test_a_copy_of_what_was_split_off_joins_it_and_not_the_story_that_it_was_taken_from(newsroom: Newsroom) -> None:
    sinks = "The ferry Osprey sank off Marlen harbour after hitting a reef. The coast guard said that 30 passengers are missing."
    divers = f"{sinks} Divers from the naval school at Brunn search the hull in shifts, with lamps and hammers, its head said."
    newsroom.configure(CONFIG + """  - {id: three, url: "https://three.example/feed.json"}\n""")
    newsroom.serves(ONE, entry("Ferry sinks off Marlen harbour, 30 missing", url="https://one.example/ferry", text=sinks))
    newsroom.serves(TWO, entry("Ferry sinks off Marlen, divers search hull", url="https://two.example/ferry", text=divers))
    newsroom.serves("https://three.example/feed.json")
    newsroom.poll()
    assert len(newsroom.stories()) == 1
    alone = overrides(newsroom).split("https://two.example/ferry")
    copy = entry("Ferry sinks off Marlen, divers search hull", url="https://three.example/ferry", text=divers)
    newsroom.serves("https://three.example/feed.json", copy)
    newsroom.poll("three")
    assert {story.id: len(story.items) for story in newsroom.stories()}[alone] == 2
    assert sorted(len(story.items) for story in newsroom.stories()) == [1, 2]


def test_an_entry_that_had_gone_astray_tells_the_story_that_is_split_off_with_it(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", newsroom.clock.now)
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry"))
    newsroom.serves(TWO, entry(FERRY, id="ferry", url="https://two.example/ferry"))
    newsroom.poll()
    newsroom.serves(TWO, entry(BRIDGE, id="ferry", url="https://two.example/ferry", text=f"{BRIDGE}. It is made of oak."))
    newsroom.poll("two")
    assert [item.astray for item in newsroom.stories()[0].items] == [False, True]
    alone = overrides(newsroom).split("https://two.example/ferry")
    newsroom.clock.time += HOUR
    newsroom.serves(ONE, entry(BRIDGE, url="https://one.example/bridge", text=f"{BRIDGE}. It is made of oak."))
    newsroom.poll("one")
    (story,) = newsroom.store.stories([alone])
    assert [item.astray for item in story.items] == [False, False] and story.outlets == ("two.example", "one.example")
    overrides(newsroom).undo(1)
    (whole,) = newsroom.stories()
    assert [item.astray for item in whole.items] == [False, True, False], "as it was, with what came to it since"


def test_an_entry_that_comes_back_after_it_was_split_off_begins_a_story_again(read: Newsroom) -> None:
    overrides(read).split("https://two.example/ferry")
    answer = read.answers[TWO]
    read.serves(TWO)
    read.poll()
    with read.store.begin() as transaction:
        transaction.clear(Slug("all"))
    assert read.store.sweep(Keep(HOUR, {}), read.clock.now() + 9 * HOUR).stories == 1  # type: ignore[attr-defined]
    read.answers[TWO] = answer
    read.poll("two")
    back = read.store.story_of("https://two.example/ferry")
    assert back and back != read.store.story_of("https://one.example/ferry")
    assert read.store.evidence(back).popitem()[1][1].rule == "split by hand"


def test_what_is_split_off_an_old_story_stays_in_the_feeds_that_showed_it(newsroom: Newsroom) -> None:
    old = START - 90 * HOUR
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry", at=old))
    newsroom.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=old))
    newsroom.poll()
    assert newsroom.titles() == [FERRY]
    alone = overrides(newsroom).split("https://two.example/ferry")
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles() == [FERRY, FERRY]
    (first,) = {story.id for story in newsroom.stories()} - {alone}
    overrides(newsroom).merge(first, alone)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles() == [FERRY]


def test_all_entries_of_an_address_are_split_off_together_and_merged_back_under_the_first_id(read: Newsroom) -> None:
    fold = entry(FERRY, id="fold", url="https://one.example/ferry", at=START - HOUR / 3)
    read.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2), fold)
    read.poll("two")
    first = read.store.story_of("https://two.example/ferry")
    assert first
    alone = overrides(read).split("https://one.example/ferry")
    read.publisher.publish(None, read.clock.now())
    kept, off = read.store.stories([first, alone])
    assert [item.canonical for item in kept.items] == ["two.example/ferry"]
    assert [item.source for item in off.items] == ["one", "two"]
    assert overrides(read).merge(first, alone) == first, "the id that subscribers knew first"
    assert len(read.store.stories([first])[0].items) == 3


def test_merging_takes_a_split_back(read: Newsroom) -> None:
    alone = overrides(read).split("https://two.example/ferry")
    one = read.store.story_of("https://one.example/ferry")
    assert one
    assert overrides(read).merge(one, alone) == one
    read.publisher.publish(None, read.clock.now())
    assert read.titles().count(FERRY) == 1


def test_a_story_that_was_taken_down_is_not_merged_back_in(read: Newsroom) -> None:
    ferry, bridge = (read.store.story_of(f"https://one.example/{name}") for name in ("ferry", "bridge"))
    assert ferry and bridge
    overrides(read).drop("https://one.example/ferry")
    with pytest.raises(UsageError, match="taken down"):
        overrides(read).merge(bridge, ferry)
    with pytest.raises(UsageError, match="one story already"):
        overrides(read).merge(bridge, bridge)


def test_reports_of_a_dropped_story_that_come_later_stay_away_with_it(read: Newsroom) -> None:
    overrides(read).drop("https://one.example/ferry")
    read.serves(TWO, entry(FERRY, url="https://two.example/ferry-late", id="late", at=START - HOUR / 4))
    read.poll("two")
    assert read.titles() == [BRIDGE]


@pytest.mark.parametrize("linked", [False, True], ids=["by its words", "at the address of another"])
def test_a_dropped_report_takes_no_other_outlets_report_of_the_event_with_it(newsroom: Newsroom, linked: bool) -> None:
    """Whoever comes first with a bad copy and is dropped must not keep the event out of the feeds."""
    newsroom.configure(CONFIG)
    copy = entry(FERRY, url="https://two.example/ferry", id="copy", at=START - HOUR)
    newsroom.serves(ONE)
    newsroom.serves(TWO, copy | ({"url": "https://one.example/ferry"} if linked else {}))
    newsroom.poll()
    overrides(newsroom).drop(newsroom.stories()[0].id)
    newsroom.serves(TWO, copy, entry(FERRY, url="https://two.example/again", id="again", at=START - HOUR / 3))
    newsroom.poll("two")
    assert not newsroom.feed(), "what its own outlet sends again stays away"
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry", at=START - HOUR / 2))
    newsroom.poll("one")
    assert [(row["title"], row["url"]) for row in newsroom.feed()] == [(FERRY, "https://one.example/ferry")]
    story = newsroom.stories()[0]
    text = "\n".join(lines(explain_story(cast(Application, newsroom), story)))
    assert "a person took that story down, which its outlet told alone" in text


def test_a_story_of_several_outlets_that_was_dropped_tells_what_it_keeps_away(
    read: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", read.clock.now)
    read.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2))
    read.poll("two")
    title = overrides(read).drop("https://one.example/ferry")
    assert "was taken down everywhere" in decision_row(read.store.decisions()[-1], read.store)["did"]
    assert "since" not in decision_row(read.store.decisions()[-1], read.store)["did"]
    read.clock.time += HOUR
    read.serves(TWO, entry(FERRY, url="https://two.example/ferry-late", id="late", at=START + HOUR / 2))
    read.poll("two")
    assert title == FERRY and read.titles() == [BRIDGE]
    row = decision_row(read.store.decisions()[-1], read.store)
    assert row["did"].endswith("1 report that came since stays away with it (two.example)")


def test_why_tells_when_with_whom_and_on_what_evidence_an_entry_joined(read: Newsroom) -> None:
    story = read.store.story(read.store.story_of("https://one.example/ferry") or StoryId(""))
    assert story is not None
    report = explain_story(cast(Application, read), story)
    first, second = report["items"]
    assert (first["rule"], second["partner"]["url"]) == ("new", "https://one.example/ferry")
    assert second["joined"] == rfc3339(START)
    whole = sum(second["terms"].values())
    text = "\n".join(lines(report))
    assert "of the headline's words 8 of 8 are in the other entry, and 8 of 8 the other way round" in text
    assert "against: 30 minutes apart" in text
    assert "score" not in text, "raw numbers are for those who ask for them"
    text = "\n".join(lines(report, numbers=True))
    assert (
        f"score {second['score']:+.2f} (0 or more tells the same; the sum is {whole:+.2f}, and no pair counts for more): words"
        in text
    )
    assert "began a story: no other told the same" in text
    assert "joined, because it surely tells the same as an entry of the story" in text
    assert "compared with one.example" in text
    assert "in   all" in text


def test_why_names_the_nearest_story_as_it_is_now(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry("Ferry line to the islands closed by storm", text="Waves of six metres kept all boats in port."))
    boats = entry("Islands to get two new electric ferries", text="Built in Gdynia, they come next year and are quiet.")
    newsroom.serves(TWO, boats | {"url": "https://two.example/boats"})
    newsroom.poll()
    first, second = sorted(newsroom.stories(), key=lambda story: story.items[0].id)
    nearest = explain_story(cast(Application, newsroom), second)["items"][0]["nearest"]
    assert (nearest["story"], nearest["title"], nearest["joined_since"]) == (first.id, first.lead_item.entry.title, False)
    kept = overrides(newsroom).merge(first.id, second.id)
    (whole,) = newsroom.store.stories([kept])
    report = explain_story(cast(Application, newsroom), whole)
    assert "both are one story now" in "\n".join(lines(report))


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
    changed = rolling.roll(newsroom.store, newsroom.settings, lambda: newsroom.rules, newsroom.clock.now())
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
    assert rolling.ripen(newsroom.store, newsroom.settings, lambda: newsroom.rules, newsroom.clock.now()) == {"all"}
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles() == [FERRY]


WAITING = CONFIG.replace(f'{{id: two, url: "{TWO}"', f'{{id: two, url: "{TWO}", rank: 1') + "publish: {settle: 10m}\n"


def ripen(newsroom: Newsroom) -> list[str]:
    """Lets the wait end and publishes; returns the titles of the feed."""
    rolling.ripen(newsroom.store, newsroom.settings, lambda: newsroom.rules, newsroom.clock.now())
    newsroom.publisher.publish(None, newsroom.clock.now())
    return newsroom.titles()


@pytest.fixture
def waiting(newsroom: Newsroom) -> Newsroom:
    """A story that waits for a better lead."""
    newsroom.configure(WAITING)
    newsroom.serves(ONE)
    newsroom.serves(TWO)
    newsroom.poll()
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry"))
    newsroom.poll()
    assert ripen(newsroom) == []
    return newsroom


def test_a_better_source_takes_the_lead_before_anybody_has_seen_the_story(waiting: Newsroom) -> None:
    waiting.clock.time += 300
    waiting.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2))
    waiting.poll("two")
    waiting.clock.time += 301
    assert ripen(waiting) == [FERRY]
    assert waiting.feed()[0]["url"] == "https://two.example/ferry"


def test_a_story_that_waited_while_the_daemon_was_away_enters_after_all(waiting: Newsroom) -> None:
    waiting.clock.time += 30 * HOUR
    assert ripen(waiting) == [FERRY]


def test_without_settle_what_waited_enters_at_once(waiting: Newsroom) -> None:
    waiting.configure(WAITING.replace("10m", "0s"))
    waiting.clock.time += 2
    assert ripen(waiting) == [FERRY]
    assert waiting.store.value(rolling.RIPENED_KEY) is None, "and nothing is looked for any more"


def test_why_says_that_a_story_waits(waiting: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", waiting.clock.now)
    (story,) = waiting.stories()
    (feed,) = explain_story(cast(Application, waiting), story)["feeds"]
    assert not feed["in"]
    assert "held back for a better lead" in feed["reason"]


def test_an_equal_rank_does_not_take_a_published_lead_and_nothing_a_reader_sees_moves_twice(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry", at=START - HOUR / 4))
    newsroom.serves(TWO)
    newsroom.poll()
    before = newsroom.feed()[0]
    newsroom.clock.time += HOUR / 2
    newsroom.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2))
    newsroom.poll("two")
    (after,) = newsroom.feed()
    assert (after["id"], after["url"]) == (before["id"], before["url"])
    assert after["date_modified"] > before["date_modified"], "another outlet is named now"
    newsroom.clock.time += HOUR
    newsroom.serves(TWO, entry(FERRY, url="https://two.example/ferry", at=START - HOUR / 2, tags=["sea"]))
    newsroom.poll("two")
    assert newsroom.feed()[0]["date_modified"] == after["date_modified"], "a tag of an entry that is not shown is nothing new"
    (story,) = newsroom.stories()
    assert story.lead_reason == "kept: it was published, and no item has a better rank"


def test_overlap_counts_outlets_and_tells_who_carries_most(read: Newsroom) -> None:
    counted = count_overlaps(read.stories())
    one = counted["one"].as_mapping()
    assert one == {"stories": 2, "shared": 1, "first": 1, "unique": 1, "mostly": {"outlet": "two.example", "stories": 1}}
    assert counted["two"].as_mapping() == {
        "stories": 1, "shared": 1, "first": 0, "unique": 0, "mostly": {"outlet": "one.example", "stories": 1},
    }  # fmt: skip


def test_a_piped_table_of_overlaps_is_cut_nowhere(read: Newsroom) -> None:
    application = SimpleNamespace(settings=read.settings, store=read.store)
    lines = CliRunner().invoke(sources.command, ["--overlap", "--since", "99999d"], obj=application).output.splitlines()
    names = {len(line) for line in lines}
    assert len(lines) == 1 + len(read.settings.sources), names
    assert lines[0].startswith("source") and lines[0].endswith("mostly in")
    assert not any("…" in line for line in lines)
    assert any(line.endswith(")") for line in lines[1:]), "who carries most is told whole"


def test_two_feeds_of_one_outlet_are_no_overlap(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace(TWO, "https://feeds.one.example/more.json"))
    newsroom.serves(ONE, entry(FERRY, url="https://one.example/ferry"))
    newsroom.serves("https://feeds.one.example/more.json", entry(FERRY, url="https://one.example/ferry"))
    newsroom.poll()
    assert len(newsroom.stories()) == 1
    assert count_overlaps(newsroom.stories())["one"].as_mapping()["unique"] == 1


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


def test_a_document_that_uses_up_a_host_s_limit_is_read_and_the_host_left_alone(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace(TWO, "https://www.one.example/other.json"))
    newsroom.answers[ONE] = replace(document(ONE, [entry(FERRY)]), retry_at=START + 600, holds_host=True)
    reports = newsroom.poll()
    assert (reports["one"].outcome, reports["two"].outcome) == ("changed", "refused")
    assert "rate limit is used up" in reports["two"].detail
    assert newsroom.asked == [ONE] and newsroom.titles() == [FERRY]
    assert newsroom.poll("one")["one"].outcome == "refused"
    newsroom.clock.time += 601
    newsroom.serves("https://www.one.example/other.json")
    assert newsroom.poll("two")["two"].outcome == "changed"


def test_a_bug_costs_its_source_one_turn_and_nothing_is_lost(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY))
    newsroom.serves(TWO)
    monkeypatch.setattr("aggregator.stories.curate.Curator.refresh", lambda *_: 1 / 0)
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
    asked = poll_requests.ask(newsroom.store, [SourceId("one")], forced=True)
    assert poll_requests.read_answer(newsroom.store, asked) is None
    assert poll_requests.take(newsroom.store) == [asked]
    assert poll_requests.take(newsroom.store) == [], "it is taken up once"
    report = PollReport(SourceId("one"), "changed", "1 new, 0 changed", 1, 0)
    poll_requests.answer(newsroom.store, asked, [report])
    assert poll_requests.read_answer(newsroom.store, asked) == [report]
    assert poll_requests.read_answer(newsroom.store, poll_requests.ask(newsroom.store, None, forced=False)) is None


def test_two_polls_asked_of_the_daemon_at_once_are_both_answered(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    one, two = (poll_requests.ask(newsroom.store, [SourceId(id)], forced=True) for id in ("one", "two"))
    assert poll_requests.take(newsroom.store) == [one, two]
    reports = [PollReport(SourceId(id), "unchanged", "not modified") for id in ("one", "two")]
    poll_requests.answer(newsroom.store, one, reports[:1])
    poll_requests.answer(newsroom.store, two, reports[1:])
    assert [poll_requests.read_answer(newsroom.store, request) for request in (one, two)] == [reports[:1], reports[1:]]


def test_what_nobody_has_taken_up_can_be_withdrawn(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    one, two = (poll_requests.ask(newsroom.store, None, forced=False) for _ in range(2))
    poll_requests.withdraw(newsroom.store, one)
    assert poll_requests.take(newsroom.store) == [two]
    assert not newsroom.store.poll_requests()


@pytest.mark.parametrize("answers", [0, 3])
def test_who_waits_for_another_poll_polls_itself_when_that_has_ended(newsroom: Newsroom, answers: int) -> None:
    looks = []

    def is_free() -> bool:
        looks.append(1)
        return len(looks) > answers

    async def no_wait(_: float) -> None: ...

    assert asyncio.run(poll_there(newsroom.store, None, forced=True, is_free=is_free, sleep=no_wait)) is None
    assert len(looks) == answers + 1
    assert not newsroom.store.poll_requests(), "nobody else does it a second time"


def test_who_waits_for_a_daemon_on_a_full_disk_is_told_soon(newsroom: Newsroom) -> None:
    waited = []

    async def no_wait(seconds: float) -> None:
        waited.append(seconds)

    work = poll_there(
        newsroom.store,
        None,
        forced=True,
        is_free=lambda: False,
        why_unwritable=lambda: "no space is left on the disk of /data" if sum(waited) > 2 else None,
        sleep=no_wait,
    )
    with pytest.raises(AggregatorError, match="no space is left"):
        asyncio.run(work)
    assert sum(waited) < 10
    assert not newsroom.store.poll_requests()


def test_who_waits_for_a_daemon_is_told_what_it_could_not_store(newsroom: Newsroom) -> None:
    async def refuse(_: float) -> None:
        (request,) = poll_requests.take(newsroom.store)
        poll_requests.refuse(newsroom.store, request, "the disk failed")

    with pytest.raises(AggregatorError, match="the disk failed"):
        asyncio.run(poll_there(newsroom.store, None, forced=True, is_free=lambda: False, sleep=refuse))


def test_a_poll_begun_under_an_old_config_is_stored_by_the_rules_of_the_new(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY))
    newsroom.serves(TWO)
    topic = "topics: [{slug: ferries, title: Ferries, query: ferry}]\n"
    newsroom.between = lambda: newsroom.configure(CONFIG + topic)
    newsroom.poll("one")
    assert newsroom.titles("ferries") == [FERRY]


def test_what_a_former_address_said_does_not_bring_it_back(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY))
    moved = "https://one.example/moved.json"
    newsroom.between = lambda: newsroom.configure(CONFIG.replace(ONE, moved))
    assert newsroom.poll("one")["one"].outcome == "refused"
    state = newsroom.store.states()[SourceId("one")]
    assert (state.url, state.last_poll) == (moved, None)


def test_the_page_of_a_story_that_was_taken_down_answers_like_one_that_never_was(read: Newsroom) -> None:
    """Else its address would tell that a feed with a token had shown it."""
    story = read.store.story_of("https://one.example/ferry")
    nobody = "/stories/00000000-0000-0000-0000-000000000000.html"
    late = read.publisher.shelf.on_demand

    def knows(_: str | None) -> bool:
        return False

    assert late(f"/stories/{story}.html", knows) is not None
    overrides(read).drop("https://one.example/ferry")
    assert late(f"/stories/{story}.html", knows) == late(nobody, knows)
    file = read.settings.publish.directory / f"stories/{story}.html"
    assert file.exists()
    read.publisher.publish([], read.clock.now())
    assert not file.exists(), "at once, whichever feeds are published"
