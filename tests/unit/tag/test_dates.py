"""`date:`, `before:` and `after:`: which stories they match, in which time zone, and that the search uses the index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Slug, Source, SourceId
from aggregator.ports import QueryNames
from aggregator.settings import Expectation, Output, Settings, Site, TagRule, Topic
from aggregator.tag.query import Query
from aggregator.tag.rules import compile_rules, failed_expectations

from .stories import NOON, item, story


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def matches(query: str, published: str, zone: str = "UTC") -> bool:
    told = story(item("Storm", published=at(published, zone)), published=at(published, zone))
    return Query(query, QueryNames(timezone=zone)).matches(told, NOON)


@pytest.mark.parametrize(
    ("query", "published", "expected"),
    [
        ("date:2023-06-15", "2023-06-15T00:00", True),
        ("date:2023-06-15", "2023-06-15T23:59:59", True),
        ("date:2023-06-15", "2023-06-16T00:00", False),
        ("date:2023-06-15", "2023-06-14T23:59:59", False),
        ("date:2023-06", "2023-06-30T23:59", True),
        ("date:2023-06", "2023-07-01T00:00", False),
        ("date:2023-12", "2023-12-31T23:59", True),
        ("date:2023", "2023-12-31T23:59", True),
        ("date:2023", "2024-01-01T00:00", False),
        ("date:2024-02-29", "2024-02-29T12:00", True),
        ("date:2023-06-14..2023-06-16", "2023-06-16T23:59", True),
        ("date:2023-06-14..2023-06-16", "2023-06-17T00:00", False),
        ("date:2023-06..2023-07", "2023-07-31T12:00", True),
        ("date:2023-06-15..", "2030-01-01T00:00", True),
        ("date:2023-06-15..", "2023-06-14T12:00", False),
        ("date:..2023-06-15", "2023-06-15T12:00", True),
        ("date:..2023-06-15", "2023-06-16T00:00", False),
        ("before:2023-06-15", "2023-06-14T23:59:59", True),
        ("before:2023-06-15", "2023-06-15T00:00", False),
        ("before:2023-06", "2023-05-31T23:59", True),
        ("before:2023-06", "2023-06-01T00:00", False),
        ("after:2023-06-15", "2023-06-15T00:00", True),
        ("after:2023-06-15", "2023-06-14T23:59:59", False),
        ("after:2023", "2023-01-01T00:00", True),
        ("after:2023-06 before:2023-07", "2023-06-30T23:59", True),
        ("after:2023-06 before:2023-07", "2023-07-01T00:00", False),
        ("-date:2023-06", "2023-07-01T00:00", True),
        ("date:(2022 OR 2023-06)", "2023-06-15T12:00", True),
        ('date:"2023-06-15" storm', "2023-06-15T12:00", True),
        ("DATE:2023-06-15", "2023-06-15T12:00", True),
        ("date:2023–06–15", "2023-06-15T12:00", True),  # as a word processor writes it
    ],
)
def test_dates(query: str, published: str, expected: bool) -> None:
    assert matches(query, published) is expected


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight is skipped
        ("America/Havana", "2023-11-05", 25),  # midnight comes twice
        ("Asia/Kolkata", "2023-06-15", 24),
    ],
)
def test_days_are_those_of_the_site(zone: str, day: str, hours: int) -> None:
    midnight = ZoneInfo(zone)
    first = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=midnight).astimezone(UTC)
    asked = Query(f"date:{day}", QueryNames(timezone=zone))
    inside = [
        hour
        for hour in range(-30, 30)
        if asked.matches(story(item("x"), published=(first + timedelta(hours=hour)).timestamp()), 0)
    ]
    assert len(inside) == hours
    assert all((first + timedelta(hours=hour)).astimezone(midnight).date().isoformat() == day for hour in inside)


@given(instant=st.integers(0, 4_000_000_000), zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Apia", "Europe/Kyiv"]))
def test_a_story_is_of_its_day_neither_before_nor_behind_it(instant: int, zone: str) -> None:
    day = datetime.fromtimestamp(instant, ZoneInfo(zone)).date().isoformat()
    told = story(item("x"), published=instant)

    def has(query: str) -> bool:
        return Query(query, QueryNames(timezone=zone)).matches(told, NOON)

    assert has(f"date:{day}") and has(f"date:{day[:7]}") and has(f"date:{day[:4]}") and has(f"after:{day}")
    assert not has(f"before:{day}")
    assert has(f"-before:{day}") and not has(f"-after:{day}")


@pytest.mark.parametrize(
    ("query", "branch"),
    [
        ("date:2023-06-15", "date:2023-06-15"),
        ("before:2023-06-15", "not before:2023-06-15 (it is of 2023-06-15)"),
        ("-date:2023", "excluded by date:2023"),
    ],
)
def test_the_explanation_of_a_date(query: str, branch: str) -> None:
    assert Query(query).explain(story(item("x")), NOON).branch == branch


def config(query: str, zone: str) -> Settings:
    topic = Topic(Slug("t"), "T", query, (Expectation(True, "Storm"),))
    outputs = (
        Output(Slug("t"), "T", topic=Slug("t")),
        Output(Slug("o"), "O", query=query),
        Output(Slug("x"), "X", query="tag:x"),
    )
    sources = (Source(SourceId("a"), "https://a.example/feed", drop=query),)
    return Settings(Path("x"), sources, Site(timezone=zone), tags=(TagRule("x", query),), topics=(topic,), outputs=outputs)


@pytest.mark.parametrize(("zone", "within"), [("UTC", True), ("Asia/Tokyo", False)])
def test_topics_outputs_and_filters_read_days_in_the_zone_of_the_site(zone: str, within: bool) -> None:
    rules = compile_rules(config("date:2023-06-15", zone))
    told = story(item("Storm", source="a", published=at("2023-06-15T20:00")), published=at("2023-06-15T20:00"))
    tagged = rules.apply(told, NOON)
    assert (tagged.topics, tagged.outputs) == ((("t",), ("t", "o", "x")) if within else ((), ()))
    source = rules.settings.sources[0]
    assert (rules.rejected(source, told.items[0]) is not None) is within


def test_a_test_of_a_rule_takes_its_dates_as_met() -> None:
    assert failed_expectations(config("storm after:2023-06", "UTC")) == []
    assert len(failed_expectations(config("zebra after:2023-06", "UTC"))) == 1


def test_the_filter_bounds_the_date() -> None:
    june, july = at("2023-06-01T00:00"), at("2023-07-01T00:00")
    assert Query("nato date:2023-06").filter(NOON).published == (june, july)
    assert Query("nato (date:2023-06 OR nato)").filter(NOON).published == (float("-inf"), float("inf"))
    assert Query("after:2023-06 -after:2023-07 lang:en").filter(NOON).published == (june, july)
