"""Rules of a config, asked of stories and entries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.model import Category, Item, Slug, Source, SourceId, Story, Tag, TagKind
from aggregator.settings import Dedup, Expectation, Output, Settings, Tagging, TagRule, Topic
from aggregator.tag.language_model import Model
from aggregator.tag.ordering import Circular, RuleName
from aggregator.tag.query import Query
from aggregator.tag.rules import compile_rules, failed_expectations

from . import stories
from .stories import NOON, story

UKRAINE = "(ukraine OR kyiv OR zelensky*) (nato OR war OR russia*)"


def source(name: str, **more: object) -> Source:
    return Source(SourceId(name), f"https://{name}.example/feed", **more)  # type: ignore[arg-type]


SETTINGS = Settings(
    Path("feeds.yaml"),
    sources=(
        source("herald", tags=("wire", "uk"), group="wires"),
        source("post", keep="lang:en", drop="title:sponsored OR\n  url:/live/"),
        source("blog", drop="entity:zz OR category:ads"),
    ),
    tags=(TagRule("war", "war OR invasion*"), TagRule("frontline", "tag:war tag:wire")),
    topics=(Topic(Slug("ukraine"), "Ukraine", UKRAINE), Topic(Slug("frontline"), "Front", "tag:front*")),
    outputs=(
        Output(Slug("all"), "All"),
        Output(Slug("ukraine"), "Ukraine", topic=Slug("ukraine")),
        Output(Slug("top"), "Top", query="outlets>=2 age<1d"),
        Output(Slug("both"), "Both", query="topic:ukraine tag:war"),
        Output(Slug("dropped"), "Dropped", rejected=True),
    ),
    tagging=Tagging(categories={"Politik": "politics", "Uncategorized": None}),
)
RULES = compile_rules(SETTINGS)


def item(title: str, text: str = "", source: str = "herald", **more: Any) -> Item:
    """An item with the tags of its source, as polls store it."""
    tags = next((one.tags for one in SETTINGS.sources if one.id == source), ())
    return stories.item(title, text, source, tags=tags, **more)


def tags(told: Story, kind: TagKind = TagKind.TAG) -> dict[str, str]:
    return {tag.value: tag.reason for tag in RULES.apply(told, NOON).tags if tag.kind is kind}


def test_topics_and_outputs_with_their_reasons() -> None:
    told = story(item("Kyiv hails NATO", "The war"), item("Russia", source="post", number=2))
    tagged, reasons = RULES.apply(told, NOON), RULES.reasons(told, NOON)
    assert tagged.topics == ("ukraine", "frontline")
    assert tagged.outputs == ("all", "ukraine", "top", "both")
    assert reasons["ukraine"] == "kyiv in the title, nato in the title [herald]"
    assert reasons["top"] == "outlets>=2, age<1d"
    assert reasons["all"] == "every story"
    assert set(reasons) == {"all", "ukraine", "frontline", "top", "both"}


def test_a_song_contest_is_not_the_war() -> None:
    assert RULES.apply(story(item("Ukraine wins Eurovision")), NOON).topics == ()


def test_age_moves_with_the_instant_that_is_given() -> None:
    told = story(item("One"), item("Two", source="post", number=2))
    assert "top" in RULES.apply(told, NOON + 3600).outputs
    assert "top" not in RULES.apply(told, NOON + 2 * 86_400).outputs


def test_tags_of_sources_and_rules_say_where_they_are_from() -> None:
    assert tags(story(item("The invasion"))) == {
        "wire": "source herald",
        "uk": "source herald",
        "war": "rule: invasion* in the title",
        "frontline": "rule: tag:war, tag:wire",
    }


def test_tags_are_the_union_over_all_items() -> None:
    assert set(tags(story(item("War", source="post"), item("Peace", number=2)))) == {"wire", "uk", "war", "frontline"}


def test_a_source_that_left_the_config_leaves_its_tags_on_what_it_sent() -> None:
    gone = replace(item("Quiet", source="gone"), tags=("old",))
    assert tags(story(gone)) == {"old": "source gone"}


def test_feed_categories_are_kept_mapped_or_dropped() -> None:
    told = story(item("Quiet", source="post", categories=["Politik", "uncategorized", "Kultur", "kultur", "https://x.example/"]))
    assert tags(told) == {"politics": "category Politik of post"}
    assert tags(told, TagKind.CATEGORY) == {"Kultur": "category of post"}


def test_a_story_carries_no_flood_of_categories() -> None:
    told = story(item("Quiet", categories=[f"category {number}" for number in range(40)]))
    assert len(tags(told, TagKind.CATEGORY)) == 12


def test_a_category_is_known_by_its_label_too() -> None:
    told = item("Quiet")
    told = replace(told, entry=replace(told.entry, categories=(Category("pol", label="Politik"),)))
    assert "politics" in tags(story(told))


@pytest.mark.parametrize(
    ("name", "told", "rule"),
    [
        ("post", item("Sponsored: shoes"), "drop title:sponsored OR url:/live/"),
        ("post", item("Nachricht", language="de"), "keep lang:en"),
        ("post", item("News"), None),
        ("post", item("News", url="https://post.example/live/1"), "drop title:sponsored OR url:/live/"),
        ("herald", item("Sponsored: shoes"), None),
        ("blog", item("Shoes", categories=["Ads"]), "drop entity:zz OR category:ads"),
    ],
)
def test_keep_and_drop(name: str, told: object, rule: str | None) -> None:
    chosen = next(one for one in SETTINGS.sources if one.id == name)
    assert RULES.rejected(chosen, told) == rule  # type: ignore[arg-type]


def test_what_never_joins_a_story() -> None:
    rules = compile_rules(Settings(Path("x"), SETTINGS.sources, dedup=Dedup(never=("title:horoscope*", "tag:uk\n  obituary"))))
    assert rules.apart(item("Horoscopes for June", source="post")) == "title:horoscope*"
    assert rules.apart(item("Obituary", source="herald")) == "tag:uk obituary"
    assert rules.apart(item("Obituary", source="post")) is None
    assert RULES.apart(item("Horoscope")) is None


FULL = item("Harbour opens", "A long quay", author="Ada Berg", group="wires", origin="reuters", categories=["Ports"])


@pytest.mark.parametrize(
    "query",
    [
        "title:harbour", "body:quay", "author:berg", "words>2", "/[Qq]uay/", "source:herald", "group:wires", "tag:uk", "lang:en",
        "origin:reuters", "category:ports", "site:herald.example", "url:world/1", "items=1", "age<1d",
    ],
)  # fmt: skip
def test_a_rule_sees_its_field_also_where_no_other_rule_asks_for_it(query: str) -> None:
    alone = Settings(Path("x"), SETTINGS.sources, topics=(Topic(Slug("t"), "T", query), Topic(Slug("not"), "N", f"-({query})")))
    assert compile_rules(alone).apply(story(FULL), NOON).topics == ("t",)


@pytest.mark.parametrize(
    "query", ["title:harbour", "words>2", "author:berg", "category:ports", "tag:uk", "entity:us", "site:example"]
)
def test_keep_and_drop_see_what_no_rule_of_stories_asks_for(query: str) -> None:
    told = replace(FULL, entry=replace(FULL.entry, title="Harbour opens in the US"))
    rules = compile_rules(Settings(Path("x"), (source("herald", tags=("uk",), drop=query),)))
    assert rules.rejected(rules.settings.sources[0], told) == f"drop {query}"


def test_a_topic_without_a_feed_has_its_reason_too() -> None:
    assert RULES.reasons(story(item("The invasion")), NOON)["frontline"] == "tag:front*"


def test_the_reason_a_topic_does_not_match() -> None:
    told = story(item("Ukraine wins Eurovision"))
    assert RULES.explain(RuleName("topic", "ukraine"), told, NOON).branch == "none of nato, war, russia*"


def test_rules_in_a_circle_are_an_error() -> None:
    circle = Settings(Path("x"), (), tags=(TagRule("a", "tag:b"), TagRule("b", "nato OR tag:a")))
    with pytest.raises(Circular, match="tag a"):
        compile_rules(circle)


def expecting(query: str, *expect: Expectation) -> list[str]:
    topic = Topic(Slug("t"), "T", query, tuple(expect))
    return [
        message for _, message in failed_expectations(Settings(Path("x"), SETTINGS.sources, tags=SETTINGS.tags, topics=(topic,)))
    ]


def test_expectations_that_hold_say_nothing() -> None:
    assert not expecting(
        UKRAINE, Expectation(True, "NATO weighs closer ties with Ukraine"), Expectation(False, "Ukraine wins Eurovision")
    )


def test_the_expectations_of_a_config_load_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Iterable[str]] = []
    own = Model.__init__

    def counted(self: Model, languages: Iterable[str]) -> None:
        loaded.append(languages)
        own(self, languages)

    monkeypatch.setattr(Model, "__init__", counted)
    titles = ("Sąd umorzył sprawę", "Rząd przyjął budżet", "Statek wpłynął do portu")
    assert not expecting("lang:pl", *(Expectation(True, title) for title in titles))
    assert len(loaded) == 1


@pytest.mark.parametrize(
    ("query", "expectation", "message"),
    [
        (UKRAINE, Expectation(True, "Ukraine wins Eurovision"), "should match and does not: none of nato, war, russia*"),
        (UKRAINE, Expectation(False, "Kyiv at war"), "should not match and does: kyiv in the title, war in the title"),
        ("title:nato", Expectation(True, "Talks", body="NATO"), "no title:nato"),
        ("source:herald nato", Expectation(True, "NATO"), "not source:herald"),
        ("tag:war", Expectation(False, "War"), "does: tag:war"),
        ("lang:de", Expectation(True, "The ministers met in the capital on Thursday"), "not lang:de"),
    ],
)
def test_a_failed_expectation_names_the_words_that_decided(query: str, expectation: Expectation, message: str) -> None:
    (told,) = expecting(query, expectation)
    assert told.startswith(f'topic t: "{expectation.title}" ')
    assert told.endswith(message)


@pytest.mark.parametrize(
    ("query", "expectation"),
    [
        ("outlets>=3 ukraine", Expectation(True, "Ukraine")),
        ("source:herald nato", Expectation(True, "NATO", source="herald")),
        ("group:wires tag:uk nato", Expectation(True, "NATO", source="herald")),
        ("tag:mine nato", Expectation(True, "NATO", tags=("mine",))),
        ("nato brussels", Expectation(True, "NATO", body="in Brussels")),
        ("lang:de", Expectation(True, "Die Minister haben sich am Donnerstag in der Hauptstadt getroffen")),
    ],
)
def test_expectations_may_name_a_source_tags_and_a_body(query: str, expectation: Expectation) -> None:
    assert expecting(query, expectation) == []


def test_rules_agree_with_single_queries() -> None:
    """The one pass for all rules answers as each query alone does on the story as it is stored."""
    told = story(item("Kyiv hails NATO", "The war"), item("Russia", source="post", number=2))
    tagged = RULES.apply(told, NOON)
    stored = Story(
        told.id, told.items, told.lead, NOON, NOON, NOON, tags=(*tagged.tags, Tag(TagKind.ENTITY, "xx")), topics=tagged.topics
    )
    for topic in SETTINGS.topics:
        assert Query(topic.query).matches(stored, NOON) == (topic.slug in tagged.topics)


QUERIES = (
    "kyiv", "nato kyiv", "U.S. verdict", "verdict U.S.", '"the verdict" OR nato', "verd*", "-nato", "/ver.?ict/ U.S.",
    "lang:en nato", "source:post (war OR verdict)", "nato OR war OR kyiv OR verdict OR harbour OR quay OR mayor OR cable",
    "title:us OR body:nato", "outlets>=2 nato", "harbour OR outlets>=2", "harbour OR -nato", "tag:uk -kyiv", "words>2 nato",
    "(nato OR entity:us) verdict", "origin:reuters OR category:ports", "body:war title:verdict",
)  # fmt: skip
TOLD = (
    story(item("Kyiv hails NATO", "The war goes on"), item("Us and them", source="post", number=2)),
    story(item("The U.S. verdict", "A verdict from NATO", source="post")),
    story(item("A verdict for us", "", categories=["Ports"])),
    story(item("Quiet", origin="reuters"), item("Verdict on the war", "no more", source="post", number=2)),
)


@pytest.mark.parametrize("told", TOLD)
def test_many_rules_asked_at_once_answer_as_each_alone(told: Story) -> None:
    topics = tuple(Topic(Slug(f"t{number}"), "T", query) for number, query in enumerate(QUERIES))
    rules = compile_rules(Settings(Path("x"), SETTINGS.sources, topics=topics))
    tagged = rules.apply(told, NOON)
    alone = [topic.slug for topic in topics if Query(topic.query).matches(replace(told, tags=tagged.tags), NOON)]
    assert list(tagged.topics) == alone
