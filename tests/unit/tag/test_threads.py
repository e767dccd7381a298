"""What queries ask of threads."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.model import Evidence, Slug, Story, StoryId, Thread, ThreadId
from aggregator.settings import Expectation, Output, Settings, TagRule, Topic
from aggregator.store.sqlite import SqliteStore
from aggregator.tag.lookup import Lookup
from aggregator.tag.ordering import RuleName
from aggregator.tag.query import Query
from aggregator.tag.rules import compile_rules, failed_expectations

from .stories import DAY, NOON, item, story

HOUR = 3600.0
OWN = ThreadId("6f0cdd1e-5b0e-4c52-9a7e-0d2f6f3d7a11")
MERGED = ThreadId("0d2f6f3d-7a11-4c52-9a7e-6f0cdd1e5b0e")
OTHER = ThreadId("9a7e0d2f-5b0e-4c52-9a7e-0d2f6f3d7a11")

ALONE = story(item("Kyiv"), item("Kyiv", source="post", number=2))


def in_thread(first: str = "s1", newest: float = NOON) -> Story:
    return replace(ALONE, thread=Thread(OWN, StoryId(first), StoryId("s1"), 4, 7, NOON - 3 * DAY, newest, (MERGED,)))


@pytest.mark.parametrize(
    ("query", "first", "later", "alone"),
    [
        (f"thread:{OWN}", True, True, False),
        (f"thread:{OWN.upper()}", True, True, False),
        (f"thread:{MERGED}", True, True, False),
        (f"thread:{OTHER}", False, False, False),
        (f"kyiv -thread:{OWN}", False, False, True),
        (f"-thread:{MERGED}", False, False, True),
        ("first:thread", True, False, True),
        ("thread_outlets>=7", True, True, False),
        ("thread_outlets>7", False, False, False),
        ("thread_outlets=7", True, True, False),
        ("thread_outlets<7", False, False, True),
        ("thread_outlets<=2", False, False, True),
        ("outlets>=3", False, False, False),
    ],
)
def test_threads_are_asked_for(query: str, first: bool, later: bool, alone: bool) -> None:
    asked = Query(query)
    told = (in_thread(), in_thread(first="s0"), ALONE)
    assert tuple(asked.matches(one, NOON) for one in told) == (first, later, alone)


@pytest.mark.parametrize(
    ("query", "told", "branch"),
    [
        (f"thread:{OTHER}", in_thread(), f"not thread:{OTHER} (it is in thread {OWN})"),
        (f"thread:{OTHER}", ALONE, f"not thread:{OTHER} (it is in no thread)"),
        ("first:thread", in_thread(first="s0"), "not first:thread (its thread began with s0)"),
        ("thread_outlets>=9", in_thread(), "not thread_outlets>=9 (its thread has 7)"),
        ("thread_outlets>=9", ALONE, "not thread_outlets>=9 (it is in no thread, and has 2)"),
        (f"-thread:{OWN}", in_thread(), f"excluded by thread:{OWN}"),
    ],
)
def test_the_explanation_says_what_the_thread_is(query: str, told: Story, branch: str) -> None:
    assert Query(query).explain(told, NOON).branch == branch


def test_stories_of_a_thread_are_looked_up() -> None:
    assert Query(f"kyiv thread:{OWN}").filter(NOON).thread == OWN
    assert Query(f"kyiv OR thread:{OWN}").filter(NOON).thread is None
    assert Query(f"-thread:{OWN}").filter(NOON).thread is None


def test_a_plan_knows_threads(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "news.db")
    with store.begin() as transaction:
        told = [item("Kyiv", source=name, number=number) for number, name in enumerate("abc")]
        stories = [transaction.add_item(one, None, Evidence("new"))[1] for one in told]
        thread = transaction.begin_thread(stories[0])
        transaction.enter_thread(thread, stories, b"")
        transaction.sum_up_threads([thread])
    asked = settings(
        first=Output(Slug("first"), "First", query="kyiv first:thread"),
        wide=Output(Slug("wide"), "Wide", query="kyiv thread_outlets>=3"),
        other=Output(Slug("other"), "Other", query=f"kyiv thread:{OTHER}"),
    )
    lookup = Lookup(asked, compile_rules(asked))
    found = {slug: list(lookup.matching(store, RuleName("output", slug), None, NOON)) for slug in ("first", "wide", "other")}
    assert {slug: len(matching) for slug, matching in found.items()} == {"first": 1, "wide": 3, "other": 0}
    store.close()


def settings(**outputs: Output) -> Settings:
    return Settings(Path("feeds.yaml"), sources=(), outputs=tuple(outputs.values()))


def test_the_rules_know_whether_threads_matter() -> None:
    plain = settings(top=Output(Slug("top"), "Top", query="outlets>=2 age<1d"))
    assert not compile_rules(plain).reads_threads
    ranked = settings(top=Output(Slug("top"), "Top", query="outlets>=2", sort="weight"))
    assert not compile_rules(ranked).reads_threads
    rolling = settings(top=Output(Slug("top"), "Top", query="outlets>=2 age<1d", sort="weight"))
    assert compile_rules(rolling).reads_threads
    assert compile_rules(replace(plain, topics=(Topic(Slug("a"), "A", "first:thread"),))).reads_threads
    assert compile_rules(replace(plain, tags=(TagRule("wide", "thread_outlets>=9"),))).reads_threads


def test_age_counts_from_the_newest_report_of_the_thread_where_a_feed_is_sorted_by_weight() -> None:
    plain, ranked = Output(Slug("new"), "New", query="age<1d"), Output(Slug("top"), "Top", query="age<1d", sort="weight")
    rules = compile_rules(settings(plain=plain, ranked=ranked))
    begun = NOON - 30 * HOUR
    yesterday = story(item("Boat sinks", published=begun), published=begun)
    assert rules.apply(yesterday, NOON).outputs == ()
    goes_on = story(item("Boat sinks", published=begun), item("Boat sank", number=2, published=NOON - HOUR), published=begun)
    assert rules.apply(goes_on, NOON).outputs == ("top",)
    followed = replace(yesterday, thread=replace(in_thread().thread, newest=NOON - 2 * HOUR))  # type: ignore[type-var]
    assert rules.apply(followed, NOON).outputs == ("top",)
    assert rules.apply(followed, NOON + DAY).outputs == ()
    assert rules.reasons(followed, NOON)["top"] == "age<1d"


def test_a_rule_for_one_thread_is_tested_without_it() -> None:
    match, missed = Expectation(match=True, title="Kyiv hails NATO"), Expectation(match=True, title="A zoo opens")
    topic = Topic(Slug("a"), "A", f"kyiv thread:{OWN} thread_outlets>=3", (match, missed))
    failed = failed_expectations(Settings(Path("feeds.yaml"), sources=(), topics=(topic,)))
    assert [expectation for expectation, _ in failed] == [missed]
