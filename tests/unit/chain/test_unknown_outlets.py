"""Outlets that queries name and that nothing has: `check`, `plan`, `search` and `topics try` tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from aggregator.commands import plan, search, topics
from aggregator.commands.check import find_unknown_outlets
from aggregator.commands.unknown_outlets import warn_of_outlets
from aggregator.model import Fetched
from tests.unit.chain.newsroom import START, Newsroom, entry

BBC = "https://feeds.bbci.co.uk/news/rss.json"
GUARDIAN = "https://www.theguardian.com/world/rss.json"
CONFIG = f"""
sources:
  - {{id: bbc, url: "{BBC}"}}
  - {{id: guardian, url: "{GUARDIAN}", title: The Guardian}}
topics:
  - {{slug: t, query: "QUERY"}}
"""


def titled(newsroom: Newsroom, url: str, title: str) -> None:
    newsroom.serves(
        url, entry(f"News of {title}", url="https://www.bbc.co.uk/1" if url == BBC else "https://www.theguardian.com/1")
    )
    answer = newsroom.answers[url]
    assert isinstance(answer, Fetched)
    newsroom.answers[url] = replace(answer, body=json.dumps(json.loads(answer.body) | {"title": title}).encode())


def configured(newsroom: Newsroom, query: str) -> Newsroom:
    newsroom.configure(CONFIG.replace("QUERY", query.replace('"', r"\"")))
    return newsroom


@pytest.fixture
def read(newsroom: Newsroom) -> Newsroom:
    configured(newsroom, "x")
    titled(newsroom, BBC, "BBC News")
    titled(newsroom, GUARDIAN, "World news | The Guardian")
    newsroom.poll()
    return newsroom


KNOWN = ("outlet:guardian", 'outlet:"The Guardian"', "outlet:theguardian.com", "outlet:bbc*", 'outlet:"BBC News"')
"""The examples of docs/queries.md among them."""


@pytest.mark.parametrize("query", KNOWN)
def test_names_that_an_outlet_has_are_fine(read: Newsroom, query: str) -> None:
    assert warn_of_outlets(configured(read, query).settings, read.store) == []


@pytest.mark.parametrize(
    ("query", "meant"),
    [("a -outlet:bbc", 'outlet:"BBC News"'), ("outlet:gaurdian", '"The Guardian"'), ("outlets(outlet:bbc)>=2", '"BBC News"')],
)
def test_a_name_that_no_outlet_has_is_told_with_the_one_that_is_meant(read: Newsroom, query: str, meant: str) -> None:
    (told,) = warn_of_outlets(configured(read, query).settings, read.store)
    assert told.startswith("topic t asks for outlet:") and "no source has this outlet so far; did you mean" in told
    assert meant in told


def test_before_the_first_poll_only_what_no_feed_may_be_called_is_told(newsroom: Newsroom) -> None:
    assert warn_of_outlets(configured(newsroom, "outlet:bbc OR outlet:guardian").settings) == []
    assert warn_of_outlets(configured(newsroom, "outlet:reuters").settings) == [
        "topic t asks for outlet:reuters: no source has this outlet so far"
    ]
    assert len(warn_of_outlets(configured(newsroom, "outlet:reuters*").settings)) == 1
    passed_on = CONFIG.replace("title: The Guardian", "aggregator: true").replace("QUERY", "outlet:reuters")
    newsroom.configure(passed_on)
    assert warn_of_outlets(newsroom.settings) == [], "its entries name their outlets, and none is there yet"


def test_an_outlet_that_only_stored_entries_have_is_known(read: Newsroom) -> None:
    read.configure(f"sources: [{{id: bbc, url: '{BBC}', drop: 'outlet:guardian OR outlet:reuters'}}]")
    assert [one.partition(" asks for ")[2].split(":")[1] for one in warn_of_outlets(read.settings, read.store)] == ["reuters"]


def test_check_looks_into_the_database_where_there_is_one(read: Newsroom) -> None:
    if not (database := read.folder / "news.db").exists():
        pytest.skip("needs SQLite, as a file")
    settings = configured(read, "outlet:bbc").settings
    elsewhere = replace(settings, storage=replace(settings.storage, database=str(read.folder / "none.db")))
    there = replace(settings, storage=replace(settings.storage, database=str(database)))
    assert find_unknown_outlets(elsewhere) == [], "its feed may call itself BBC"
    assert len(find_unknown_outlets(there)) == 1


def run(newsroom: Newsroom, command: object, arguments: Sequence[str]) -> str:
    application = SimpleNamespace(store=newsroom.store, settings=newsroom.settings, rules=newsroom.rules)
    return CliRunner().invoke(command, arguments, obj=application, catch_exceptions=False).stderr  # type: ignore[arg-type]


def test_the_commands_tell_it(read: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: START)
    hint = 'outlet:bbc: no source has this outlet so far; did you mean outlet:"BBC News"?'
    assert hint in run(read, search.command, ["outlet:bbc"])
    assert hint in run(read, topics.try_query, ["outlet:bbc"])
    assert "outlet" not in run(read, search.command, ["outlet:guardian"]) + run(read, search.command, ["volcano"])
    configured(read, "outlet:bbc")
    assert f"topic t asks for {hint}" in run(read, plan.command, [])
