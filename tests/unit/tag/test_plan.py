"""What `plan` says an edited config would change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.commands.plan import as_mapping, lines
from aggregator.commands.plan_edit import make
from aggregator.commands.plan_values import Plan
from aggregator.model import Evidence, Item, Slug, Source, SourceId
from aggregator.ports import Store, StoryFilter
from aggregator.settings import Output, Settings, TagRule, Topic
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.upkeep.adopt_config import adopt
from aggregator.tag.lookup import Lookup
from aggregator.tag.ordering import RuleName
from aggregator.tag.rules import compile_rules

from . import stories
from .stories import DAY, NOON

WEEK_AGO = NOON - 7 * DAY
LATER = NOON + 2 * DAY
"""When the config is edited: feeds have readers by then."""


def settings(query: str = "nato", **more: object) -> Settings:
    plain = Settings(
        Path("feeds.yaml"),
        (
            Source(SourceId("herald"), "https://herald.example/feed", tags=("wire",)),
            Source(SourceId("post"), "https://post.example/f"),
        ),
        topics=(Topic(Slug("alliance"), "Alliance", query),),
        outputs=(Output(Slug("all"), "All"), Output(Slug("alliance"), "Alliance", items=3, topic=Slug("alliance"))),
    )
    return replace(plain, **more)


def item(title: str, text: str = "", source: str = "herald", **more: Any) -> Item:
    """An item with the tags of its source, as polls store it."""
    return stories.item(title, text, source, tags=("wire",) if source == "herald" else (), **more)


ITEMS = [
    item("NATO meets", number=1, published=NOON - 5 * 3600),
    item("NATO and Ukraine", number=2, published=NOON - 4 * 3600),
    item("Ukraine votes", number=3, published=NOON - 3 * 3600),
    item("Ukraine sings", "A contest", number=4, published=NOON - 2 * 3600),
    item("Quake", number=5, published=NOON - 3600),
    item("Ukraine long ago", number=6, published=NOON - 6 * DAY),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that has adopted the plain settings, with a story of each item and one of two."""
    made = SqliteStore(tmp_path / "news.db")
    made.sync_sources(settings().sources, NOON)
    for one in ITEMS:
        put(made, one)
    adopt(made, settings(), lambda: compile_rules(settings()), NOON)
    with made.begin() as transaction:
        for state in transaction.outputs().values():
            transaction.save_output(replace(state, filling=False))
    yield made
    made.close()


def put(store: Store, *items: Item) -> None:
    with store.begin() as transaction:
        _, identity = transaction.add_item(items[0], None, Evidence("new"))
        for other in items[1:]:
            transaction.add_item(other, identity, Evidence("test"))


def plan(store: Store, edited: Settings, since: float = WEEK_AGO, now: float = LATER) -> Plan:
    return make(store, edited, compile_rules(edited), since, now)


def test_without_an_edit_nothing_would_change(store: Store) -> None:
    found = plan(store, settings())
    assert not found
    nothing, taken = lines(found, 5, "7d")
    assert nothing == "nothing would change (looked at stories of the last 7d)"
    assert "in use since 20" in taken
    assert "-c new.yaml plan" in taken


def test_what_was_taken_up_already_is_told_with_its_time(store: Store) -> None:
    edited, taken = settings("ukraine -sings"), "2023-06-20T12:00:00Z"
    assert plan(store, edited).taken_up is None, "nothing has taken it up yet"
    at = datetime.fromisoformat(taken).timestamp()
    adopt(store, edited, lambda: compile_rules(edited), at)
    adopt(store, edited, lambda: compile_rules(edited), at + DAY)
    assert plan(store, edited).taken_up == taken, "a restart takes up nothing new"
    assert f"in use since {taken}" in list(lines(plan(store, edited), 5, "7d"))[1]
    fewer = replace(edited, sources=edited.sources[1:])
    store.sync_sources(fewer.sources, at + 2 * DAY)
    adopt(store, fewer, lambda: compile_rules(fewer), at + 2 * DAY)
    assert plan(store, fewer).taken_up == "2023-06-22T12:00:00Z", "a source that was only removed is an edit, too"


def test_what_enters_and_leaves_a_feed(store: Store) -> None:
    (feed,) = plan(store, settings("ukraine -sings")).feeds
    assert feed.slug == "alliance"
    assert [one.title for one in feed.enter] == ["Ukraine votes"]
    assert [one.title for one in feed.leave] == ["NATO meets"]
    assert (feed.held, feed.seen_as_new) == (1, 1)


def test_what_is_older_than_the_feed_stays_out(store: Store) -> None:
    (feed,) = plan(store, settings("nato OR long")).feeds
    assert (feed.enter, feed.leave, feed.held) == ((), (), 1)


def test_on_its_first_day_a_feed_takes_older_stories_into_its_free_places(store: Store) -> None:
    (feed,) = plan(store, settings("ukraine OR long"), now=NOON + DAY / 2).feeds
    assert [one.title for one in feed.enter] == ["Ukraine sings", "Ukraine votes"], "it shows three stories, and one stays"
    (feed,) = plan(store, settings("long"), now=NOON + DAY / 2).feeds
    assert [one.title for one in feed.enter] == ["Ukraine long ago"]


def test_the_plan_is_what_adopting_does(store: Store) -> None:
    edited = settings("ukraine OR quake")
    (feed,) = plan(store, edited).feeds
    before = {member.story for member in store.members(Slug("alliance"))}
    adopt(store, edited, lambda: compile_rules(edited), LATER)
    after = {member.story for member in store.members(Slug("alliance"))}
    assert {one.id for one in feed.enter} == after - before
    assert {one.id for one in feed.leave} == before - after


@pytest.mark.parametrize(("token", "shown"), [(None, ["Ukraine sings", "NATO and Ukraine"]), ("a-token-of-mine", None)])
def test_a_private_source_enters_feeds_with_a_token_alone(store: Store, token: str | None, shown: list[str] | None) -> None:
    post = Source(SourceId("post"), "https://post.example/f", private=True)
    put(store, item("Ukraine in confidence", source="post", number=9, published=NOON - 3600))
    outputs = (Output(Slug("desk"), "Desk", query="ukraine -votes", items=2, token=token),)
    (feed,) = plan(store, settings(sources=(settings().sources[0], post), outputs=outputs)).feeds
    assert [one.title for one in feed.enter] == (shown or ["Ukraine in confidence", "Ukraine sings"])


def test_a_source_that_turns_private_or_public_is_told(store: Store) -> None:
    herald, post = settings().sources
    edited = settings(sources=(herald, replace(post, private=True)))
    assert list(lines(plan(store, edited), 5, "7d")) == ["~ source post: private from now on; its stories leave the public feeds"]
    adopt(store, edited, lambda: compile_rules(edited), LATER)
    assert not plan(store, edited)
    assert list(lines(plan(store, settings()), 5, "7d")) == [
        "~ source post: private no more; its stories may enter the public feeds"
    ]


def test_a_new_feed_starts_full_and_a_removed_one_ends(store: Store) -> None:
    edited = settings(outputs=(Output(Slug("all"), "All"), Output(Slug("votes"), "Votes", query="ukraine", items=2)))
    found = plan(store, edited)
    (feed,) = found.feeds
    assert feed.new
    assert [one.title for one in feed.enter] == ["Ukraine sings", "Ukraine votes"]
    assert (feed.held, feed.seen_as_new) == (2, 0)
    assert found.feeds_removed == ("alliance",)
    assert "- feed alliance: gone from now on (410; 404 if it was private)" in list(lines(found, 5, "7d"))


def test_sources(store: Store) -> None:
    edited = settings(
        sources=(Source(SourceId("herald"), "https://herald.example/other"), Source(SourceId("new"), "https://new.example/feed"))
    )
    found = plan(store, edited)
    assert (found.sources_added, found.sources_removed) == (("new",), ("post",))


def test_stories_not_seen_since_are_not_looked_at(store: Store) -> None:
    assert plan(store, settings("ukraine -sings"), since=NOON - 3.5 * 3600).feeds[0].leave == ()


def test_retention_is_told(store: Store) -> None:
    short = settings()
    found = plan(store, replace(short, storage=replace(short.storage, keep=2 * DAY)), now=NOON)
    assert found.retention == 1


def test_the_json_form(store: Store) -> None:
    told = as_mapping(plan(store, settings("ukraine -sings")))
    assert told["changes"] is True
    assert told["feeds"][0]["enter"][0]["title"] == "Ukraine votes"
    assert told["feeds"][0]["seen_as_new"] == 1


def test_lines_for_people(store: Store) -> None:
    assert list(lines(plan(store, settings("ukraine")), 1, "7d"))[:5] == [
        "~ topic alliance (query)",
        "~ feed alliance: +2 -1; subscribers see 2 as new; 1 more match and stay out, "
        "older than what the feed shows: `topics fill alliance` lets them in",
        "    + 2023-06-15  Ukraine sings",
        "    + … and 1 more",
        "    - 2023-06-15  NATO meets",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "nato",
        "nato -ukraine",
        "tag:wire nato",
        "tag:small ukraine",
        "tag:s*",
        "-tag:small",
        "entity:ua -nato",
        "nato kyiv",
        "lang:en quake",
    ],
)
def test_lookup_agrees_with_the_rules(store: Store, query: str) -> None:
    """What the lookup finds is what the rules say of each story, also where tags and several items are in play."""
    put(store, item("NATO in Kyiv", number=7), item("Ukraine again", source="post", number=8))
    edited = settings(query, tags=(TagRule("small", "sings OR votes OR kyiv"),))
    adopt(store, edited, lambda: compile_rules(edited), LATER)
    rules = compile_rules(edited)
    wanted = [story.id for story in store.find(StoryFilter()) if rules.apply(story, NOON).topics]
    found = [story.id for story in Lookup(edited, rules).matching(store, RuleName("topic", "alliance"), None, NOON)]
    assert found == wanted
