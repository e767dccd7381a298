"""Decisions that a person sees, undoes, pins and titles, tried with the whole chain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from aggregator.commands import why
from aggregator.commands.application import Application
from aggregator.commands.search import find_matches
from aggregator.commands.stories import as_mapping, decision_line, decision_row
from aggregator.commands.why import explain_story
from aggregator.commands.why_lines import lines
from aggregator.dedup.engine import Engine
from aggregator.errors import UsageError
from aggregator.model import ItemId, SourceId, Story, StoryId
from aggregator.ports import Decision, Keep, Override, Traces
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.upkeep import regroup
from aggregator.tag.query import Query
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

ONE, TWO, THREE = (f"https://{name}.example/feed.json" for name in ("one", "two", "three"))
CONFIG = f"""
sources:
  - {{id: one, url: "{ONE}"}}
  - {{id: two, url: "{TWO}"}}
  - {{id: three, url: "{THREE}"}}
"""
FERRY, BRIDGE = "Ferry line to the islands reopens after storm", "Mayor opens the new harbour bridge"
FERRY_AT_ONE, FERRY_AT_TWO, BRIDGE_AT_ONE = (
    "https://one.example/ferry",
    "https://two.example/ferry",
    "https://one.example/bridge",
)


@pytest.fixture
def read(newsroom: Newsroom) -> Newsroom:
    """A story of two outlets and one of a single outlet, published."""
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE), entry(BRIDGE, url=BRIDGE_AT_ONE))
    newsroom.serves(TWO, entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2))
    newsroom.serves(THREE)
    newsroom.poll()
    newsroom.clock.time += HOUR
    return newsroom


def editor(newsroom: Newsroom) -> StoryEditor:
    return StoryEditor(newsroom.store, newsroom.settings, newsroom.rules)


def story_at(newsroom: Newsroom, url: str) -> StoryId:
    story = newsroom.store.story_of(url)
    assert story is not None
    return story


def stored(newsroom: Newsroom, url: str) -> Story:
    (story,) = newsroom.store.stories([story_at(newsroom, url)])
    return story


def published(newsroom: Newsroom) -> dict[str, dict[str, Any]]:
    """What a subscriber sees, by id."""
    newsroom.publisher.publish(None, newsroom.clock.now())
    return {row["id"]: row for row in newsroom.feed()}


def last(newsroom: Newsroom) -> Decision:
    return newsroom.store.decisions()[-1]


def undo_last(newsroom: Newsroom) -> None:
    editor(newsroom).undo(last(newsroom).id)


# --- merge
def test_a_merge_undone_gives_back_both_entries_under_their_ids(read: Newsroom) -> None:
    before = published(read)
    ferry, bridge = story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE)
    kept = editor(read).merge(ferry, bridge)
    assert len(published(read)) == 1
    undo_last(read)
    after = published(read)
    assert after.keys() == before.keys()
    (came_back,) = before.keys() - {f"urn:uuid:{kept}"}
    assert after[came_back] == before[came_back], "a subscriber has seen it just so"
    assert (story_at(read, FERRY_AT_TWO), story_at(read, BRIDGE_AT_ONE)) == (ferry, bridge)
    assert read.store.story_of(ferry) == ferry and read.store.story_of(bridge) == bridge, "neither leads to the other"
    assert regroup_changes(read) == ()


def test_why_tells_the_same_of_how_entries_joined_after_a_merge_was_undone(read: Newsroom) -> None:
    before = read.store.evidence(story_at(read, FERRY_AT_ONE))
    editor(read).merge(story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE))
    undo_last(read)
    assert read.store.evidence(story_at(read, FERRY_AT_ONE)) == before


@pytest.mark.parametrize(("title", "home"), [(FERRY, FERRY_AT_ONE), (BRIDGE, BRIDGE_AT_ONE)])
def test_an_entry_that_came_since_the_merge_goes_with_that_it_agreed_with(
    read: Newsroom, title: str, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", read.clock.now)
    kept = editor(read).merge(story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE))
    read.clock.time += 60
    read.serves(THREE, entry(title, url="https://three.example/new", at=START - HOUR / 3))
    read.poll("three")
    assert story_at(read, "https://three.example/new") == kept
    undo_last(read)
    assert story_at(read, "https://three.example/new") == story_at(read, home)
    published(read)
    assert sorted(read.titles()) == [FERRY, BRIDGE]


def test_after_a_merge_was_undone_new_entries_find_either_story(read: Newsroom) -> None:
    ferry, bridge = story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE)
    editor(read).merge(ferry, bridge)
    undo_last(read)
    read.serves(THREE, entry(BRIDGE, url="https://three.example/bridge", at=START - HOUR / 3))
    read.poll("three")
    assert story_at(read, "https://three.example/bridge") == bridge


def test_ids_that_led_to_a_story_lead_there_again(read: Newsroom) -> None:
    """A and B are one, then B's id leads to A; when A leads to C and that is undone, both are as before."""
    read.serves(THREE, entry("Harbour pilots end their strike", url="https://three.example/pilots"))
    read.poll("three")
    ferry, bridge, pilots = (story_at(read, url) for url in (FERRY_AT_ONE, BRIDGE_AT_ONE, "https://three.example/pilots"))
    first = editor(read).merge(bridge, pilots)
    second = editor(read).merge(ferry, first)
    assert {read.store.story_of(one) for one in (ferry, bridge, pilots)} == {second}
    with pytest.raises(UsageError, match="decision 2 merged the same entries later: undo that first"):
        editor(read).undo(1)
    editor(read).undo(2)
    assert read.store.story_of(ferry) == ferry
    assert read.store.story_of(bridge) == read.store.story_of(pilots) == first
    editor(read).undo(1)
    assert [read.store.story_of(one) for one in (ferry, bridge, pilots)] == [ferry, bridge, pilots]
    assert len(published(read)) == 3


def test_the_lead_before_a_merge_leads_again(newsroom: Newsroom) -> None:
    config = CONFIG.replace(f'{{id: two, url: "{TWO}"', f'{{id: two, url: "{TWO}", rank: 1')
    newsroom.configure(config.replace(f'{{id: one, url: "{ONE}"', f'{{id: one, url: "{ONE}", aggregator: true'))
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE))
    newsroom.serves(THREE, entry(FERRY, url="https://three.example/ferry", at=START - HOUR / 2))
    newsroom.serves(TWO, entry(BRIDGE, url="https://two.example/bridge"))
    newsroom.poll()
    before = published(newsroom)
    lead = stored(newsroom, FERRY_AT_ONE).lead
    assert lead == stored(newsroom, FERRY_AT_ONE).items[1].id
    editor(newsroom).merge(story_at(newsroom, FERRY_AT_ONE), story_at(newsroom, "https://two.example/bridge"))
    undo_last(newsroom)
    assert stored(newsroom, FERRY_AT_ONE).lead == lead
    assert {id: row["url"] for id, row in published(newsroom).items()} == {id: row["url"] for id, row in before.items()}


def test_backlog_that_was_in_a_feed_comes_back_to_it(newsroom: Newsroom) -> None:
    old = START - 90 * HOUR
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE, at=old), entry(BRIDGE, url=BRIDGE_AT_ONE, at=old + HOUR))
    newsroom.serves(TWO)
    newsroom.serves(THREE)
    newsroom.poll()
    before = published(newsroom)
    assert len(before) == 2 and all(story.old for story in newsroom.stories())
    editor(newsroom).merge(story_at(newsroom, FERRY_AT_ONE), story_at(newsroom, BRIDGE_AT_ONE))
    undo_last(newsroom)
    assert published(newsroom).keys() == before.keys()
    editor(newsroom).drop(FERRY_AT_ONE)
    assert len(published(newsroom)) == 1
    undo_last(newsroom)
    assert published(newsroom).keys() == before.keys()


def many(newsroom: Newsroom, count: int) -> list[str]:
    """Publishes so many stories that the oldest are archived. Returns their addresses, the oldest first."""
    newsroom.configure(CONFIG + "publish: {items: 10}\n")
    newsroom.serves(TWO)
    newsroom.serves(THREE)
    newsroom.serves(ONE)
    newsroom.poll()
    words = ("anchor", "beacon", "canal", "dredger", "estuary", "fjord", "gale", "harbour", "island", "jetty", "keel", "lagoon")
    titles = [f"{one} {two}" for one in words for two in words if one < two][:count]
    made = [
        entry(f"{title} {place}", url=f"https://one.example/{place}", at=START - (count - place) * 60.0)
        for place, title in enumerate(titles)
    ]
    newsroom.serves(ONE, *made)
    newsroom.poll("one")
    assert newsroom.store.pages(cast(Any, "all")), "a page was closed"
    return [row["url"] for row in made]


def test_an_archived_story_comes_back_to_its_archive_page_alone(newsroom: Newsroom) -> None:
    first, second, *_ = many(newsroom, 30)
    before, pages = published(newsroom), newsroom.store.pages(cast(Any, "all"))
    editor(newsroom).merge(story_at(newsroom, first), story_at(newsroom, second))
    archived = last(newsroom).traces.stories[1]
    assert archived in pages[0].stories
    undo_last(newsroom)
    assert published(newsroom).keys() == before.keys(), "the feed itself shows no entry of the archive again"
    assert [page.stories for page in newsroom.store.pages(cast(Any, "all"))] == [page.stories for page in pages]
    assert newsroom.store.members_of([archived])[archived] == {"all"}


def test_a_story_that_comes_back_enters_no_feed_that_had_not_shown_it(newsroom: Newsroom) -> None:
    first, second, *_ = many(newsroom, 30)
    newsroom.configure(CONFIG + "publish: {items: 10}\ntopics: [{slug: mine, title: Mine, query: 'source:one'}]\n")
    published(newsroom)
    editor(newsroom).merge(story_at(newsroom, first), story_at(newsroom, second))
    alias = last(newsroom).traces.stories[1]
    undo_last(newsroom)
    assert newsroom.store.members_of([alias])[alias] == {"all"}, "the topic began with the ten newest"


def test_a_merge_is_not_undone_while_all_entries_of_one_story_are_split_off(read: Newsroom) -> None:
    read.serves(THREE, entry("Harbour pilots end their strike", url="https://three.example/pilots"))
    read.poll("three")
    before = {story.id: len(story.items) for story in read.stories()}
    kept = editor(read).merge(story_at(read, BRIDGE_AT_ONE), story_at(read, "https://three.example/pilots"))
    editor(read).split(BRIDGE_AT_ONE)
    assert story_at(read, "https://three.example/pilots") == kept
    with pytest.raises(UsageError, match="nothing would be left"):
        editor(read).undo(1)
    editor(read).undo(2)
    editor(read).undo(1)
    assert {story.id: len(story.items) for story in read.stories()} == before


# --- split
def test_a_split_undone_joins_again_under_the_id_that_was_there(read: Newsroom) -> None:
    before, evidence = published(read), read.store.evidence(story_at(read, FERRY_AT_ONE))
    ferry = story_at(read, FERRY_AT_ONE)
    alone = editor(read).split(FERRY_AT_ONE)
    assert len(published(read)) == 3
    undo_last(read)
    after = published(read)
    assert after.keys() == before.keys()
    assert after[f"urn:uuid:{ferry}"]["url"] == before[f"urn:uuid:{ferry}"]["url"], "what led leads again"
    assert read.store.story_of(alone) == ferry, "who kept the address of the other page is led there"
    assert read.store.evidence(ferry) == evidence
    assert regroup_changes(read) == ()


def test_a_split_that_a_later_merge_took_back_is_not_undone_before_that(read: Newsroom) -> None:
    alone = editor(read).split(FERRY_AT_TWO)
    editor(read).merge(alone, story_at(read, BRIDGE_AT_ONE))
    with pytest.raises(UsageError, match="undo that first"):
        editor(read).undo(1)
    editor(read).undo(2)
    editor(read).undo(1)
    assert [item.source for item in stored(read, FERRY_AT_ONE).items] == ["one", "two"]
    assert [item.source for item in stored(read, BRIDGE_AT_ONE).items] == ["one"]


# --- drop
def test_a_drop_undone_brings_the_story_back_with_what_came_meanwhile(read: Newsroom) -> None:
    before = published(read)
    ferry = story_at(read, FERRY_AT_ONE)
    editor(read).drop(FERRY_AT_ONE)
    assert published(read).keys() == before.keys() - {f"urn:uuid:{ferry}"}
    with pytest.raises(UsageError, match="taken down by hand"):
        editor(read).drop(FERRY_AT_ONE)
    read.serves(THREE, entry(FERRY, url="https://three.example/ferry", at=START - HOUR / 3))
    read.poll("three")
    undo_last(read)
    after = published(read)
    assert after.keys() == before.keys()
    assert len(stored(read, FERRY_AT_ONE).items) == 3


def test_what_is_dropped_between_two_publications_leaves_the_archive_though_another_drop_was_undone(newsroom: Newsroom) -> None:
    first, second, *_ = many(newsroom, 30)
    gone = story_at(newsroom, second)
    editor(newsroom).drop(first)
    published(newsroom)
    undo_last(newsroom)
    editor(newsroom).drop(second)
    published(newsroom)
    assert gone not in newsroom.store.pages(cast(Any, "all"))[0].stories


# --- addresses of others
SLUR = "Everybody there is a thief and a liar"


@pytest.mark.parametrize("outlets", [1, 2])
def test_a_drop_binds_the_outlets_that_told_the_story(newsroom: Newsroom, outlets: int) -> None:
    """Two outlets make it an event, two sources of one outlet don't."""
    newsroom.configure(
        CONFIG
        if outlets == 2
        else CONFIG.replace('json"}', 'json", outlet: Press}').replace('json", outlet: Press}', 'json"}', 1)
    )
    newsroom.serves(ONE, entry(BRIDGE, url=BRIDGE_AT_ONE))
    newsroom.serves(TWO, entry(FERRY, url=FERRY_AT_TWO))
    newsroom.serves(THREE, entry(FERRY, url="https://three.example/ferry"))
    newsroom.poll()
    editor(newsroom).drop(FERRY_AT_TWO)
    newsroom.serves(ONE, entry(BRIDGE, url=BRIDGE_AT_ONE), entry(FERRY, url=FERRY_AT_ONE))
    newsroom.serves(THREE, entry(FERRY, id="again", url="https://three.example/again"))
    newsroom.poll("three")
    assert newsroom.titles() == [BRIDGE]
    newsroom.poll("one")
    assert sorted(newsroom.titles()) == ([BRIDGE] if outlets == 2 else [FERRY, BRIDGE])


def told_at_ones_address(newsroom: Newsroom) -> dict[str, Any]:
    """What the third source tells under the address of the first one."""
    newsroom.serves(ONE, entry("Old news of the first", url="https://one.example/old", at=START - 2 * HOUR))
    newsroom.serves(TWO, entry("Other news of the second", url="https://two.example/old", at=START - 2 * HOUR))
    newsroom.serves(THREE, entry("Markets close a little higher", url="https://three.example/old", at=START - 2 * HOUR))
    newsroom.configure(CONFIG)
    newsroom.poll()
    return entry(SLUR, url=FERRY_AT_ONE, text="They take what they can get, and nobody stops them. Shame on all.")


def test_a_dropped_link_to_a_page_keeps_its_own_report_in(newsroom: Newsroom) -> None:
    slur = told_at_ones_address(newsroom)
    newsroom.serves(THREE, slur)
    newsroom.poll("three")
    assert editor(newsroom).drop(FERRY_AT_ONE) == SLUR
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE))
    newsroom.poll("one")
    newsroom.serves(THREE, slur | {"content_text": slur["content_text"] + " Again."}, slur | {"id": "again"})
    newsroom.poll("three")
    titles = newsroom.titles()
    assert FERRY in titles and SLUR not in titles
    assert editor(newsroom).drop(FERRY_AT_ONE) == FERRY, "of the two stories at the address one is down already"


def test_the_own_address_of_what_was_dropped_stays_away(newsroom: Newsroom) -> None:
    slur = told_at_ones_address(newsroom) | {"url": "https://three.example/slur"}
    newsroom.serves(THREE, slur)
    newsroom.poll("three")
    editor(newsroom).drop("https://three.example/slur")
    newsroom.serves(THREE, slur | {"id": "again", "title": "Another headline for it", "content_text": "Words unlike those."})
    newsroom.poll("three")
    assert "Another headline for it" not in newsroom.titles()


def test_an_address_in_two_stories_is_refused_with_both(read: Newsroom) -> None:
    read.serves(THREE, entry(SLUR, url=FERRY_AT_ONE, text="They take what they can get, and nobody stops them. Shame on all."))
    read.poll("three")
    ferry, slur = (next(story for story in read.stories() if story.title == title) for title in (FERRY, SLUR))
    bridge = story_at(read, BRIDGE_AT_ONE)
    merging = cast(Any, SimpleNamespace(store=read.store))
    for name_it in (
        lambda: editor(read).drop(FERRY_AT_ONE),
        lambda: editor(read).title(FERRY_AT_ONE, "Another headline"),
        lambda: editor(read).split(FERRY_AT_ONE),
        lambda: editor(read).pin(FERRY_AT_ONE),
        lambda: editor(read).merge(Application.story_id(merging, FERRY_AT_ONE), bridge),
    ):
        with pytest.raises(UsageError) as refused:
            name_it()
        for story in (ferry, slur):
            assert f"{story.id}  {story.title}" in str(refused.value)
    assert not read.store.decisions()
    assert editor(read).pin(FERRY_AT_ONE, slur.id[:6]) == SLUR, "six characters of an id are enough"
    assert editor(read).split(FERRY_AT_ONE, ferry.id[:6]) != ferry.id
    assert Application.story_id(merging, bridge[:6]) == bridge
    assert editor(read).drop(slur.id[:6]) == SLUR
    assert SLUR not in {row["title"] for row in published(read).values()}


def test_why_says_that_an_address_is_in_several_stories(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    read.serves(THREE, entry(SLUR, url=FERRY_AT_ONE, text="They take what they can get, and nobody stops them. Shame on all."))
    read.poll("three")
    ferry, slur = (next(story for story in read.stories() if story.title == title) for title in (FERRY, SLUR))
    for name in (FERRY_AT_ONE, ferry.id, BRIDGE_AT_ONE):
        stand_in = SimpleNamespace(store=read.store, rules=read.rules, settings=read.settings)
        said = CliRunner().invoke(why.command, [name], obj=stand_in).output
        assert ("this address is in 2 stories, of which this is the oldest" in said) == (name == FERRY_AT_ONE)
        assert (f"{slur.id}  {SLUR}" in said) == (name == FERRY_AT_ONE), name


def test_a_dropped_link_to_the_page_of_another_leaves_the_archive(newsroom: Newsroom) -> None:
    first, *_ = many(newsroom, 30)
    kept = story_at(newsroom, first)
    with newsroom.store.begin() as transaction:
        (story,) = transaction.stories([kept])
        transaction.save_story(replace(story, dropped=True))
        decision = transaction.add_decision("drop", START, Traces(stories=(kept,)))
        transaction.add_override(Override("drop", f"{story.items[0].source} {story.items[0].guid}", None, START, decision))
    published(newsroom)
    assert kept not in newsroom.store.pages(cast(Any, "all"))[0].stories


# --- what can't be undone
def test_a_decision_is_undone_once(read: Newsroom) -> None:
    editor(read).drop(FERRY_AT_ONE)
    undo_last(read)
    with pytest.raises(UsageError, match=r"was undone on .* already"):
        undo_last(read)
    with pytest.raises(UsageError, match="no decision 7"):
        editor(read).undo(7)
    assert len(published(read)) == 2


def test_a_decision_of_an_older_release_is_listed_and_says_what_to_do(read: Newsroom) -> None:
    ferry = stored(read, FERRY_AT_ONE)
    with read.store.begin() as transaction:
        transaction.add_decision("merge", START, Traces(entries=(f"one {ferry.items[0].guid}",)))
        transaction.add_decision("thread", START, Traces())
    old, newer = read.store.decisions()
    assert decision_row(old, read.store)["title"] == FERRY
    with pytest.raises(UsageError, match=r"earlier release.*stories split"):
        editor(read).undo(old.id)
    with pytest.raises(UsageError, match="newer release"):
        editor(read).undo(newer.id)


def test_a_drop_of_an_older_release_can_be_undone(read: Newsroom) -> None:
    story = stored(read, FERRY_AT_ONE)
    before = published(read)
    with read.store.begin() as transaction:
        decision = transaction.add_decision("drop", START, Traces(entries=tuple(item.canonical or "" for item in story.items)))
        for item in story.items:
            transaction.add_override(Override("drop", item.canonical or "", None, START, decision))
        transaction.save_story(replace(story, dropped=True))
        read.curator().refresh(transaction, [story.id])
    assert published(read).keys() == before.keys() - {f"urn:uuid:{story.id}"}
    assert decision_row(last(read), read.store)["title"] == FERRY
    undo_last(read)
    assert published(read) == before


def test_what_was_undone_while_a_poll_was_under_way_binds_nothing(read: Newsroom) -> None:
    editor(read).pin(FERRY_AT_TWO)
    (bound,) = read.store.overrides()
    undo_last(read)
    with read.store.begin() as transaction:
        transaction.add_override(replace(bound, a="two other"))
    assert read.store.overrides() == []


def test_a_decision_outlives_the_entries(read: Newsroom) -> None:
    ferry, bridge = story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE)
    editor(read).merge(ferry, bridge)
    published(read)
    for url in (ONE, TWO):
        read.serves(url)
    read.poll()
    read.clock.time += 365 * 24 * HOUR
    assert cast(Any, read.store).sweep(Keep(90 * 24 * HOUR, {SourceId("one"): 0.0}), read.clock.now()).stories >= 0
    undo_last(read)
    assert last(read).undone is not None
    assert read.store.story_of(bridge) == bridge, "its id is its own again"


def test_a_decision_that_outlived_a_change_of_guids_is_undone_whole(read: Newsroom) -> None:
    editor(read).merge(story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE))
    editor(read).split(FERRY_AT_TWO)
    editor(read).drop(FERRY_AT_TWO)
    read.serves(ONE, entry(FERRY, id="new", url=FERRY_AT_ONE), entry(BRIDGE, id="newer", url=BRIDGE_AT_ONE))
    read.serves(TWO, entry(FERRY, id="newest", url=FERRY_AT_TWO, at=START - HOUR / 2))
    read.poll()
    assert len(read.store.overrides()) > 4
    for id in (3, 2, 1):
        editor(read).undo(id)
    assert read.store.overrides() == []
    assert [item.guid for item in stored(read, FERRY_AT_ONE).items] == ["new", "newest"]
    assert regroup_changes(read) == ()


# --- pin
def test_a_pinned_entry_leads_whatever_comes(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace(f'{{id: three, url: "{THREE}"', f'{{id: three, url: "{THREE}", rank: 1'))
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE))
    newsroom.serves(TWO, entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2, text="Boats sail again from noon on."))
    newsroom.serves(THREE)
    newsroom.poll()
    (before,) = published(newsroom).values()
    assert before["url"] == FERRY_AT_ONE
    assert editor(newsroom).pin(FERRY_AT_TWO) == FERRY
    (after,) = published(newsroom).values()
    assert (after["id"], after["url"]) == (before["id"], FERRY_AT_TWO)
    assert after["date_modified"] > before["date_modified"], "readers are told that it changed"
    newsroom.serves(THREE, entry(FERRY, url="https://three.example/ferry", at=START - HOUR / 3))
    newsroom.poll("three")
    again = entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2, text="Boats sail again from one on.")
    newsroom.serves(TWO, again)
    newsroom.poll("two")
    assert regroup_changes(newsroom) == ()
    (row,) = published(newsroom).values()
    assert (row["url"], len(stored(newsroom, FERRY_AT_ONE).items)) == (FERRY_AT_TWO, 3)
    undo_last(newsroom)
    (row,) = published(newsroom).values()
    assert row["url"] == "https://three.example/ferry", "the better rank leads as soon as it may"


@pytest.mark.parametrize("first", [1, 2])
def test_undone_pins_give_the_lead_back_to_what_led_before_them(read: Newsroom, first: int) -> None:
    read.serves(THREE, entry(FERRY, url="https://three.example/ferry", at=START - HOUR / 3))
    read.poll("three")
    editor(read).pin(FERRY_AT_TWO)
    editor(read).pin("https://three.example/ferry")
    assert stored(read, FERRY_AT_ONE).lead_item.source == "three"
    with pytest.raises(UsageError, match="pinned already"):
        editor(read).pin("https://three.example/ferry")
    editor(read).undo(first)
    binding = {1: "three", 2: "two"}
    assert stored(read, FERRY_AT_ONE).lead_item.source == binding[first], "the other pin binds"
    editor(read).undo(3 - first)
    assert stored(read, FERRY_AT_ONE).lead_item.source == "one"


def test_a_pin_goes_with_its_entry(read: Newsroom) -> None:
    editor(read).pin(FERRY_AT_TWO)
    kept = editor(read).merge(story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE))
    assert read.store.stories([kept])[0].lead_item.entry.url == FERRY_AT_TWO
    editor(read).split(FERRY_AT_TWO)
    assert stored(read, FERRY_AT_ONE).lead_reason != stored(read, FERRY_AT_TWO).lead_reason == "pinned by a person"


def test_the_last_pin_binds_though_an_earlier_one_was_carried_over_to_a_new_guid(read: Newsroom) -> None:
    editor(read).pin(FERRY_AT_TWO)
    editor(read).pin(FERRY_AT_ONE)
    read.serves(TWO, entry(FERRY, id="newer", url=FERRY_AT_TWO, at=START - HOUR / 2, text="Edited."))
    read.poll("two")
    story = stored(read, FERRY_AT_ONE)
    assert (story.items[1].guid, story.lead_item.source) == ("newer", "one")


def test_an_undone_correction_leaves_the_story_that_its_entry_is_in_by_then(read: Newsroom) -> None:
    editor(read).pin(FERRY_AT_TWO)
    editor(read).title(FERRY_AT_TWO, "Ferries are back")
    alone = editor(read).split(FERRY_AT_TWO)
    editor(read).merge(alone, story_at(read, BRIDGE_AT_ONE))
    story = stored(read, BRIDGE_AT_ONE)
    assert (story.lead_item.entry.url, story.title) == (FERRY_AT_TWO, "Ferries are back")
    editor(read).undo(1)
    editor(read).undo(2)
    story = stored(read, BRIDGE_AT_ONE)
    assert (story.lead_item.entry.url, story.title) == (BRIDGE_AT_ONE, BRIDGE)


def test_what_is_not_stored_can_not_be_pinned_and_the_nearest_is_told(read: Newsroom) -> None:
    with pytest.raises(UsageError, match=r"no entry .* did you mean https://two\.example/ferry\?"):
        editor(read).pin("https://two.example/fery")
    with pytest.raises(UsageError, match=r"did you mean https://two\.example/ferry\?"):
        editor(read).pin("https://twoo.example/ferry")
    with pytest.raises(UsageError, match=r"no story .* did you mean"):
        editor(read).title("https://one.example/bridges", "Mayor opens a bridge")
    with pytest.raises(UsageError) as raised:
        editor(read).pin("nonsense")
    assert "did you mean" not in str(raised.value)
    with pytest.raises(UsageError, match="name one of its entries"):
        editor(read).pin(story_at(read, FERRY_AT_ONE))
    editor(read).drop(FERRY_AT_ONE)
    for refused in (editor(read).pin, editor(read).split):
        with pytest.raises(UsageError, match="taken down"):
            refused(FERRY_AT_ONE)


# --- title
SOBER = "Ferries sail to the islands again"


def test_a_corrected_headline_is_shown_and_found_and_groups_nothing(newsroom: Newsroom) -> None:
    topics = "topics: [{slug: sail, title: Sailing, query: 'title:sail'}, {slug: storm, title: Storm, query: 'title:storm'}]\n"
    newsroom.configure(CONFIG + topics)
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE, text="Boats go from noon on."))
    newsroom.serves(TWO)
    newsroom.serves(THREE)
    newsroom.poll()
    (before,) = published(newsroom).values()
    assert editor(newsroom).title(FERRY_AT_ONE, f"  {SOBER}  ") == FERRY
    (after,) = published(newsroom).values()
    assert (after["id"], after["title"]) == (before["id"], SOBER)
    assert after["date_modified"] > before["date_modified"]
    for document in ("feeds/all.atom", "feeds/all.rss", "topics/all.html", "index.html"):
        text = (newsroom.settings.publish.directory / document).read_text()
        assert SOBER in text and FERRY not in text
    assert [one["title"] for one in after["_aggregator"]["outlets"]] == [FERRY], "its outlet did not write the other one"
    page = (newsroom.settings.publish.directory / f"stories/{story_at(newsroom, FERRY_AT_ONE)}.html").read_text()
    assert FERRY in page.partition("1 report, 1 outlet")[2] and FERRY not in page.partition("1 report")[0]
    story = stored(newsroom, FERRY_AT_ONE)
    assert as_mapping(story)["title"] == SOBER
    assert as_mapping(story)["items"][0]["title"] == FERRY, "what the outlet said stays what it said"
    assert newsroom.titles("sail") == [SOBER] and newsroom.titles("storm") == []
    for words, found in (("title:sail", 1), ("islands ferries", 1), ("title:storm", 0)):
        assert len(list(find_matches(newsroom.store, Query(words), None, START))) == found
    newsroom.serves(TWO, entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2))
    newsroom.poll("two")
    assert story_at(newsroom, FERRY_AT_TWO) == story.id
    assert regroup_changes(newsroom) == ()
    assert newsroom.titles() == [SOBER]
    undo_last(newsroom)
    assert [row["title"] for row in published(newsroom).values()] == [FERRY]
    assert newsroom.titles("sail") == [] and newsroom.titles("storm") == [FERRY]


def test_a_correction_outlives_edits_reloads_and_a_change_of_guids(read: Newsroom) -> None:
    editor(read).title(FERRY_AT_ONE, SOBER)
    editor(read).pin(FERRY_AT_TWO)
    edited = entry(f"{FERRY}!", id="other", url=FERRY_AT_ONE, text="Edited by its desk.")
    read.serves(ONE, edited, entry(BRIDGE, url=BRIDGE_AT_ONE))
    read.serves(TWO, entry(FERRY, id="changed", url=FERRY_AT_TWO, at=START - HOUR / 2))
    read.poll()
    read.configure(CONFIG + "topics: [{slug: sail, title: Sailing, query: 'title:sail'}]\n")
    published(read)
    assert SOBER in read.titles() and read.titles("sail") == [SOBER], "also of a topic that came later"
    assert stored(read, FERRY_AT_ONE).items[0].guid == "other"
    assert stored(read, FERRY_AT_ONE).lead_item.guid == "changed"
    editor(read).undo(1)
    editor(read).undo(2)
    assert stored(read, FERRY_AT_ONE).headline is None
    assert stored(read, FERRY_AT_ONE).lead_reason != "pinned by a person", "what was carried over to the new guid is undone, too"


PORT_TEXT = (
    "The ferry line to the islands of Arvo and Skerry reopens on Friday, a week after the storm, said the harbour master in "
    "Lindholm. Nine hundred people take it each day; some of them slept in the gymnasium of a school while seven metres of water "
    "closed the port."
)
LOANS, LOANS_TEXT = (
    "Cheap loans for all, today alone",
    "Borrow what you need at one percent, without papers and without questions. Send your account number before midnight, and "
    "our lawyers wire the money at once. Thousands of happy customers can't be wrong: click on the green button, it is free.",
)


def titled(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, *steps: tuple[str, str], by_two: bool = False) -> None:
    """A person's headline, and then edits of the entry that it was written for."""
    monkeypatch.setattr("time.time", newsroom.clock.now)
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry(FERRY, id="ferry", url=FERRY_AT_ONE, text=PORT_TEXT))
    newsroom.serves(TWO, *([entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2, text=PORT_TEXT)] if by_two else []))
    newsroom.serves(THREE)
    newsroom.poll()
    editor(newsroom).title(FERRY_AT_ONE, SOBER)
    for title, text in steps:
        newsroom.clock.time += HOUR
        newsroom.serves(ONE, entry(title, id="ferry", url=FERRY_AT_ONE, text=text))
        newsroom.poll("one")


@pytest.mark.parametrize(
    "steps",
    [
        [(LOANS, LOANS_TEXT)],
        [(FERRY, LOANS_TEXT)],
        [(LOANS, PORT_TEXT)],
        [(FERRY, f"{LOANS_TEXT[:180]} {PORT_TEXT[:150]}"), (FERRY, f"{LOANS_TEXT} {PORT_TEXT[:70]}"), (LOANS, LOANS_TEXT)],
    ],
    ids=["all", "the text", "the title", "step by step"],
)
def test_a_headline_stands_over_no_other_news_than_it_was_written_for(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, str]]
) -> None:
    titled(newsroom, monkeypatch, *steps)
    assert list(newsroom.titles()) == [steps[-1][0]]
    told = decision_row(last(newsroom), newsroom.store)["did"]
    assert "lapsed 2023-06-15 1" in told and told.endswith(
        "its entry was edited into other news, which stands under its own headline"
    )
    editor(newsroom).title(FERRY_AT_ONE, "A better one")
    newsroom.poll()
    assert newsroom.titles() == ["A better one"], "a person may say so again"
    undo_last(newsroom)
    undo_last_but_one = newsroom.store.decisions()[-2]
    editor(newsroom).undo(undo_last_but_one.id)
    assert stored(newsroom, FERRY_AT_ONE).title == steps[-1][0]


@pytest.mark.parametrize(
    "edit",
    [
        (FERRY.replace("reopens", "to reopen"), PORT_TEXT.replace("Friday", "Monday").replace("Nine", "Eight")),
        (FERRY, f"{PORT_TEXT} A wedding on Skerry was put off, the grocer said, and a doctor came by helicopter with medicine."),
    ],
    ids=["other facts", "more of it"],
)
def test_a_headline_stays_when_its_entry_is_brought_up_to_date(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str]
) -> None:
    titled(newsroom, monkeypatch, edit)
    assert newsroom.titles() == [SOBER]
    assert "lapsed" not in decision_row(last(newsroom), newsroom.store)["did"]


def test_a_headline_stays_over_the_reports_of_others_when_its_entry_goes_astray(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    titled(newsroom, monkeypatch, (LOANS, LOANS_TEXT), by_two=True)
    assert [(row["title"], row["url"]) for row in newsroom.feed()] == [(SOBER, FERRY_AT_TWO)]


def test_a_headline_stays_over_another_lead_whatever_its_entry_says(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", newsroom.clock.now)
    newsroom.configure(CONFIG.replace(f'{{id: two, url: "{TWO}"', f'{{id: two, url: "{TWO}", rank: 1'))
    newsroom.serves(ONE, entry(FERRY, id="ferry", url=FERRY_AT_ONE, text="More soon."))
    newsroom.serves(TWO, entry(FERRY, url=FERRY_AT_TWO, text=PORT_TEXT))
    newsroom.serves(THREE)
    newsroom.poll()
    editor(newsroom).title(FERRY_AT_ONE, SOBER)
    newsroom.serves(ONE, entry("Nine hundred people and the gymnasium of a school", id="ferry", url=FERRY_AT_ONE, text=PORT_TEXT))
    newsroom.poll("one")
    assert [(row["title"], row["url"]) for row in newsroom.feed()] == [(SOBER, FERRY_AT_TWO)]


def test_a_headline_lapses_though_its_entry_is_pinned_if_that_becomes_other_news(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    titled(newsroom, monkeypatch, by_two=True)
    editor(newsroom).pin(FERRY_AT_ONE)
    newsroom.serves(ONE, entry(LOANS, id="ferry", url=FERRY_AT_ONE, text=LOANS_TEXT))
    newsroom.poll("one")
    assert [(row["title"], row["url"]) for row in newsroom.feed()] == [(LOANS, FERRY_AT_ONE)]


def test_a_topic_that_comes_later_reads_the_headline_in_place_of_the_pinned_leads_title(newsroom: Newsroom) -> None:
    config = CONFIG.replace(f'{{id: one, url: "{ONE}"', f'{{id: one, url: "{ONE}", rank: 1')
    newsroom.configure(config)
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE))
    newsroom.serves(TWO, entry(BRIDGE, url="https://two.example/bridge", text="Ships hoot."))
    newsroom.serves(THREE)
    newsroom.poll()
    editor(newsroom).merge(story_at(newsroom, FERRY_AT_ONE), story_at(newsroom, "https://two.example/bridge"))
    editor(newsroom).pin("https://two.example/bridge")
    editor(newsroom).title("https://two.example/bridge", SOBER)
    topics = "topics: [{slug: storm, title: Storm, query: 'title:storm'}, {slug: mayor, title: Mayor, query: 'title:mayor'}]\n"
    newsroom.configure(config + topics)
    published(newsroom)
    assert (newsroom.titles("storm"), newsroom.titles("mayor")) == ([SOBER], [])


def test_a_source_renamed_keeps_its_corrections(read: Newsroom) -> None:
    editor(read).title(FERRY_AT_ONE, "one ferry sails again")
    read.configure(CONFIG.replace("id: one", "id: first"))
    read.serves(ONE, entry(FERRY, url=FERRY_AT_ONE, text="Edited."), entry(BRIDGE, url=BRIDGE_AT_ONE))
    read.poll()
    assert "one ferry sails again" in read.titles(), "neither lost, nor taken for the name of an entry"


def test_a_later_headline_replaces_an_earlier_one_until_it_is_undone(read: Newsroom) -> None:
    editor(read).title(FERRY_AT_ONE, SOBER)
    editor(read).title(story_at(read, FERRY_AT_ONE), "Ferries are back")
    with pytest.raises(UsageError, match="headline already"):
        editor(read).title(FERRY_AT_ONE, "Ferries are back")
    assert stored(read, FERRY_AT_ONE).title == "Ferries are back"
    undo_last(read)
    assert stored(read, FERRY_AT_ONE).title == SOBER


@pytest.mark.parametrize(
    ("headline", "why"),
    [
        ("", "empty"),
        (" \u00a0 ", "empty"),
        ("Ferries <b>again</b>", "markup"),
        ("Ferries <script", "markup"),
        ("Ferries &amp; boats", "markup"),
        ("Ferries <!-- again", "markup"),
        ("Ferries\nagain", "line break"),
        ("Ferries\tagain", "line break"),
        ("Ferries \x1b[31magain", "can't be printed"),
        ("Ferries \u202eagain", "can't be printed"),
        ("Ferries \udcff again", "can't be printed"),
        ("F" * 10_000, "10,000 characters"),
    ],
)
def test_what_is_no_headline_is_refused(read: Newsroom, headline: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        editor(read).title(FERRY_AT_ONE, headline)
    assert read.store.decisions() == [] and stored(read, FERRY_AT_ONE).title == FERRY


@pytest.mark.parametrize("headline", ["Q&A: what if a < b?", "Ferries 🛳\ufe0f again", "فیلم\u200cها", "S&P 500 > 5,000; AT&T"])
def test_signs_that_are_no_markup_may_stand_in_a_headline(read: Newsroom, headline: str) -> None:
    editor(read).title(FERRY_AT_ONE, headline)
    published(read)
    assert headline in read.titles()


# --- seen
def test_decisions_are_listed_with_what_they_did_and_why_tells_those_that_bind(read: Newsroom) -> None:
    ferry, bridge = story_at(read, FERRY_AT_ONE), story_at(read, BRIDGE_AT_ONE)
    kept = editor(read).merge(ferry, bridge)
    alone = editor(read).split(FERRY_AT_TWO)
    editor(read).pin(BRIDGE_AT_ONE)
    editor(read).title(FERRY_AT_ONE, SOBER)
    editor(read).drop(FERRY_AT_TWO)
    undo_last(read)
    rows = [decision_row(one, read.store) for one in read.store.decisions()]
    assert [(row["id"], row["kind"]) for row in rows] == list(enumerate(("merge", "split", "pin", "title", "drop"), start=1))
    other = {ferry, bridge} - {kept}
    assert rows[0]["did"].startswith(other.pop()) and rows[0]["did"].endswith(kept)
    assert rows[1]["did"] == f"1 entry of {kept} became {alone}"
    assert rows[3]["did"].endswith(SOBER)
    assert [row["undone"] is None for row in rows] == [True, True, True, True, False]
    assert "; undone 20" in decision_line(rows[4])
    report = explain_story(cast(Application, read), stored(read, FERRY_AT_ONE))
    text = "\n".join(lines(report))
    assert [row["id"] for row in report["decisions"]] == [1, 2, 3, 4]
    assert f"headline corrected by hand; the lead's own: {BRIDGE}" in text
    assert "(pinned by a person)" in text
    told = explain_story(cast(Application, read), stored(read, FERRY_AT_TWO))
    assert [row["id"] for row in told["decisions"]] == [2], "the drop was undone"


def regroup_changes(newsroom: Newsroom) -> tuple[regroup.Change, ...]:
    """What `plan --dedup --apply` would do: nothing, if stories are as grouping and a person have them."""
    engine = Engine(newsroom.settings.dedup)
    return regroup.plan(newsroom.store, newsroom.settings, newsroom.rules, engine, START - 24 * HOUR).changes


def test_regrouping_leaves_pins_and_headlines(newsroom: Newsroom) -> None:
    apart = CONFIG.replace('"}', '", dedup: false}')
    newsroom.configure(apart)
    newsroom.serves(ONE, entry(FERRY, url=FERRY_AT_ONE))
    newsroom.serves(TWO, entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2))
    newsroom.serves(THREE)
    newsroom.poll()
    editor(newsroom).pin(FERRY_AT_TWO)
    editor(newsroom).title(FERRY_AT_TWO, SOBER)
    newsroom.configure(CONFIG)
    engine = Engine(newsroom.settings.dedup)
    plan = regroup.plan(newsroom.store, newsroom.settings, newsroom.rules, engine, START - 24 * HOUR)
    assert len(plan.changes) == 1
    regroup.apply(newsroom.store, newsroom.settings, newsroom.rules, engine, plan, newsroom.clock.now())
    story = stored(newsroom, FERRY_AT_ONE)
    assert (len(story.items), story.lead_item.entry.url, story.title) == (2, FERRY_AT_TWO, SOBER)


def test_an_entry_that_retention_took_and_its_feed_sends_again_is_pinned_and_titled_still(read: Newsroom) -> None:
    editor(read).pin(FERRY_AT_TWO)
    editor(read).title(FERRY_AT_TWO, SOBER)
    read.serves(ONE, entry(BRIDGE, url=BRIDGE_AT_ONE))
    read.serves(TWO)
    read.poll()
    store = cast(Any, read.store)
    with read.store.begin() as transaction:
        transaction.clear(cast(Any, "all"))
    assert store.sweep(Keep(HOUR, {}), read.clock.now() + 9 * HOUR).stories == 1
    assert read.store.story_of(FERRY_AT_TWO) is None
    read.serves(TWO, entry(FERRY, url=FERRY_AT_TWO, at=START - HOUR / 2))
    read.serves(ONE, entry(BRIDGE, url=BRIDGE_AT_ONE), entry(FERRY, url=FERRY_AT_ONE))
    read.poll()
    assert (stored(read, FERRY_AT_TWO).title, stored(read, FERRY_AT_TWO).lead_reason) == (SOBER, "pinned by a person")


def test_item_ids_in_traces_are_numbers_again(read: Newsroom) -> None:
    editor(read).pin(FERRY_AT_TWO)
    (lead,) = last(read).traces.leads.values()
    assert lead == stored(read, FERRY_AT_ONE).items[0].id
    assert isinstance(lead, int) and ItemId(lead)
