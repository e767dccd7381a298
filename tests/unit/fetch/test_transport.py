"""What goes over the wire without httpx is what httpx would send."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.fetch.request import header_lines
from aggregator.fetch.target import Target, parse
from aggregator.fetch.transport import request_of

PLACES = "example.org|example.org:8080|bücher.example|EXAMPLE.org:443|127.0.0.1:81|[::1]:8000|[2001:db8::1]|a_b.example"


def compare(url: str, content: bytes = b"") -> None:
    target = parse(url)
    if not isinstance(target, Target):
        return
    pairs = [(b"User-Agent", b"us"), (b"Connection", b"close")]
    method = "POST" if content else "GET"
    its = httpx.Request(method, target.url, headers=pairs, content=content or None)
    assert (target.scheme, target.host) == (its.url.scheme, its.url.raw_host.decode())
    assert target.port == its.url.port or its.url.port is None
    lines = b"".join(b"%b: %b\r\n" % pair for pair in its.headers.raw)
    whole = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), its.url.raw_path, lines, content)
    assert request_of(method, target, header_lines(pairs), content) == whole


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
