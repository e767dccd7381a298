"""Limits on one document: what exceeds them is dropped and counted, and takes no long time."""

from __future__ import annotations

import time

import pytest

from aggregator.model import Fault, FaultKind, Feed
from aggregator.parse.entries import MAX_ENTRIES, MAX_NAMES, MAX_TEXT, MAX_TITLE
from tests.unit.parse.test_read import fault, feed, rss


def test_entries_beyond_the_cap_are_counted() -> None:
    found = feed(rss("<item><title>x</title></item>" * (MAX_ENTRIES + 7)))
    assert (len(found.entries), found.dropped) == (MAX_ENTRIES, {"cap:entries": 7})


def test_a_long_title_ends_in_an_ellipsis() -> None:
    found = feed(rss(f"<item><title>{'word ' * 1000}</title></item><item><title>{'x' * (MAX_TEXT + 5)}</title></item>"))
    assert all(len(entry.title) <= MAX_TITLE and entry.title.endswith("…") for entry in found.entries)
    assert found.dropped == {"cap:title": 2}


def test_a_long_text_is_cut_and_stays_clean() -> None:
    found = feed(rss(f"<item><description>&lt;p&gt;{'word ' * (MAX_TEXT // 5)}&lt;/p&gt;</description></item>"))
    assert found.dropped == {"cap:text": 1}
    assert found.entries[0].summary.endswith("</p>")
    assert len(found.entries[0].summary) <= MAX_TEXT + 100


def test_many_categories_authors_and_enclosures() -> None:
    many = "".join(
        f"<category>t{n}</category><dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'>p{n}</dc:creator>"
        f"<enclosure url='https://cdn.example/{n}'/>"
        for n in range(MAX_NAMES + 3)
    )
    found = feed(rss(f"<item><title>x</title>{many}</item>"))
    entry = found.entries[0]
    assert len(entry.categories) == len(entry.authors) == len(entry.enclosures) == MAX_NAMES
    assert found.dropped == {"cap:categories": 3, "cap:authors": 3, "cap:enclosures": 3}


def test_deep_html_keeps_its_text_and_is_counted() -> None:
    found = feed(rss("<item><description>" + "&lt;div&gt;" * 900 + "deep" + "&lt;/div&gt;" * 900 + "</description></item>"))
    assert found.entries[0].text == "deep"
    assert found.dropped == {"cap:depth": 1}


def test_deep_xml_keeps_its_text_and_is_counted() -> None:
    found = feed(rss("<item><title>x</title><description>" + "<b>" * 900 + "deep" + "</b>" * 900 + "</description></item>"))
    assert found.entries[0].text == "deep"
    assert found.dropped["cap:depth"] > 600


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"items": ' + "[" * 100_000,
        '{"version": "https://jsonfeed.org/version/1", "items": [], "n": ' + "9" * 100_000 + "}",
        "<rss><channel>" + "<item>" * 100_000,
        "<rss " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>",
        "<" * 100_000,
        "<rss" * 20_000,
    ],
    ids=["lists", "deep-items", "long-number", "open-items", "attributes", "brackets", "roots"],
)
def test_shapeless_documents_end_in_a_feed_or_a_fault(text: str) -> None:
    from tests.unit.parse.test_read import read

    assert isinstance(read(text), Feed | Fault)


@pytest.mark.parametrize("part", ["&lt;!--", "&lt;a =", "&lt;script&gt;", "&lt;", "a@", " (", "&amp;", "&lt;a b=&gt;", "x ="])
def test_long_rubbish_in_short_fields_is_read_in_time(part: str) -> None:
    text = part * (60_000 // len(part))
    fields = f"<title>{text}</title><author>{text[:900]}</author><category>{text}</category><pubDate>{text[:90]}</pubDate>"
    started = time.process_time()
    assert len(feed(rss(f"<item>{fields}</item>", f"<title>{text}</title>")).entries) == 1
    assert time.process_time() - started < 1


def test_a_fault_quotes_no_control_characters() -> None:
    found = fault("<rss><channel><item><title>\x1b[2J\n2026-01-01 CRITICAL forged\n<b></rss>")
    assert found.kind == FaultKind.PARSE
    assert found.detail.isprintable()
