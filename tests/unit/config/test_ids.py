"""Ids made from addresses: readable, stable, never with a secret in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.config.ids import assign, derive
from aggregator.config.values import ID_FORM, MAX_ID
from tests.unit.config.conftest import PATIENT

DERIVED = {
    "https://feeds.bbci.co.uk/news/world/rss.xml": "feeds.bbci.co.uk-news-world",
    "https://www.example.org/feed/": "example.org",
    "http://example.org/atom.xml": "example.org",
    "https://example.org": "example.org",
    "https://blog.example.org/tag/Climate%20Change/index.xml": "blog.example.org-tag-climate-change",
    "https://me:hunter2@example.org/feed?key=hunter2": "example.org",
    "https://feedbin.com/starred/3f9c8e7d6b5a4c3d2e1f/atom.xml": "feedbin.com-starred",
    "https://kill-the-newsletter.com/feeds/w8s9d2k1m4x7q0z3.xml": "kill-the-newsletter.com",
    "https://example.org/${TOKEN}/news": "example.org-news",
    "http://127.0.0.1:9000/1.xml": "127.0.0.1-1",
    "http://[::1]/1.xml": "1-1",
    "https://münchen.example/straße": "munchen.example-strasse",
    "https://example.org/世界/rss": "example.org",
}


@pytest.mark.parametrize("url", DERIVED)
def test_from_the_address(url: str) -> None:
    assert derive(url) == DERIVED[url]


def test_what_is_left_of_nothing_is_still_an_id() -> None:
    assert re.fullmatch("source-[0-9a-f]{6}", derive("https://世界/"))


def test_the_second_of_two_alike_gets_a_mark_of_its_own_address() -> None:
    first, second, written = assign(
        [(None, "https://a.example/feed"), (None, "https://a.example/rss"), ("a.example-x", "https://b.example/")]
    )
    assert first == "a.example"
    assert re.fullmatch(r"a\.example-[0-9a-f]{6}", second)
    assert written == "a.example-x"


def test_written_ids_come_first() -> None:
    derived, written = assign([(None, "https://a.example/feed"), ("a.example", "https://b.example/")])
    assert written == "a.example"
    assert derived != "a.example"


@PATIENT
@given(some.lists(some.one_of(some.text(), some.from_regex(r"https?://[a-z.]{1,20}/\S{0,80}", fullmatch=True)), max_size=6))
def test_always_ids_and_always_different(urls: list[str]) -> None:
    found = assign([(None, url) for url in urls])
    assert len(set(found)) == len(urls)
    for one in found:
        assert ID_FORM.fullmatch(one)
        assert len(one) <= MAX_ID
        assert ".." not in one
