"""Servers that misuse a connection: answers that nobody asked for, bodies that are cut, certificates, packed bodies, proxies."""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import brotli
import pytest

from aggregator.fetch.decode import DecodingError, TooLargeError, decoder_for
from aggregator.model import FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest
from tests.attacks.tls import Authority, Peer
from tests.unit.fetch.origin import NOW, RSS, Exchange, fetching, serving, settings

OK = b"HTTP/1.1 200 OK\r\n"
Act = Callable[[Peer], Awaitable[None]]
WAYS = ["plain", "TLS 1.2", "TLS 1.3"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def contexts(authority: Authority) -> dict[str, ssl.SSLContext | None]:
    newest = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
    made = {way: authority.context(way.replace(" ", "-"), "IP:127.0.0.1", newest=version) for way, version in newest.items()}
    return {"plain": None, **made}


@asynccontextmanager
async def listening(act: Act, context: ssl.SSLContext | None, early: bytes = b"") -> AsyncIterator[tuple[str, list[Peer]]]:
    """A server that acts so on each connection: its address, and the connections so far. early: sent on the first, unasked."""
    peers: list[Peer] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, context)
        peers.append(peer)
        try:
            await peer.shake_hands(early if len(peers) == 1 else b"")
            await act(peer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}", peers
    finally:
        server.close()
        for peer in peers:
            peer.writer.transport.abort()


def answer(name: str, head: bytes = OK, body: bytes = RSS) -> bytes:
    return head + f"X-For: {name}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def fetch_two(
    act: Act, context: ssl.SSLContext | None, authority: Authority, early: bytes = b""
) -> tuple[list[FetchOutcome], int]:
    """Outcomes of /a and then /b of one host, whose connection may be kept, and the number of connections."""

    async def run() -> tuple[list[FetchOutcome], int]:
        async with listening(act, context, early) as (base, peers):
            sources = (f"{base}/a", f"{base}/b")
            async with fetching(settings(*sources), environ={"SSL_CERT_FILE": str(authority.file)}) as fetcher:
                first = await fetcher.fetch(FetchRequest(sources[0]), NOW)
                await asyncio.wait_for(peers[0].done.wait(), 5)
                second = await fetcher.fetch(FetchRequest(sources[1]), NOW)
            return [first, second], len(peers)

    return asyncio.run(run())


def names(outcomes: list[FetchOutcome]) -> list[str | None]:
    return [outcome.header("x-for") if isinstance(outcome, Fetched) else None for outcome in outcomes]


# --- more than the answer, on a connection that is kept
EXTRA = answer("nobody")
CHUNKED = OK + b"X-For: /a\r\nTransfer-Encoding: chunked\r\n\r\n%X\r\n%b\r\n0\r\n\r\n" % (len(RSS), RSS)
FORMS: dict[str, Callable[[Peer, bytes], list[bytes]]] = {
    "in one record": lambda peer, first: [peer.seal(first + EXTRA)],
    "in a record of its own": lambda peer, first: [peer.seal(first) + peer.seal(EXTRA)],
    "in many records": lambda peer, first: [
        peer.seal(first) + b"".join(peer.seal(EXTRA[at : at + 9]) for at in range(0, len(EXTRA), 9))
    ],
    "in a segment of its own": lambda peer, first: [peer.seal(first), peer.seal(EXTRA)],
    "one byte in a segment of its own": lambda peer, first: [peer.seal(first), peer.seal(EXTRA[:1])],
    "one byte in a record of its own": lambda peer, first: [peer.seal(first) + peer.seal(EXTRA[:1])],
    "the beginning of a record": lambda peer, first: [peer.seal(first) + peer.seal(EXTRA)[:4]],
    "the beginning of a record in a segment": lambda peer, first: [peer.seal(first), peer.seal(EXTRA)[:4]],
    "rubbish in a segment of its own": lambda peer, first: [peer.seal(first), peer.seal(b"xyz\r\n")],
    "the farewell": lambda peer, first: [peer.seal(first) + peer.farewell()],
    "the farewell in a segment": lambda peer, first: [peer.seal(first), peer.farewell()],
}


@pytest.mark.parametrize(
    ("way", "form"), [(way, form) for way in WAYS for form in FORMS if way != "plain" or "farewell" not in form]
)
@pytest.mark.parametrize("first", [answer("/a"), CHUNKED], ids=["length", "chunked"])
def test_what_follows_an_answer_is_not_the_next_source_s(
    form: str, way: str, first: bytes, contexts: dict[str, ssl.SSLContext | None], authority: Authority
) -> None:
    async def act(peer: Peer) -> None:
        target = await peer.request()
        if target != "/a":
            await peer.send(peer.seal(answer(target)))
            return
        for segment in FORMS[form](peer, first):
            await peer.send(segment)
        peer.done.set()
        await peer.request()
        await peer.send(peer.seal(answer("nobody")))

    outcomes, connections = fetch_two(act, contexts[way], authority)
    assert names(outcomes) == ["/a", "/b"]
    assert connections == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_body_where_none_belongs_is_not_the_next_source_s(
    way: str, contexts: dict[str, ssl.SSLContext | None], authority: Authority
) -> None:
    async def act(peer: Peer) -> None:
        if (target := await peer.request()) == "/a":
            await peer.send(peer.seal(answer("/a", b"HTTP/1.1 404 Gone\r\n", b"")) + peer.seal(EXTRA))
            peer.done.set()
            await peer.request()
        await peer.send(peer.seal(answer(target)))

    outcomes, connections = fetch_two(act, contexts[way], authority)
    assert names(outcomes) == [None, "/b"] and connections == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_on_which_nothing_came_is_used_again(
    way: str, contexts: dict[str, ssl.SSLContext | None], authority: Authority
) -> None:
    async def act(peer: Peer) -> None:
        for _ in range(2):
            target = await peer.request()
            await peer.send(peer.seal(answer(target)))
            peer.done.set()

    outcomes, connections = fetch_two(act, contexts[way], authority)
    assert names(outcomes) == ["/a", "/b"] and connections == 1


@pytest.mark.parametrize("way", ["plain", "TLS 1.2"])
def test_an_answer_before_the_request_is_none(way: str, contexts: dict[str, ssl.SSLContext | None], authority: Authority) -> None:
    """It may come too late to be seen on a plain connection; it is never the next source's."""

    async def act(peer: Peer) -> None:
        peer.done.set()
        while True:
            target = await peer.request()
            await peer.send(peer.seal(answer(target)))

    outcomes, _ = fetch_two(act, contexts[way], authority, EXTRA)
    assert names(outcomes)[1] == "/b"
    if way != "plain":
        assert isinstance(outcomes[0], FetchFailed) and outcomes[0].fault.kind is FaultKind.PROTOCOL


# --- a body that is cut
UNKNOWN = {
    "to the end": OK + b"\r\n" + RSS,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n" + RSS,
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\n" + RSS,
    "gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(RSS),
    "deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(RSS),
    "br": OK + b"Content-Encoding: br\r\n\r\n" + brotli.compress(RSS),
}
KNOWN = {"length": answer("/a"), "chunked": CHUNKED}


def fetch_one(
    whole: bytes, way: str, farewell: bool, contexts: dict[str, ssl.SSLContext | None], authority: Authority
) -> FetchOutcome:
    """The outcome of a fetch from a server that sends this and closes."""

    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(peer.seal(whole) + (peer.farewell() if farewell else b""))

    async def run() -> FetchOutcome:
        async with (
            listening(act, contexts[way]) as (base, _),
            fetching(settings(), environ={"SSL_CERT_FILE": str(authority.file)}) as fetcher,
        ):
            return await fetcher.fetch(FetchRequest(base + "/a"), NOW)

    return asyncio.run(run())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("farewell", [True, False])
@pytest.mark.parametrize("form", UNKNOWN | KNOWN)
def test_a_body_of_unknown_length_ends_with_the_farewell_of_tls(
    form: str, farewell: bool, way: str, contexts: dict[str, ssl.SSLContext | None], authority: Authority
) -> None:
    outcome = fetch_one((UNKNOWN | KNOWN)[form], way, farewell, contexts, authority)
    if farewell or way == "plain" or form in KNOWN:
        assert isinstance(outcome, Fetched) and outcome.body == RSS
    else:
        assert isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.PROTOCOL, outcome
        assert "incomplete" in outcome.fault.detail


# --- certificates
@pytest.mark.parametrize(
    ("common_name", "names", "good"),
    [
        ("127.0.0.1", ["IP:127.0.0.1"], True),
        ("127.0.0.1", [], False),
        ("news.example", [], False),
        ("news.example", ["DNS:news.example"], True),
        ("news.example", ["DNS:other.example"], False),
        ("news.example", ["IP:127.0.0.1"], False),
        ("news.example", ["email:a@news.example"], False),
        ("127.0.0.1", ["DNS:127.0.0.1"], False),
    ],
)
def test_only_the_alternative_names_of_a_certificate_count(
    common_name: str, names: list[str], good: bool, authority: Authority
) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def document(exchange: Exchange) -> None:
        await exchange.reply()

    async def run() -> FetchOutcome:
        environ = {"SSL_CERT_FILE": str(authority.file)}
        async with (
            serving(document, "127.0.0.1", authority.context(common_name, *names)) as origin,
            fetching(settings(), resolve=resolve, environ=environ) as fetcher,
        ):
            return await fetcher.fetch(FetchRequest(origin.base.replace("127.0.0.1", common_name) + "/"), NOW)

    outcome = asyncio.run(run())
    if good:
        assert isinstance(outcome, Fetched)
    else:
        assert isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.TLS


# --- packed bodies
TEXT = b"<rss><channel><title>News of the day</title></channel></rss>" * 9
HALF = len(TEXT) // 2


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def read_in_parts(coding: str | None, packed: bytes, cuts: list[int]) -> bytes | str:
    """The body, or what is wrong with it."""
    decoder = decoder_for(coding, 100_000)
    try:
        for start, end in zip([0, *cuts], [*cuts, len(packed)], strict=True):
            decoder.feed(packed[start:end])
        return decoder.finish()
    except (DecodingError, TooLargeError) as error:
        return str(error)


PACKED: dict[str, tuple[str | None, bytes, bytes | str]] = {
    "two members": ("gzip", gzipped(TEXT[:HALF]) + gzipped(TEXT[HALF:]), TEXT),
    "two members, unlabelled": (None, gzipped(TEXT[:HALF]) + gzipped(TEXT[HALF:]), TEXT),
    "zeros between members": ("gzip", gzipped(TEXT[:HALF]) + bytes(5) + gzipped(TEXT[HALF:]) + bytes(5), TEXT),
    "half a second member": ("gzip", gzipped(TEXT) + gzipped(TEXT)[:30], "the compressed body is truncated (gzip)"),
    "rubbish": ("gzip", gzipped(TEXT) + b"rubbish" + gzipped(TEXT), TEXT),
    "rubbish like a member": ("gzip", gzipped(TEXT) + b"\x1fx\x1f\x8b\x08", TEXT),
    "one byte of a member": ("gzip", gzipped(TEXT) + b"\x1f", TEXT),
    "plain under the label": ("gzip", b"\xef\xbb\xbf\r\n " + TEXT, b"\xef\xbb\xbf\r\n " + TEXT),
    "zlib under the label": ("gzip", zlib.compress(TEXT), TEXT),
    "deflate": ("deflate", zlib.compress(TEXT) + b"more", TEXT),
    "raw deflate": ("deflate", zlib.compress(TEXT)[2:-4], TEXT),
    "br": ("br", brotli.compress(TEXT), TEXT),
    "plain": (None, TEXT, TEXT),
    "two bytes": (None, b"\x1f\x8b", b"\x1f\x8b"),
}


@pytest.mark.parametrize("form", PACKED)
def test_how_a_packed_body_is_cut_makes_no_difference(form: str) -> None:
    coding, packed, expected = PACKED[form]
    for cut in range(len(packed)):
        assert read_in_parts(coding, packed, [cut]) == expected, cut
    assert read_in_parts(coding, packed, list(range(1, len(packed)))) == expected


def test_more_after_the_end_of_br_is_corrupt_wherever_it_is_cut() -> None:
    packed = brotli.compress(TEXT) + b"more"
    told = {str(read_in_parts("br", packed, [cut]))[:35] for cut in range(len(packed))}
    assert told == {"the compressed body is corrupt (br)"}


@pytest.mark.parametrize("label", ["Content-Encoding: gzip\r\n", ""])
@pytest.mark.parametrize("member", [os.urandom(14_900), b""])
def test_many_members_hold_nobody_up(label: str, member: bytes) -> None:
    """While they are unpacked, others have their turn: the longest wait of a task that only wants to run."""
    body = gzip.compress(member, 1) * 999
    waits: list[float] = []

    async def beats() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            waits.append(now - last)
            last = now

    async def act(exchange: Exchange) -> None:
        await exchange.send(OK + f"{label}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def run() -> FetchOutcome:
        async with serving(act) as origin, fetching(settings(max_bytes=16_000_000)) as fetcher:
            beating = asyncio.ensure_future(beats())
            outcome = await fetcher.fetch(FetchRequest(origin.base + "/"), NOW)
            await asyncio.sleep(0)
            beating.cancel()
            return outcome

    outcome = asyncio.run(run())
    assert isinstance(outcome, Fetched) if member else isinstance(outcome, FetchFailed)
    assert max(waits) < 0.3


# --- through a proxy
PRIVATE = """127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0x7f.1 127.0.0.1. ①②⑦.⓪.⓪.① 127。0。0。1 １２７.０.０.１
    0 0.0.0.0 10.0.0.1 192.168.257 169.254.169.254 100.100.100.200 [::1] [::] [fd12::1] [fe80::1] [::ffff:127.0.0.1]
    [::ffff:7f00:1] [64:ff9b::10.0.0.1] [2002:7f00:1::] user@127.0.0.1 news.example@127.0.0.1 127.0.0.08 1.2.3.4.5
    localhost LocalHost localhost. ｌｏｃａｌｈｏｓｔ a.localhost
    localhost.localdomain localhost6 ip6-localhost metadata.google.internal""".split()
ONLY_BY_A_SERVER = ["router", "printer.local", "vault.internal", "nas.lan"]


async def ask_by_proxy(url: str, location: str | None = None, allow: tuple[str, ...] = ()) -> tuple[FetchOutcome, list[str]]:
    """What comes of an address, and what the proxy was asked for. location: where the first answer leads."""

    async def act(exchange: Exchange) -> None:
        if location is not None and exchange.target == url:
            await exchange.reply(302, f"Location: {location}".encode().decode("latin-1"))
        else:
            await exchange.reply()

    async with serving(act) as proxy, fetching(settings(allow=allow)) as fetcher:
        outcome = await fetcher.fetch(FetchRequest(url, proxy=proxy.base), NOW)
        return outcome, proxy.targets


@pytest.mark.parametrize("host", PRIVATE)
def test_a_proxy_is_not_asked_for_private_places(host: str) -> None:
    for port in ("", ":8080"):
        outcome, asked = asyncio.run(ask_by_proxy(f"http://{host}{port}/feed"))
        assert isinstance(outcome, FetchFailed) and outcome.fault.kind in (FaultKind.ADDRESS, FaultKind.URL), outcome
        assert asked == []


@pytest.mark.parametrize("host", PRIVATE + ONLY_BY_A_SERVER)
def test_a_redirect_leads_a_proxy_to_no_private_place(host: str) -> None:
    url = "http://news.example/feed"
    outcome, asked = asyncio.run(ask_by_proxy(url, f"http://{host}/secret"))
    assert isinstance(outcome, FetchFailed) and outcome.fault.kind in (FaultKind.ADDRESS, FaultKind.REDIRECT, FaultKind.URL)
    assert asked == [url]


@pytest.mark.parametrize(
    ("host", "allow"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("localhost", "127.0.0.1"),
        ("8.8.8.8", "fd00::/8"),
        ("router", "fd00::/8"),
        ("news.example", "fd00::/8"),
    ],
)
def test_what_is_allowed_or_public_is_asked_of_the_proxy(host: str, allow: str) -> None:
    outcome, asked = asyncio.run(ask_by_proxy(f"http://{host}/feed", allow=(allow,)))
    assert isinstance(outcome, Fetched) and asked == [f"http://{host}/feed"]


@pytest.mark.parametrize("farewell", [True, False])
@pytest.mark.parametrize("form", [form for form in UNKNOWN | KNOWN if form != "identity"])
def test_a_body_that_is_cut_behind_a_proxy_is_told(
    form: str, farewell: bool, contexts: dict[str, ssl.SSLContext | None], authority: Authority
) -> None:
    """The proxy is a plain one that connects (CONNECT) and passes bytes on; TLS is spoken with the server behind it."""

    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(peer.seal((UNKNOWN | KNOWN)[form]) + (peer.farewell() if farewell else b""))

    async def run() -> FetchOutcome:
        async with (
            listening(act, contexts["TLS 1.3"]) as (base, _),
            tunnelling(int(base.rpartition(":")[2])) as proxy,
            fetching(settings(), environ={"SSL_CERT_FILE": str(authority.file)}) as fetcher,
        ):
            return await fetcher.fetch(FetchRequest(base + "/a", proxy=proxy), NOW)

    outcome = asyncio.run(run())
    if farewell or form in KNOWN:
        assert isinstance(outcome, Fetched) and outcome.body == RSS
    else:
        assert isinstance(outcome, FetchFailed) and "incomplete" in outcome.fault.detail, outcome


@asynccontextmanager
async def tunnelling(port: int) -> AsyncIterator[str]:
    """The address of a proxy that connects everyone to this port on loopback."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        there, back = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            await asyncio.gather(pass_on(reader, back), pass_on(there, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            back.close()
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
