"""Content coding and conditional requests by RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.serve.negotiation import coding, form_of_feed, is_current

ALL = ("br", "gzip", "identity")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br", "br"),
        ("gzip;q=0", "identity"),
        ("br;q=0 , gzip ; q=0.000", "identity"),
        ("gzip;q=0.2, identity;q=1", "identity"),
        ("identity;q=0.1, gzip;q=0.9", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("*;q=0, identity", "identity"),
        ("*", "br"),
        ("compress", "identity"),
        ("*;q=0", "identity"),
        ("gzip;q=2", "identity"),
        (";;q=,gzip;q=abc,=;", "identity"),
    ],
)
def test_coding(accepted: str | None, expected: str) -> None:
    assert coding(accepted, ALL) == expected


FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
MINIFLUX = (
    "application/xml, application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, text/html, */*;q=0.9"
)
SIMPLEPIE = (
    "application/atom+xml, application/rss+xml, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, "
    "text/html;q=0.7, unknown/unknown;q=0.1, application/unknown;q=0.1, */*;q=0.1"
)
FEEDPARSER = (
    "application/atom+xml,application/rdf+xml,application/rss+xml,application/x-netcdf,application/xml;q=0.9,text/xml;q=0.2,"
    "*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accepted", "form"),
    [
        (FIREFOX, "html"),
        (CHROMIUM, "html"),
        ("text/html", "html"),
        ("text/html;level=1, application/atom+xml;q=0.5", "html"),
        (None, "atom"),
        ("", "atom"),
        ("*/*", "atom"),
        ("text/*, */*;q=0.1", "atom"),
        ("text/html;q=0.5, */*", "atom"),
        ("application/xml, text/xml, text/html;q=0.7", "atom"),
        ("text/html, application/rss+xml", "rss"),
        ("text/html;q=0", "atom"),
        (
            "application/rss+xml, application/rdf+xml;q=0.8, application/atom+xml;q=0.6, application/xml;q=0.4, text/xml;q=0.4",
            "rss",
        ),
        ("application/feed+json, text/html", "json"),
        ("application/rdf+xml, text/html", "atom"),
        (MINIFLUX, "atom"),
        (SIMPLEPIE, "atom"),
        (FEEDPARSER, "atom"),
        ("text/html;q=abc, ;;, /, text/", "atom"),
    ],
)
def test_only_who_prefers_html_gets_a_page_in_place_of_a_feed(accepted: str | None, form: str) -> None:
    assert form_of_feed(accepted) == form


@given(some.text(max_size=60), some.sampled_from([ALL, ("identity",)]))
def test_any_header_gets_a_coding_that_is_there(accepted: str, available: tuple[str, ...]) -> None:
    assert coding(accepted, available) in available


MODIFIED = 1_686_830_400
SAME, LATER, EARLIER = ("Thu, 15 Jun 2023 12:00:00 GMT", "Thu, 15 Jun 2023 12:00:01 GMT", "Thu, 15 Jun 2023 11:59:59 GMT")


@pytest.mark.parametrize(
    ("none_match", "modified_since", "current"),
    [
        (None, None, False),
        ('"x"', None, True),
        ('W/"x"', None, True),
        ('"a", W/"b,c", "x" , "d"', None, True),
        ("*", None, True),
        ('"y"', None, False),
        ('"x', None, False),
        ("x", None, False),
        ('x"y,,;', None, False),
        ('"y"', SAME, False),
        (None, SAME, True),
        (None, LATER, True),
        (None, EARLIER, False),
        (None, "yesterday", False),
        (None, "", False),
    ],
)
def test_current(none_match: str | None, modified_since: str | None, current: bool) -> None:
    assert is_current(none_match, modified_since, '"x"', MODIFIED) is current


@given(some.text(max_size=40), some.text(max_size=40))
def test_no_header_breaks_it(none_match: str, modified_since: str) -> None:
    is_current(none_match, modified_since, '"x"', MODIFIED)
    is_current(None, modified_since, '"x"', MODIFIED)
