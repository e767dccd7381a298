"""What is taken from a hook's answer: untrusted, as what a feed sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.enrich.answer import MAX_ANSWER, MAX_SUMMARY, MAX_TAGS, BadAnswerError, read_answer
from aggregator.model import Enrichment
from aggregator.settings import Hook

HOOK = Hook("model")


def read(hook: Hook = HOOK, **told: Any) -> Enrichment:
    return read_answer(hook, json.dumps(told).encode(), "A headline")


def test_what_is_told_is_taken_and_the_rest_is_left() -> None:
    told = read(summary="Short.", title="Schlagzeile", tags=["Trade", "trade", "eu"], language="de", mood="gloomy")
    assert told == Enrichment("model", "Schlagzeile", "Short.", ("Trade", "eu"), "de", "A headline")


def test_nothing_is_an_answer() -> None:
    assert read() == read(summary=None, tags=None) == Enrichment("model", of="A headline")


def test_only_the_fields_that_the_config_wants_are_taken() -> None:
    told = read(Hook("model", fields=("summary",)), summary="Short.", title="T", tags=["x"])
    assert (told.summary, told.title, told.tags) == ("Short.", "", ())


def test_tags_are_those_that_the_hook_may_give_as_the_config_spells_them() -> None:
    assert read(Hook("model", tags=("Economy", "war")), tags=["ECONOMY", "sport", "War"]).tags == ("Economy", "war")


@pytest.mark.parametrize("tag", ["", "a\x00b", "<b>x</b>", "https://evil.example/", "x" * 61, "‮evil", "-x", "a\nb"])
def test_what_is_no_tag_is_left_out_or_cleaned(tag: str) -> None:
    for found in read(tags=[tag]).tags:
        assert found.isprintable() and not set("<>:‮\x00") & set(found) and len(found) <= 60


def test_markup_and_scripts_become_plain_text() -> None:
    told = read(
        summary="<p>One &amp; two.</p><script>alert(1)</script><p onclick='x()'>Three <a href='javascript:x'>four</a>.</p>",
        title="<b>Bold</b> <img src=x onerror=alert(1)>claim",
    )
    assert told.summary == "One & two.\nThree four."
    assert told.title == "Bold claim"


def test_less_than_is_no_markup() -> None:
    assert read(summary="Inflation < 2 % & falling").summary == "Inflation < 2 % & falling"


def test_paragraphs_stay_and_controls_go() -> None:
    assert read(summary="One\x1b[31m.\nStill one.\n\n\nTwo‮.\x00").summary == "One[31m. Still one.\nTwo."


def test_lengths_are_bounded() -> None:
    told = read(summary="word " * 3_000, title="word " * 500, tags=[f"t{number}" for number in range(200)])
    assert len(told.summary) <= MAX_SUMMARY and len(told.title) <= 300 and len(told.tags) == MAX_TAGS


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "answered nothing"),
        (b"Sure! Here is your summary", "not JSON"),
        (b'{"summary": "cut', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b'["summary"]', "no object"),
        (b'"summary"', "no object"),
        (b'{"summary": 7}', "`summary` must be text"),
        (b'{"summary": ["a"]}', "`summary` must be text"),
        (b'{"title": {"de": "x"}}', "`title` must be text"),
        (b'{"tags": "a, b"}', "`tags` must be a list"),
        (b'{"tags": [1]}', "`tags` must be a list"),
        (b'{"language": "the German one"}', "`language`"),
        (b'{"summary": "' + b"x" * MAX_ANSWER + b'"}', "longer than 64 KiB"),
    ],
)
def test_what_can_not_be_used_is_told(body: bytes, why: str) -> None:
    with pytest.raises(BadAnswerError, match=why):
        read_answer(HOOK, body, "A headline")


def test_lone_surrogates_do_not_reach_the_store() -> None:
    told = read_answer(HOOK, b'{"summary": "a\\ud800b", "title": "c\\udfffd", "tags": ["e\\ud800"]}', "A headline")
    for text in (told.summary, told.title, *told.tags):
        text.encode()
