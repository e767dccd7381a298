"""The demo's data: large and varied enough to show what the product does, and written as real sites write."""

from __future__ import annotations

import io
import json
from collections import Counter

import feedparser
import pytest

from aggregator.demo.feed_formats import Place, first_paragraph, write_feed
from aggregator.demo.newsroom import Newsroom, open_newsroom

START = 1_700_000_000.0
PLACE = Place(8081)


@pytest.fixture(scope="module")
def first() -> Newsroom:
    return open_newsroom(1, START)


@pytest.fixture(scope="module")
def second() -> Newsroom:
    return open_newsroom(2, START)


def titles(newsroom: Newsroom) -> set[tuple[str, str]]:
    return {(outlet.id, article.title) for outlet in newsroom.outlets for article in outlet.articles}


def test_it_is_a_newsroom_and_not_a_sample(first: Newsroom) -> None:
    assert len(first.outlets) >= 10
    assert sum(len(outlet.articles) for outlet in first.outlets) >= 120
    formats = {feed.format for _, feed in first.feeds()}
    assert formats == {"rss 2.0", "rss 1.0", "rss 0.91", "atom 1.0", "atom 0.3", "json feed 1.1"}


def test_a_day_brings_takes_and_changes(first: Newsroom, second: Newsroom) -> None:
    assert len(titles(second) - titles(first)) >= 15
    assert ("northwire", "Photo of the day") in titles(first) - titles(second)
    edited = [article for outlet in second.outlets for article in outlet.articles if article.edited]
    assert {article.slug for article in edited} == {"nato-ukraine", "grain-corridor"}


def test_the_same_newsroom_is_the_same_bytes(first: Newsroom) -> None:
    again = open_newsroom(1, START)
    for (outlet, feed), (other, same) in zip(first.feeds(), again.feeds(), strict=True):
        assert write_feed(outlet, feed, PLACE) == write_feed(other, same, PLACE)


def test_every_document_is_read_as_what_it_says_with_all_its_articles(second: Newsroom) -> None:
    versions = {"rss 2.0": "rss20", "rss 1.0": "rss10", "rss 0.91": "rss091u", "atom 1.0": "atom10", "atom 0.3": "atom03"}
    for outlet, feed in second.feeds():
        body = write_feed(outlet, feed, PLACE)
        expected = [article.title for article in outlet.articles_of(feed)]
        if feed.format == "json feed 1.1":
            assert [item["title"] for item in json.loads(body)["items"]] == expected
            continue
        read = feedparser.parse(io.BytesIO(body))
        assert (read.version, read.bozo) == (versions[feed.format], False), outlet.id
        assert [entry.title for entry in read.entries] == expected


def test_guids_are_unique_in_each_feed(second: Newsroom) -> None:
    for outlet, feed in second.feeds():
        if feed.format.startswith("json"):
            continue
        read = feedparser.parse(io.BytesIO(write_feed(outlet, feed, PLACE)))
        counts = Counter(entry.id for entry in read.entries if "id" in entry)
        assert not [guid for guid, count in counts.items() if count > 1], outlet.id


def test_the_nato_story_is_told_in_every_way_that_matters(first: Newsroom) -> None:
    tellings = [
        (outlet, article)
        for outlet in first.outlets
        for article in outlet.articles
        if article.at is not None and outlet.language.startswith("en") and "closer ties with ukraine" in article.title.casefold()
    ]
    assert {outlet.id for outlet, _ in tellings} == {
        "northwire",
        "harbourpost",
        "meridian",
        "kestrel",
        "balticledger",
        "newsfold",
    }
    by_outlet = {outlet.id: article for outlet, article in tellings}
    assert first_paragraph(by_outlet["meridian"].text) == ""
    assert "utm_source" in by_outlet["harbourpost"].query
    assert by_outlet["harbourpost"].sections == ("world", "politics")
    assert by_outlet["newsfold"].publisher == "Northwire"
