"""What an address is on the wire, and where a Location may lead."""

from __future__ import annotations

import pytest

from aggregator.fetch import target
from aggregator.fetch.target import Target, follow_location, parse_target, show_url
from aggregator.model import Fault, FaultKind


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("http://news.example", "http://news.example/"),
        ("HTTPS://News.Example:443/Feed.xml#latest", "https://news.example/Feed.xml"),
        ("http://news.example:80/?a=1", "http://news.example/?a=1"),
        ("http://news.example:8080/feed", "http://news.example:8080/feed"),
        ("http://reader:p%40ss@news.example/feed", "http://news.example/feed"),
        (
            "http://h.example/caf%C3%A9/%7Euser/a%2Fb;v=1/x.xml?q=%e2%82%ac&x=1+2&y=%20&z=a%26b",
            "http://h.example/caf%C3%A9/%7Euser/a%2Fb;v=1/x.xml?q=%e2%82%ac&x=1+2&y=%20&z=a%26b",
        ),
        ("http://h.example/bücher–neu.xml?q=żółw", "http://h.example/b%C3%BCcher%E2%80%93neu.xml?q=%C5%BC%C3%B3%C5%82w"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://2130706433/x", "http://127.0.0.1/x"),
        ("http://012.0377.0377.01/x", "http://10.255.255.1/x"),
        ("http://[::1]:81/x", "http://[::1]:81/x"),
    ],
)
def test_an_address_goes_out_in_ascii_and_otherwise_as_written(url: str, wire: str) -> None:
    target = parse_target(url)
    assert isinstance(target, Target) and target.url == wire


@pytest.mark.parametrize(
    "url",
    [
        "",
        "news.example/feed",
        "feed://news.example/",
        "file:///etc/hostname",
        "http://",
        "http://[::1",
        "http://a b/",
        "http://h:99999/",
    ],
)
def test_what_is_no_web_address_is_a_fault(url: str) -> None:
    fault = parse_target(url)
    assert isinstance(fault, Fault) and fault.kind is FaultKind.URL


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host", ["news.example", "a.b-c.co.uk", "127.0.0.1", "1.2.3.ab", "News.example", "news.example:8080", "x"]
)
@pytest.mark.parametrize(
    "rest", ["", "/", "/a/b.xml", "/a?b=c&d", "/a?", "/a#b", "/a?#", "/a/../b", "/a b", "/%7Ea", "/a//b", "?q"]
)
def test_the_short_way_of_plain_addresses_leads_to_the_same(
    monkeypatch: pytest.MonkeyPatch, scheme: str, host: str, rest: str
) -> None:
    url = f"{scheme}://{host}{rest}"
    short = parse_target.__wrapped__(url)
    monkeypatch.setattr(target, "is_plain", lambda url: False)
    assert short == parse_target.__wrapped__(url)


def test_a_password_in_the_url_becomes_credentials() -> None:
    target = parse_target("http://reader:open%20sesame@news.example/feed")
    assert isinstance(target, Target) and target.authorization == "Basic cmVhZGVyOm9wZW4gc2VzYW1l"


BASE = parse_target("https://news.example/a/feed.xml?x=1")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("../b", "https://news.example/b"),
        ("?page=2", "https://news.example/a/feed.xml?page=2"),
        ("//cdn.example/feed", "https://cdn.example/feed"),
        (" https://new.example/f\u00e9ed one ", "https://new.example/f%C3%A9ed%20one"),
        ("https://new.example/x\r\nX-Evil: 1", "https://new.example/xX-Evil:%201"),
        ("https://user:pass@new.example/", "https://new.example/"),
    ],
)
def test_a_location_is_resolved(location: str, url: str) -> None:
    assert isinstance(BASE, Target)
    target = follow_location(BASE, location)
    assert isinstance(target, Target) and target.url == url


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("file:///etc/hostname", "file:"),
        ("javascript:alert(1)", "javascript:"),
        ("data:text/xml,<rss/>", "data:"),
        ("gopher://news.example/0/", "gopher:"),
        ("http://news.example/feed", "https down to http"),
        ("https://[bad", "invalid"),
        ("", "without an address"),
    ],
)
def test_other_schemes_and_a_fall_to_http_are_refused(location: str, word: str) -> None:
    assert isinstance(BASE, Target)
    fault = follow_location(BASE, location)
    assert isinstance(fault, Fault) and fault.kind is FaultKind.REDIRECT and word in fault.detail


def test_a_message_shows_no_secret_and_no_control_character() -> None:
    text = show_url("https://reader:secret@news.example/feed\x1b[31m?key=secret")
    assert "secret" not in text and text.isprintable() and text.startswith("https://news.example/feed")
