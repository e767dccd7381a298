"""The output of `inspect` for one document, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from aggregator.commands.inspect import command
from aggregator.errors import AggregatorError, UsageError
from tests.unit.parse.test_read import rss

ITEMS = "<item><title>One & more</title><link>/1?utm_source=x</link></item>" + "<item><title>Same</title></item>" * 2


def inspected(tmp_path: Path, text: str, *options: str) -> Result:
    path = tmp_path / "feed.xml"
    path.write_text(text)
    return CliRunner().invoke(command, [str(path), *options])


def test_json_has_the_link_as_sent_and_the_address_in_use(tmp_path: Path) -> None:
    told = json.loads(inspected(tmp_path, rss(ITEMS), "--json").output)
    assert (told["title"], told["format"], told["charset"]) == ("Harbour News", "rss 2.0", "utf-8")
    first = told["entries"][0]
    assert (first["link"], first["url"]) == ("https://news.example.org/1?utm_source=x", "https://news.example.org/1")


def test_ids_are_made_where_there_are_none_and_differ(tmp_path: Path) -> None:
    twice = [json.loads(inspected(tmp_path, rss(ITEMS), "--json").output)["entries"] for _ in range(2)]
    ids = [entry["id"] for entry in twice[0]]
    assert len(set(ids)) == 3 and all(ids)
    assert ids == [entry["id"] for entry in twice[1]]


def test_a_person_is_told_what_was_mended(tmp_path: Path) -> None:
    output = inspected(tmp_path, rss(ITEMS)).output
    assert "warning: not well-formed" in output
    assert "3 entries" in output
    assert "One & more" in output


def test_one_entry_is_one_and_a_mended_place_is_named_once(tmp_path: Path) -> None:
    output = inspected(tmp_path, rss("<item><title>One & more</title></item>")).output
    assert "\n1 entry\n" in output
    assert ", line " in output and "<string>" not in output


def test_what_is_no_feed_is_told_in_words(tmp_path: Path) -> None:
    failed = inspected(tmp_path, "<html><p>not here</p></html>").exception
    assert isinstance(failed, AggregatorError)
    assert str(failed) == "html: a web page, not a feed"
    missing = CliRunner().invoke(command, [str(tmp_path / "nothing.xml")]).exception
    assert isinstance(missing, UsageError)
