"""Fetching over real sockets on loopback: redirects, credentials, validators, reuse, addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from aggregator.fetch.hosts import HostGate
from aggregator.model import FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest, Hop, NotModified, Validators

from .origin import NOW, RSS, Act, Exchange, fetch, fetching, serving, settings


def redirecting(*hops: tuple[int, str]) -> Act:
    """Redirects along /feed.xml, /1, /2 … with these statuses and places ("" is the next one), then a document."""

    async def act(exchange: Exchange) -> None:
        name = exchange.target.partition("?")[0].strip("/")
        step = int(name) if name.isdigit() else 0
        if step < len(hops):
            status, place = hops[step]
            await exchange.reply(status, f"Location: {place or f'/{step + 1}'}", body=b"moved")
        else:
            await exchange.reply()

    return act


def fault(outcome: FetchOutcome) -> tuple[FaultKind, str]:
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.fault.detail.isprintable()
    return outcome.fault.kind, outcome.fault.detail


def test_a_document_is_fetched_with_its_headers_and_validators() -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply(200, 'ETag: "\xe9"', "Last-Modified: yesterday", "X-Place: K\xf6ln", "Content-Type: text/xml")

    outcome = fetch(act)
    assert isinstance(outcome, Fetched) and outcome.body == RSS
    assert outcome.validators == Validators('"\xe9"', "yesterday")
    assert outcome.header("x-place") == "K\xf6ln" and outcome.url.endswith("/feed.xml")


def test_validators_go_back_byte_for_byte_and_a_304_is_understood() -> None:
    async def act(exchange: Exchange) -> None:
        if exchange.headers.get("if-none-match") == '"\xe9"' and exchange.headers.get("if-modified-since") == "yesterday":
            await exchange.send(b'HTTP/1.1 304 Not Modified\r\nETag: "v2"\r\nContent-Length: 4321\r\n\r\n')
        else:
            await exchange.reply(500)

    outcome = fetch(act, requests=lambda base: FetchRequest(f"{base}/f", Validators('"\xe9"', "yesterday"), f"{base}/f"))
    assert isinstance(outcome, NotModified) and outcome.validators == Validators('"v2"', "yesterday")


@pytest.mark.parametrize("statuses", [(301,), (302, 307), (303,), (308, 301, 302, 307, 301)])
def test_redirects_are_followed_and_told(statuses: tuple[int, ...]) -> None:
    outcome = fetch(redirecting(*((status, "") for status in statuses)))
    assert isinstance(outcome, Fetched)
    assert tuple(hop.status for hop in outcome.hops) == statuses
    assert outcome.url.endswith(f"/{len(statuses)}") and isinstance(outcome.hops[0], Hop)


@pytest.mark.parametrize(
    ("act", "kind", "word"),
    [
        (redirecting(*[(302, "")] * 6), FaultKind.REDIRECT, "too many redirects"),
        (redirecting((302, "/feed.xml")), FaultKind.REDIRECT, "loop"),
        (redirecting((301, ""), (301, "/feed.xml")), FaultKind.REDIRECT, "loop"),
        (redirecting((302, "file:///etc/hostname")), FaultKind.REDIRECT, "file:"),
        (redirecting((302, "http://10.255.255.1/")), FaultKind.ADDRESS, "private address 10.255.255.1 not allowed"),
        (redirecting((302, "http://184549121/")), FaultKind.ADDRESS, "private address 10.255.255.1 not allowed"),
        (redirecting((302, "http://[::ffff:10.0.0.1]/")), FaultKind.ADDRESS, "not allowed"),
        (redirecting((302, "http://0.0.0.0/")), FaultKind.ADDRESS, "not allowed"),
        (redirecting((302, "http://[::1]/")), FaultKind.ADDRESS, "not allowed"),
        (redirecting((302, "http://user@169.254.169.254/")), FaultKind.ADDRESS, "not allowed"),
    ],
)
def test_redirects_that_are_not_followed(act: Act, kind: FaultKind, word: str) -> None:
    found, detail = fault(fetch(act))
    assert found is kind and word in detail
    assert "network:" not in detail, "a foreign server gets nobody to open a private network"


def test_a_private_address_of_the_config_itself_is_refused_with_the_line_that_allows_it() -> None:
    async def run() -> FetchOutcome:
        async with fetching(settings()) as fetcher:
            return await fetcher.fetch(FetchRequest("http://10.255.255.1/feed"), NOW)

    found, detail = fault(asyncio.run(run()))
    assert found is FaultKind.ADDRESS and "network: {allow: [10.255.255.1/32]}" in detail


def test_a_redirect_without_a_place_is_a_fault() -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply(302)

    assert fault(fetch(act)) == (FaultKind.REDIRECT, "302 redirect without a Location")


def test_a_location_in_raw_utf8_is_understood() -> None:
    async def act(exchange: Exchange) -> None:
        if exchange.target == "/feed.xml":
            await exchange.send(b"HTTP/1.1 302 Found\r\nLocation: /f\xc3\xa9ed one\r\nContent-Length: 0\r\n\r\n")
        else:
            await exchange.reply(200 if exchange.target == "/f%C3%A9ed%20one" else 404)

    assert isinstance(fetch(act), Fetched)


def test_credentials_and_own_headers_reach_their_origin_alone() -> None:
    async def run() -> tuple[list[Exchange], list[Exchange]]:
        async def document(exchange: Exchange) -> None:
            await exchange.reply()

        async with serving(document, "127.0.0.2") as other:

            async def away(exchange: Exchange) -> None:
                place = "/here" if exchange.target == "/feed.xml" else f"{other.base}/feed.xml"
                await exchange.reply(302, f"Location: {place}", "Set-Cookie: a=b")

            async with serving(away) as origin, fetching(settings()) as fetcher:
                url = origin.base.replace("://", "://reader:open@") + "/feed.xml"
                outcome = await fetcher.fetch(FetchRequest(url, headers=(("X-Key", "k"),)), NOW)
                assert isinstance(outcome, Fetched) and "open" not in repr(outcome.hops)
                return origin.asked, other.asked

    own, others = asyncio.run(run())
    assert [(one.headers.get("authorization"), one.headers.get("x-key")) for one in own] == [("Basic cmVhZGVyOm9wZW4=", "k")] * 2
    assert not {"authorization", "x-key", "cookie", "referer"} & set(others[0].headers)


def test_a_retry_after_on_the_way_stays_with_the_outcome() -> None:
    async def act(exchange: Exchange) -> None:
        if exchange.target == "/feed.xml":
            await exchange.reply(302, "Location: /there", "Retry-After: 7200")
        else:
            await exchange.reply()

    outcome = fetch(act)
    assert isinstance(outcome, Fetched) and outcome.retry_at is not None and 7200 <= outcome.retry_at - NOW < 7210


def test_a_retry_after_on_the_way_binds_although_the_target_fails() -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply(302, "Location: http://127.0.0.4:1/", "Retry-After: 7200")

    outcome = fetch(act)
    assert isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.CONNECT
    assert outcome.fault.retry_at is not None and outcome.fault.retry_at >= NOW + 7200


def test_a_header_that_cannot_be_sent_is_told_without_its_value() -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply()

    kind, detail = fault(fetch(act, requests=lambda base: FetchRequest(base, headers=(("X-Key", "secret\x00"),))))
    assert kind is FaultKind.PROTOCOL and "secret" not in detail


def test_a_redirect_to_a_held_host_waits_for_its_time() -> None:
    async def run() -> FetchOutcome:
        async def act(exchange: Exchange) -> None:
            await exchange.reply(302, "Location: http://127.0.0.9:1/feed.xml")

        of = settings()
        gate = HostGate(of)
        gate.hold("http://127.0.0.9/", NOW + 3600, "429")
        async with serving(act) as origin, fetching(of, gate) as fetcher:
            return await fetcher.fetch(FetchRequest(origin.base + "/feed.xml"), NOW)

    outcome = asyncio.run(run())
    assert fault(outcome)[0] is FaultKind.HELD
    assert isinstance(outcome, FetchFailed) and outcome.fault.retry_at == NOW + 3600


def test_a_host_with_several_sources_keeps_its_connection() -> None:
    async def run(sources: int) -> tuple[int, list[str | None]]:
        async def act(exchange: Exchange) -> None:
            await exchange.reply()

        async with serving(act) as origin:
            urls = [f"{origin.base}/{number}" for number in range(sources)]
            async with fetching(settings(*urls)) as fetcher:
                for url in urls * 2:
                    assert isinstance(await fetcher.fetch(FetchRequest(url), NOW), Fetched)
            return origin.connections, [exchange.headers.get("connection") for exchange in origin.asked]

    assert asyncio.run(run(3)) == (1, [None] * 6)
    assert asyncio.run(run(1)) == (2, ["close"] * 2)


def test_a_kept_connection_that_died_costs_nothing_but_a_new_one() -> None:
    async def run() -> int:
        async def act(exchange: Exchange) -> None:
            await exchange.reply(200, "Keep-Alive: timeout=60")
            exchange.writer.close()

        async with serving(act) as origin, fetching(settings(origin.base + "/a", origin.base + "/b")) as fetcher:
            for path in "abab":
                assert isinstance(await fetcher.fetch(FetchRequest(f"{origin.base}/{path}"), NOW), Fetched)
            return origin.connections

    assert asyncio.run(run()) == 4


def test_a_kept_connection_that_dies_under_the_request_is_replaced_by_a_new_one() -> None:
    """RFC 9112 section 9.3.1: a GET may be sent again when its connection closes before an answer has come."""

    async def run() -> list[str]:
        answered: set[asyncio.StreamWriter] = set()

        async def act(exchange: Exchange) -> None:
            if exchange.writer in answered:
                exchange.writer.close()
                return
            answered.add(exchange.writer)
            await exchange.reply(200, "Keep-Alive: timeout=60")

        async with serving(act) as origin, fetching(settings(origin.base + "/a", origin.base + "/b")) as fetcher:
            for path in "ab":
                assert isinstance(await fetcher.fetch(FetchRequest(f"{origin.base}/{path}"), NOW), Fetched)
            return origin.targets

    assert asyncio.run(run()) == ["/a", "/b", "/b"]


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_a_second_answer_is_not_taken_for_that_of_the_next_request(pause: float) -> None:
    """It comes with the first one, or a moment after it."""

    async def run() -> tuple[list[FetchOutcome], int]:
        async def act(exchange: Exchange) -> None:
            await exchange.reply(200, "X-For: " + exchange.target)
            await asyncio.sleep(pause)
            await exchange.reply(200, "X-For: nobody")

        async with serving(act) as origin, fetching(settings(origin.base + "/a", origin.base + "/b")) as fetcher:
            outcomes = []
            for path in "ab":
                outcomes.append(await fetcher.fetch(FetchRequest(f"{origin.base}/{path}"), NOW))
                await asyncio.sleep(0.05)
            return outcomes, origin.connections

    outcomes, connections = asyncio.run(run())
    assert [outcome.header("x-for") for outcome in outcomes if isinstance(outcome, Fetched)] == ["/a", "/b"]
    assert connections == 2


# --- names
def resolving(**names: Sequence[str]) -> object:
    """Looks names up in this table; `news_example` is news.example. Counts."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        resolve.asked.append(host)  # type: ignore[attr-defined]
        if (found := names.get(host.replace(".", "_"))) is None:
            raise OSError("not found")
        return found

    resolve.asked = []  # type: ignore[attr-defined]
    return resolve


def fetch_by_name(url: str, **names: Sequence[str]) -> tuple[FetchOutcome, int]:
    """Fetches from a name of the table while a server listens on 127.0.0.2; gives its number of connections as well."""

    async def run() -> tuple[FetchOutcome, int]:
        async def act(exchange: Exchange) -> None:
            await exchange.reply(200 if exchange.headers["host"].startswith("news.example:") else 404)

        async with serving(act, "127.0.0.2") as origin:
            port = origin.base.rpartition(":")[2]
            async with fetching(settings(allow=("127.0.0.2/32",)), resolve=resolving(**names)) as fetcher:
                outcome = await fetcher.fetch(FetchRequest(url.format(port=port)), NOW)
            return outcome, origin.connections

    return asyncio.run(run())


def test_a_name_is_connected_to_by_the_address_that_was_checked() -> None:
    outcome, connections = fetch_by_name("http://news.example:{port}/", news_example=["10.0.0.1", "127.0.0.2", "127.0.0.3"])
    assert isinstance(outcome, Fetched) and connections == 1


@pytest.mark.parametrize(
    "addresses", [["127.0.0.3"], ["::1", "10.0.0.1"], ["::ffff:127.0.0.3"], ["fe80::1%lo"], ["169.254.169.254"]]
)
def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    outcome, connections = fetch_by_name("http://news.example:{port}/", news_example=addresses)
    assert fault(outcome)[0] is FaultKind.ADDRESS and connections == 0


def test_an_unknown_name_is_told() -> None:
    kind, detail = fault(fetch_by_name("http://nowhere.example:{port}/")[0])
    assert kind is FaultKind.DNS and "nowhere.example" in detail


@pytest.mark.parametrize("url", ["ftp://news.example/", "", "http://", "http://h:99999/", "http://xn--a/", "http://[::1/"])
def test_an_address_that_is_none_is_a_fault(url: str) -> None:
    outcome, _ = fetch_by_name(url)
    assert isinstance(outcome, FetchFailed)


def test_a_refused_connection_is_told() -> None:
    kind, detail = fault(fetch_by_name("http://127.0.0.2:1/")[0])
    assert (kind, detail) == (FaultKind.CONNECT, "connection refused")


def test_a_proxy_is_used_and_its_failure_is_told() -> None:
    async def run() -> tuple[FetchOutcome, list[str], FetchOutcome]:
        async def proxy(exchange: Exchange) -> None:
            await exchange.reply()

        async with serving(proxy) as origin, fetching(settings()) as fetcher:
            through = await fetcher.fetch(FetchRequest("http://news.example/feed", proxy=origin.base), NOW)
            broken = await fetcher.fetch(FetchRequest("http://news.example/feed", proxy="http://127.0.0.1:1"), NOW)
            return through, origin.targets, broken

    through, targets, broken = asyncio.run(run())
    assert isinstance(through, Fetched) and targets == ["http://news.example/feed"]
    assert fault(broken)[0] is FaultKind.CONNECT
