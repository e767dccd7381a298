"""What an editor sees of decisions by hand: they survive the outlets' edits, and feeds follow at once."""

from __future__ import annotations

from typing import Any, cast

import pytest

from aggregator.commands.application import Application
from aggregator.commands.why import explain_story, lines
from aggregator.model import Story
from aggregator.stories.edit import StoryEditor
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
    after = story(newsroom)
    assert after.outlets == ("one.example",)
    report = explain_story(cast(Application, newsroom), after)
    assert [item["astray"] for item in report["items"]] == [False, True]
    text = "\n".join(lines(report))
    assert text.count("astray: its text tells something else") == 1
    assert "out  several: " in text
    assert "matches" not in text.partition("several: ")[2]
