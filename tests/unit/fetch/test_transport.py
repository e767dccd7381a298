"""What goes over the wire without httpx is what httpx would send."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.fetch.target import Target, parse
from aggregator.fetch.transport import message_of

PLACES = "example.org|example.org:8080|bücher.example|EXAMPLE.org:443|127.0.0.1:81|[::1]:8000|[2001:db8::1]|a_b.example"


def compare(url: str, content: bytes = b"") -> None:
    target = parse(url)
    if not isinstance(target, Target):
        return
    pairs = [(b"User-Agent", b"us"), (b"Connection", b"close")]
    ours = message_of("POST" if content else "GET", target, pairs, content)
    its = httpx.Request(ours.method.decode(), target.url, headers=pairs, content=content or None)
    place = (its.url.raw_scheme, its.url.raw_host, its.url.port or {"http": 80, "https": 443}[its.url.scheme], its.url.raw_path)
    assert (ours.url.scheme, ours.url.host, ours.url.port, ours.url.target) == place
    assert ours.headers == its.headers.raw


@pytest.mark.parametrize("place", PLACES.split("|"))
@pytest.mark.parametrize("rest", ["", "/", "/a/../b/./c?d=e", "/%7Euser/ä b'(1)!*;,=:@&+$?q=[x]'|^&%zz=%41#here", "//x?y?z"])
def test_places_and_paths(place: str, rest: str) -> None:
    for scheme in ("http", "https"):
        compare(f"{scheme}://{place}{rest}")


def test_what_is_sent_has_its_length() -> None:
    compare("https://hub.example/?a=b", b"hub.mode=subscribe")


@given(some.text(some.characters(min_codepoint=0x20, max_codepoint=0x17F), max_size=60))
def test_any_path(rest: str) -> None:
    compare(f"http://example.org/{rest}")
