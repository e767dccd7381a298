"""What goes over the wire is what httpx would send, and any transport of httpx does in place of ours."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from aggregator.fetch.target import Target, parse_target
from aggregator.fetch.transport import head_of, origin_of
from aggregator.model import FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest

from .origin import NOW, RSS, Exchange, fetching, serving, settings

PLACES = "example.org|example.org:8080|bücher.example|EXAMPLE.org:443|127.0.0.1:81|[::1]:8000|[2001:db8::1]|a_b.example"


def compare(url: str, content: bytes | None = None) -> None:
    """The target of an address, and what httpx and we make of it."""
    target = parse_target(url)
    if not isinstance(target, Target):
        return
    method = "POST" if content else "GET"
    request = httpx.Request(method, target.url, headers=[(b"User-Agent", b"us"), (b"Connection", b"close")], content=content)
    assert origin_of(request.url) == target.origin
    first, *lines, _, _ = head_of(request).split(b"\r\n")
    place, path = target.url.split("/", 3)[2:]
    assert first == f"{method} /{path} HTTP/1.1".encode()
    length = [b"Content-Length: %d" % len(content)] if content else []
    assert lines == [b"Host: " + place.encode(), b"User-Agent: us", b"Connection: close", *length]


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


@pytest.mark.parametrize("url", ["ftp://a.example/", "http:///", "/"])
def test_what_is_no_web_address_is_not_asked(url: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        origin_of(httpx.URL(url))


# --- the seam
async def document(exchange: Exchange) -> None:
    if exchange.target == "/":
        await exchange.reply(301, "Location: /feed.xml")
    else:
        await exchange.reply(200, 'ETag: "1"')


def test_httpx_s_own_transport_does_in_place_of_ours() -> None:
    async def run(transport: httpx.AsyncBaseTransport | None) -> tuple[object, ...]:
        async with serving(document) as origin, fetching(settings(), transport=transport) as fetcher:
            outcome = await fetcher.fetch(FetchRequest(origin.base + "/"), NOW)
            assert isinstance(outcome, Fetched)
            return outcome.body, outcome.status, outcome.headers, outcome.validators, [hop.status for hop in outcome.hops]

    own, its = asyncio.run(run(None)), asyncio.run(run(httpx.AsyncHTTPTransport()))
    assert own == its and own[0] == RSS


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), FaultKind.CONNECT),
        (httpx.ConnectTimeout("slow"), FaultKind.TIMEOUT),
        (httpx.ReadTimeout("slow"), FaultKind.TIMEOUT),
        (httpx.ReadError("reset"), FaultKind.CONNECT),
        (httpx.RemoteProtocolError("odd"), FaultKind.PROTOCOL),
        (httpx.LocalProtocolError("Illegal header value b'secret'"), FaultKind.PROTOCOL),
        (httpx.UnsupportedProtocol("ftp"), FaultKind.CONNECT),
    ],
)
def test_what_any_transport_raises_is_a_fault(error: Exception, kind: FaultKind) -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise error

    async def run() -> FetchOutcome:
        async with fetching(settings(), transport=httpx.MockTransport(fails)) as fetcher:
            return await fetcher.fetch(FetchRequest("http://news.example/"), NOW)

    outcome = asyncio.run(run())
    assert isinstance(outcome, FetchFailed) and outcome.fault.kind is kind and "secret" not in outcome.fault.detail
