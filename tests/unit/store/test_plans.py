"""No query of a poll reads a whole table: its plan is looked at, on a database with and without its own statistics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest

from aggregator.model import Slug
from aggregator.ports import Phrase, StoryFilter
from aggregator.store import (
    articles,
    decisions,
    items,
    listings,
    moves,
    outgoing,
    outputs,
    reads,
    retention,
    search,
    small_tables,
    states,
    threads,
)
from aggregator.store.sqlite import SqliteStore
from tests.unit.store.builders import NEW, item, source

BIG = (
    "items",
    "stories",
    "members",
    "sources",
    "documents",
    "rejects",
    "subscriptions",
    "deliveries",
    "events",
    "pages",
    "articles",
)

FRAGMENTS = ("_KNOWN", "_REJECTS", "_STORY_OF_ITEM", "_SELECT", "_SUBSCRIPTIONS", "_STORIES_WITH_NAME", "_LINKS", "_MOVE_LINKS")
"""Beginnings of other queries."""
QUERIES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": query
    for module in (
        articles,
        decisions,
        items,
        listings,
        moves,
        outgoing,
        outputs,
        reads,
        retention,
        small_tables,
        states,
        threads,
    )
    for name, query in vars(module).items()
    if isinstance(query, str) and name not in FRAGMENTS and re.match(r"(SELECT|UPDATE|DELETE|INSERT)\b", query.strip())
}
WHOLE = {
    "items._LAST_ID": "the highest id, which is the table's end",
    "items._LAST_STORY": "the highest key, which is the table's end",
    "outputs.OUTPUTS": "all feeds are asked for, and they are few",
    "moves.SET_PRIVATE": "all of a source's items, when it turns private or public",
    "reads.ATTRIBUTES": "once after an upgrade",
    "reads.HOLDS": "hosts on hold are few",
    "decisions.OVERRIDES": "all are asked for",
    "decisions.DECISIONS": "all are asked for",
    "reads.NEWEST_ADDRESSES": "the newest, from the end of an index",
    "reads.REJECTS": "the newest, from the table's end",
    "retention.HIGHEST_ITEM": "the highest id, which is the table's end",
    "retention.RELEASED": "sources are few beside what they bring, and looked through once a sweep",
    "states.ALL_STATES": "all are asked for",
    "states.ASK_AGAIN": "after an edit of `network.allow`",
    "states.SOME_STATES": "asked for by commands, and sorted by place in the config",
    "states.UNREAD": "in the first hours of a site alone",
    "threads.SHOWING": "those that show earlier stories, when a person takes one down or corrects its headline",
    "outgoing.EVENTS": "the newest, from the end of their index",
    "outgoing.ALL_SUBSCRIPTIONS": "all are asked for",
}
"""Queries that may read a table from end to end, and why."""


@pytest.fixture(scope="module", params=["with statistics", "without statistics"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path_factory.mktemp("plans") / "news.db")
    store.sync_sources([source(f"source-{number}") for number in range(50)], 1.0)
    with store.begin() as transaction:
        for number in range(600):
            one = item(f"g{number}", at=1000.0 + number, source=f"source-{number % 50}")
            _, story = transaction.add_item(one, None, NEW)
            transaction.enter(Slug("all" if number % 2 else "sea"), [story], 1.0)
    if request.param == "with statistics":
        store._writer.execute("ANALYZE")
    yield store
    store.close()


def plan(store: SqliteStore, query: str) -> list[str]:
    numbered = {int(number) for number in re.findall(r"\?(\d+)", query)}
    values = ("0",) * (max(numbered) if numbered else query.count("?"))
    return [row[3] for row in store._writer.execute(f"EXPLAIN QUERY PLAN {query}", values)]


def scanned(store: SqliteStore, query: str) -> list[str]:
    """Steps that read a big table without looking anything up."""
    return [step for step in plan(store, query) if re.match(rf"SCAN ({'|'.join(BIG)})\b", step)]


@pytest.mark.parametrize("name", sorted(QUERIES.keys() - WHOLE.keys()))
def test_no_query_reads_a_whole_table(filled: SqliteStore, name: str) -> None:
    assert scanned(filled, QUERIES[name]) == []


def test_the_exceptions_are_still_there() -> None:
    assert WHOLE.keys() <= QUERIES.keys()


def test_what_is_due_is_read_from_an_index(filled: SqliteStore) -> None:
    steps = plan(filled, QUERIES["states.DUE"])
    assert any("sources_due" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


@pytest.mark.parametrize(
    "where",
    [
        StoryFilter(Phrase(("storm",))),
        StoryFilter(since=1500.0),
        StoryFilter(topic="sea"),
        StoryFilter(sources=frozenset({"source-1"})),
        StoryFilter(published=(1500.0, math.inf)),
    ],
)
def test_a_narrow_search_does_not_sort_all_stories(filled: SqliteStore, where: StoryFilter) -> None:
    """Stories are either taken from the index in their order, or looked up by what the filter found."""
    query, parameters = search.statement(where, 20)
    steps = [row[3] for row in filled._writer.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]
    assert not [step for step in steps if re.match(r"SCAN (stories|items)$", step)], steps


def test_dates_are_looked_up_in_the_order_of_publication(filled: SqliteStore) -> None:
    query, parameters = search.statement(StoryFilter(published=(1500.0, 1600.0)), None)
    steps = [row[3] for row in filled._writer.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]
    assert "SEARCH stories USING INDEX stories_published (published>? AND published<?)" in steps, steps


def test_relevance_reads_the_index_of_words_once(filled: SqliteStore) -> None:
    storm = Phrase(("storm",))
    query, parameters = search.statement(StoryFilter(storm), 20, storm)
    steps = [row[3] for row in filled._writer.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]
    assert "MATERIALIZE found" in steps, steps
    assert not [step for step in steps if re.match(r"SCAN (stories|items)$", step)], steps


def test_a_filter_on_items_does_not_read_their_texts(filled: SqliteStore) -> None:
    where = StoryFilter(groups=frozenset({"a"}), language="en", until=5.0, tags=frozenset({"b"}))
    query, parameters = search.statement(where, None)
    steps = [row[3] for row in filled._writer.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]
    assert not [step for step in steps if step.startswith("SCAN items") and "COVERING" not in step], steps
