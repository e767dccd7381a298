"""What an editor sees of decisions by hand: they survive the outlets' edits, and feeds follow at once."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from aggregator.commands import stories
from aggregator.commands.application import Application
from aggregator.commands.why import explain_story
from aggregator.commands.why_lines import lines
from aggregator.model import Story
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.upkeep.adopt_config import definition, fill, fingerprints
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

ONE, TWO, SIX = "https://one.example/feed.json", "https://two.example/feed.json", "https://six.example/feed.json"
CONFIG = f"""
sources:
  - {{id: one, url: "{ONE}"}}
  - {{id: two, url: "{TWO}"}}
  - {{id: six, url: "{SIX}"}}
outputs: [{{slug: several, title: Several, query: "outlets>=2"}}]
"""
STORM, ENGINES = "Storm closes the northern ports", "Engine maker lays off nine hundred workers"
STORM_TEXT = "Waves of six metres kept all boats in harbour on Thursday, and the coast guard warned of more wind at night."
ENGINES_TEXT = "The plant at Velby builds turbines since 1921. Unions called the decision a betrayal and announced a strike."


@pytest.fixture
def read(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, storm())
    newsroom.serves(TWO, engines())
    newsroom.serves(SIX)
    newsroom.poll()
    return newsroom


def storm(text: str = STORM_TEXT, **more: Any) -> dict[str, Any]:
    return entry(STORM, url="https://one.example/storm", text=text, at=START - 3 * HOUR, id="storm", **more)


def engines(text: str = ENGINES_TEXT, **more: Any) -> dict[str, Any]:
    return entry(ENGINES, url="https://two.example/engines", text=text, at=START - 2 * HOUR, id="engines", **more)


def editor(newsroom: Newsroom) -> StoryEditor:
    return StoryEditor(newsroom.store, newsroom.settings, newsroom.rules)


def story(newsroom: Newsroom, address: str = "https://one.example/storm") -> Story:
    found = newsroom.store.story(newsroom.store.story_of(address) or cast(Any, ""))
    assert found is not None
    return found


def merge(newsroom: Newsroom) -> Story:
    editor(newsroom).merge(story(newsroom).id, story(newsroom, "https://two.example/engines").id)
    newsroom.publisher.publish(None, newsroom.clock.now())
    return story(newsroom)


def told_alike(newsroom: Newsroom) -> None:
    """One story of two outlets, joined by grouping."""
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, storm())
    newsroom.serves(TWO, storm() | {"url": "https://two.example/storm"})
    newsroom.serves(SIX)
    newsroom.poll()
    assert story(newsroom).outlets == ("one.example", "two.example")


# --- edits of what a person put together
def test_a_story_merged_by_hand_stays_whole_when_its_outlets_edit_their_texts(read: Newsroom) -> None:
    merged = merge(read)
    read.serves(ONE, storm(STORM_TEXT.replace("Thursday", "Friday")))
    read.serves(TWO, engines(ENGINES_TEXT.replace("betrayal", "scandal")))
    read.poll()
    after = story(read)
    assert (after.lead, after.outlets) == (merged.lead, merged.outlets)
    assert len(after.outlets) == 2
    assert ENGINES in read.titles("several") or STORM in read.titles("several")


def test_an_edit_under_a_new_guid_leaves_a_merge_whole(read: Newsroom) -> None:
    merged = merge(read)
    read.serves(ONE, storm(STORM_TEXT.replace("Thursday", "Friday")) | {"id": "storm-again"})
    read.poll()
    assert story(read).outlets == merged.outlets
    read.serves(ONE, storm(STORM_TEXT.replace("Thursday", "Sunday")) | {"id": "storm-again"})
    read.poll()
    assert story(read).outlets == merged.outlets


def test_a_pinned_lead_stays_when_its_text_changes(newsroom: Newsroom) -> None:
    told_alike(newsroom)
    editor(newsroom).pin("https://two.example/storm")
    newsroom.serves(TWO, engines() | {"id": "storm", "url": "https://two.example/storm"})
    newsroom.poll()
    after = story(newsroom)
    assert after.lead_item.source == "two"
    assert "two.example" in after.outlets


def test_why_says_that_an_entry_went_astray(newsroom: Newsroom) -> None:
    told_alike(newsroom)
    newsroom.serves(TWO, engines() | {"id": "storm", "url": "https://two.example/storm"})
    newsroom.poll()
    newsroom.configure(CONFIG + "topics: [{slug: work, title: Work, query: unions}]\n")
    after = story(newsroom)
    assert after.outlets == ("one.example",)
    report = explain_story(cast(Application, newsroom), after)
    assert [item["astray"] for item in report["items"]] == [False, True]
    text = "\n".join(lines(report))
    assert text.count("astray: its text tells something else") == 1
    assert "out  several: " in text
    assert "out  work: " in text and "matches" not in text, "its words are not the story's"


# --- feeds follow at once
def published_before(newsroom: Newsroom, hours: float) -> None:
    """Two stories of one outlet each, and a later one of both outlets, which the feed of several outlets shows."""
    newsroom.configure(CONFIG)
    newsroom.serves(ONE)
    newsroom.serves(TWO)
    newsroom.serves(SIX, entry("Bees return to the airfield", url="https://six.example/bees", at=START - HOUR))
    newsroom.poll()
    newsroom.serves(ONE, storm())
    newsroom.serves(TWO, engines())
    newsroom.poll()
    newsroom.clock.time += hours * HOUR
    late = entry("Queen visits the lighthouse", url="https://one.example/queen", at=newsroom.clock.time)
    newsroom.serves(ONE, storm(), late)
    newsroom.serves(TWO, engines(), late | {"url": "https://two.example/queen"})
    newsroom.poll()
    assert newsroom.titles("several") == ["Queen visits the lighthouse"]


def at(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", newsroom.clock.now)


def test_a_merge_by_hand_brings_a_story_into_a_feed_as_a_joining_report_does(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    published_before(newsroom, hours=20)
    at(newsroom, monkeypatch)
    merged = merge(newsroom)
    assert sorted(newsroom.titles("several")) == sorted(["Queen visits the lighthouse", merged.title])


def test_a_merge_says_which_feeds_show_nothing_so_old(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    published_before(newsroom, hours=100)
    at(newsroom, monkeypatch)
    said = run(newsroom, "merge", "https://one.example/storm", "https://two.example/engines")
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("several") == ["Queen visits the lighthouse"]
    assert f"one story now: {story(newsroom).title}  (2 entries; " in said
    assert "it matches the feed several, but is older than what that shows: `aggregator topics fill several`" in said
    newsroom.configure(CONFIG + "topics: [{slug: bees, title: Bees, query: bees}]\n")
    newsroom.configure(CONFIG + "topics: [{slug: bees, title: Bees, query: bees OR honey}]\n")
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("several") == ["Queen visits the lighthouse"], "an edit of another topic lets nothing in"
    back = run(newsroom, "undo", "1")
    for address in ("https://one.example/storm", "https://two.example/engines"):
        assert str(story(newsroom, address).id) in back


def run(newsroom: Newsroom, *arguments: str) -> str:
    """What a command under `stories` prints."""
    stand_in = SimpleNamespace(
        store=newsroom.store,
        rules=newsroom.rules,
        settings=newsroom.settings,
        story_editor=editor(newsroom),
        story_id=newsroom.store.story_of,
    )
    result = CliRunner().invoke(stories.command, arguments, obj=stand_in)
    assert result.exit_code == 0, result.output
    return result.output


def test_an_edited_topic_leaves_other_feeds_alone_but_not_those_that_ask_for_it(newsroom: Newsroom) -> None:
    def edited(harbour: str) -> set[str]:
        before = {slug: state.revision for slug, state in newsroom.store.outputs().items()}
        newsroom.configure(
            f"sources: [{{id: one, url: '{ONE}'}}]\ntags: {{sea: {harbour}, wet: 'tag:sea OR rain'}}\n"
            "topics: [{slug: ports, title: P, query: 'tag:wet'}, {slug: bees, title: B, query: bees}]\n"
            "outputs: [{slug: both, title: Both, query: 'topic:ports OR topic:bees'}, {slug: free, title: F, query: storm}]\n"
        )
        after = newsroom.store.outputs()
        return {slug for slug in before if after[slug].revision != before[slug]}

    edited("harbour")
    assert edited("harbour OR port") == {"ports", "both"}
    assert edited("harbour OR port") == set()


def test_an_upgrade_alone_is_no_edit_of_any_feed(read: Newsroom) -> None:
    """Earlier releases counted all rules in for each feed."""
    current = fingerprints(read.settings).current
    with read.store.begin() as transaction:
        for output in read.settings.outputs:
            state = transaction.outputs()[output.slug]
            transaction.save_output(replace(state, definition=definition(output, current)))
    before = {slug: state.revision for slug, state in read.store.outputs().items()}
    read.configure(CONFIG)
    assert {slug: state.revision for slug, state in read.store.outputs().items()} == before
    read.configure(CONFIG.replace("outlets>=2", "outlets>=3"))
    after = read.store.outputs()
    assert {slug for slug in before if after[slug].revision != before[slug]} == {"several"}


def test_what_a_merge_named_can_be_let_in(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    published_before(newsroom, hours=100)
    at(newsroom, monkeypatch)
    merged = merge(newsroom)
    several = next(one for one in newsroom.settings.outputs if one.slug == "several")
    assert fill(newsroom.store, newsroom.rules, several, newsroom.clock.now()) == 1
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert sorted(newsroom.titles("several")) == sorted(["Queen visits the lighthouse", merged.title])
