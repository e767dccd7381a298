"""Addresses: one article, one key; what a feed holds never breaks anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.canonical import canonical, without_tracking
from aggregator.text.urls import registrable_domain, resolve


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.Example.com:443/a/../b", "example.com/b"),
        ("http://example.com", "example.com"),
        ("http://example.com:8080/a", "example.com:8080/a"),
        ("https://m.example.org/story/", "example.org/story"),
        ("https://m.co.uk/story", "m.co.uk/story"),
        ("https://example.org/2023/06/story/amp/", "example.org/2023/06/story"),
        ("https://example.org/story.amp.html", "example.org/story.html"),
        ("https://example.org/story?amp=1&page=2", "example.org/story?page=2"),
        ("https://amp.example.org/story", "example.org/story"),
        ("https://www.google.com/amp/s/www.example.org/story/amp", "example.org/story"),
        ("https://www-example-org.cdn.ampproject.org/c/s/www.example.org/story?id=4", "example.org/story?id=4"),
        ("https://example.org/?p=12&utm_source=rss", "example.org?p=12"),
        ("https://example.org/item?id=2&a=1", "example.org/item?id=2&a=1"),
        ("https://example.org/a?source=rss&src=rss-feed&ref=homepage", "example.org/a"),
        ("https://example.org/a?source=reuters&from=2023", "example.org/a?source=reuters&from=2023"),
        ("https://example.org/a?&amp;utm_medium=RSS&at_campaign=x&ito=1490", "example.org/a"),
        ("https://example.org/a#comments", "example.org/a"),
        ("https://example.org/#!/story/7", "example.org#!/story/7"),
        ("https://example.org/%7ejoe/%c3%a9", "example.org/~joe/%C3%A9"),
        ("https://example.org/Case/Kept", "example.org/Case/Kept"),
        ("https://münchen.example/straße", "xn--mnchen-3ya.example/stra%C3%9Fe"),
        ("http://[2001:DB8::1]:80/a", "[2001:db8::1]/a"),
        ("https://example.org//a//index.html", "example.org/a"),
    ],
)
def test_one_article_has_one_key(url: str, key: str) -> None:
    assert canonical(url) == key


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "ftp://example.org/a",
        "javascript:alert(1)",
        "https://user:secret@example.org/",
        "https://",
        "http://a b/",
        "/relative",
        "x:y",
        "http://[::1",
        "http://h:99999/",
    ],
)
def test_what_is_no_web_address_has_no_key(url: str) -> None:
    assert canonical(url) is None


@pytest.mark.parametrize(
    ("base", "url", "result"),
    [
        ("https://example.org/feed/", "../a", "https://example.org/a"),
        ("https://example.org/feed", "//cdn.example.net/x", "https://cdn.example.net/x"),
        ("https://example.org/", " https://example.org/a\n b ", "https://example.org/a%20b"),
        ("https://example.org/x", "?id=1", "https://example.org/x?id=1"),
        (None, "https://example.org/100%/a", "https://example.org/100%25/a"),
        (None, "https://example.org/caf\u00e9", "https://example.org/caf%C3%A9"),
        ("https://example.org/", "javascript:alert(1)", None),
        ("https://example.org/", "https://name@evil.example/", None),
        (None, "relative", None),
        (None, "https://example.org/a?", "https://example.org/a"),
        (None, "https://example.org/a#", "https://example.org/a"),
        (None, "https://example.org/a/../b", "https://example.org/b"),
        (None, f"https://{'label.' * 45}example/", None),  # a name of more than 253 characters
    ],
)
def test_links_are_made_absolute(base: str | None, url: str, result: str | None) -> None:
    assert resolve(base, url) == result


def test_tracking_is_taken_off_and_the_rest_left_as_it_was() -> None:
    assert without_tracking("https://Example.org/A?utm_source=x&B=%7e&fbclid=1#part") == "https://Example.org/A?B=%7e#part"
    assert without_tracking("https://example.org/a?utm_source=x#ftag=CAD12") == "https://example.org/a"
    assert without_tracking("https://example.org/a?b") == "https://example.org/a?b"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("https://feeds.example.com:8080/x", "example.com"),
        ("WWW.Example.COM.", "example.com"),
        ("joe.github.io", "joe.github.io"),
        ("192.0.2.7", "192.0.2.7"),
        ("http://192.0.2.7:8080/feed.xml", "192.0.2.7"),
        ("http://[2001:db8::1]/a", "[2001:db8::1]"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
        ("", ""),
        ("http://a b", ""),
    ],
)
def test_registrable_domain(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


_hosts = st.sampled_from(
    ["example.org", "www.example.org", "m.news.example.co.uk", "müller.example", "192.0.2.1", "[::1]", "amp.www.a.b"]
)
_parts = st.text(st.sampled_from("abcAMP/.%?&=;#!2é _-:@[]\\"), max_size=30)


@given(st.builds("https://{}{}{}".format, _hosts, st.sampled_from(["", "/", ":443/", ":81/"]), _parts))
def test_keys_are_stable(url: str) -> None:
    key = canonical(url)
    if key is not None:
        assert canonical("https://" + key) == key
        assert canonical("http://" + key) == key


@given(st.builds("https://{}/{}".format, _hosts, _parts))
def test_resolving_twice_changes_nothing(url: str) -> None:
    once = resolve(None, url)
    if once is not None:
        assert resolve(None, once) == once
        assert once.isascii() and not any(c.isspace() for c in once)


@given(
    st.builds(
        "https://{}{}".format,
        st.sampled_from(["example.org/", "www.a-b.co.uk/x", "1.2.3.org/", "a.co.uk:8080/", "192.0.2.7:80/"]),
        _parts,
    )
)
def test_what_is_seen_to_be_resolved_is_what_resolving_makes_of_it(url: str) -> None:
    """A blank before an address makes it one that must be taken apart."""
    assert resolve(None, url) == resolve(None, " " + url)
    assert registrable_domain(url) == registrable_domain(" " + url)


@given(st.builds("https://example.org/{}".format, _parts))
def test_an_address_without_tracking_is_the_same_article(url: str) -> None:
    url = resolve(None, url) or ""
    assert canonical(without_tracking(url)) == canonical(url)
    assert without_tracking(without_tracking(url)) == without_tracking(url)


@given(st.text(), st.text())
def test_nothing_raises(base: str, url: str) -> None:
    resolve(base, url)
    canonical(url)
    without_tracking(url)
    registrable_domain(url)
