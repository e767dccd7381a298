"""Servers that hurt careless clients, all at once: each ends in its fault, in time, and nothing is left open."""

from __future__ import annotations

import asyncio
import gc
import gzip
import shutil
import socket
import ssl
import struct
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from aggregator.errors import UsageError
from aggregator.fetch import transport
from aggregator.fetch.http import HttpFetcher
from aggregator.model import FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest

from .origin import NOW, RSS, Act, Exchange, fetch, fetching, no_descriptor_left, serving, settings

DEADLINE = 1.5
"""Seconds that a whole fetch may take in these tests."""
OK = b"HTTP/1.1 200 OK\r\n"


def sends(*parts: bytes) -> Act:
    """Sends this and closes."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(*parts)
        exchange.writer.close()

    return act


def drips(head: bytes, drop: bytes, pause: float = 0.05) -> Act:
    """Sends the head, then drops for ever."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(head)
        while True:
            await exchange.send(drop)
            await asyncio.sleep(pause)

    return act


async def silent(exchange: Exchange) -> None:
    await asyncio.sleep(60)


async def reset(exchange: Exchange) -> None:
    sock = exchange.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


async def reset_later(exchange: Exchange) -> None:
    await exchange.send(OK + b"Content-Length: 1000\r\n\r\n<rss>")
    await asyncio.sleep(0.05)
    await reset(exchange)


def packed(coding: str, body: bytes) -> Act:
    return sends(OK + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


BOMB = gzip.compress(bytes(30_000_000))
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NASTY: dict[str, tuple[Act, set[FaultKind]]] = {
    "silent": (silent, {FaultKind.TIMEOUT}),
    "dripping headers": (drips(OK, b"X-A: b\r\n"), {FaultKind.TIMEOUT}),
    "dripping status line": (drips(b"HTTP/1.1 2", b"0"), {FaultKind.TIMEOUT, FaultKind.PROTOCOL}),
    "dripping body": (drips(OK + b"\r\n", b"<"), {FaultKind.TIMEOUT}),
    "dripping chunks": (drips(CHUNKED, b"1\r\nx\r\n"), {FaultKind.TIMEOUT}),
    "half a body": (drips(OK + b"Content-Length: 1000\r\n\r\n<rss>", b""), {FaultKind.TIMEOUT}),
    "endless body": (drips(OK + b"\r\n", b"<!-- " + b"x" * 65_000 + b" -->", 0), {FaultKind.TOO_LARGE}),
    "endless chunk size": (drips(CHUNKED, b"0" * 4096, 0), {FaultKind.PROTOCOL, FaultKind.TOO_LARGE}),
    "endless trailers": (drips(CHUNKED + b"0\r\n", b"X-A: b\r\n" * 500, 0), {FaultKind.PROTOCOL, FaultKind.TOO_LARGE}),
    "endless 1xx": (drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 0), {FaultKind.TOO_LARGE}),
    "endless header line": (drips(OK + b"X-A: ", b"y" * 4096, 0), {FaultKind.TOO_LARGE}),
    "endless header lines": (drips(OK, b"X-A: b\r\n" * 500, 0), {FaultKind.TOO_LARGE}),
    "many headers": (sends(OK + b"A: b\r\n" * 300 + b"Content-Length: 5\r\n\r\n<rss>"), {FaultKind.TOO_LARGE}),
    "tiny chunks": (sends(CHUNKED + b"1\r\nx\r\n" * 50_000), {FaultKind.PROTOCOL}),
    "reset": (reset, {FaultKind.CONNECT}),
    "reset in the body": (reset_later, {FaultKind.CONNECT}),
    "hang-up": (sends(), {FaultKind.CONNECT}),
    "torn body": (sends(OK + b"Content-Length: 1000\r\n\r\n<rss>"), {FaultKind.PROTOCOL}),
    "torn chunks": (sends(CHUNKED + b"5\r\n<rss>\r\n"), {FaultKind.PROTOCOL}),
    "bad chunk": (sends(CHUNKED + b"zz\r\n<rss>\r\n"), {FaultKind.PROTOCOL}),
    "two lengths": (sends(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n<rss>x"), {FaultKind.PROTOCOL}),
    "negative length": (sends(OK + b"Content-Length: -5\r\n\r\n<rss>"), {FaultKind.PROTOCOL}),
    "huge length": (sends(OK + b"Content-Length: 99999999999\r\n\r\n<rss>"), {FaultKind.TOO_LARGE}),
    "gzip bomb": (packed("gzip", BOMB), {FaultKind.TOO_LARGE}),
    "deflate bomb": (packed("deflate", zlib.compress(bytes(30_000_000))), {FaultKind.TOO_LARGE}),
    "bomb in a bomb": (packed("gzip, gzip", gzip.compress(BOMB)), {FaultKind.CODING}),
    "torn gzip": (packed("gzip", gzip.compress(RSS)[:-12]), {FaultKind.CODING}),
    "not HTTP": (sends(b"SSH-2.0-OpenSSH_9.2\x1b[31m\r\n"), {FaultKind.PROTOCOL}),
    "noise": (sends(b"\x00\xff\x1b]0;x\x07" * 500 + b"\r\n\r\n"), {FaultKind.PROTOCOL}),
    "switching protocols": (sends(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nhello"), {FaultKind.STATUS, FaultKind.PROTOCOL}),
    "an empty answer": (sends(OK + b"Content-Length: 0\r\n\r\n"), {FaultKind.EMPTY}),
}


def test_every_nasty_server_ends_in_its_fault_and_in_time() -> None:
    """All of them at the same time, with a polite one among them that must not notice."""

    async def one(fetcher: HttpFetcher, act: Act) -> FetchOutcome:
        async with serving(act) as origin:
            return await fetcher.fetch(FetchRequest(origin.base + "/feed.xml"), NOW)

    async def polite(exchange: Exchange) -> None:
        await exchange.reply()

    async def run() -> tuple[list[FetchOutcome], float]:
        started = time.monotonic()
        async with fetching(settings(timeout=DEADLINE, max_bytes=2_000_000)) as fetcher:
            acts = [act for act, _ in NASTY.values()] + [polite]
            return await asyncio.gather(*(one(fetcher, act) for act in acts)), time.monotonic() - started

    with no_descriptor_left():
        (*outcomes, good), took = asyncio.run(run())
        gc.collect()
    assert isinstance(good, Fetched)
    for name, outcome in zip(NASTY, outcomes, strict=True):
        assert isinstance(outcome, FetchFailed), f"{name}: {outcome}"
        assert outcome.fault.kind in NASTY[name][1], f"{name}: {outcome.fault}"
        assert outcome.fault.detail.isprintable() and outcome.fault.detail.isascii(), name
    assert took < 10 * DEADLINE, "the deadline is for the whole, not for each read"


def test_the_body_s_limit_is_on_what_is_unpacked() -> None:
    body = b"<rss>" + b" " * 500_000 + b"</rss>"
    assert isinstance(fetch(packed("gzip", gzip.compress(body)), max_bytes=len(body)), Fetched)
    assert isinstance(fetch(packed("gzip", gzip.compress(body)), max_bytes=len(body) - 1), FetchFailed)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3;a=b\r\n<rs\r\n2\r\ns>\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n<rss>",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n<rss>",
        OK + b"X-Folded: one\r\n two\r\nContent-Length: 5\r\n\r\n<rss>",
        OK.replace(b"\r", b"") + b"Content-Length: 5\n\n<rss>",
        OK + b"Content-Length: 5\r\n\r\n<rss>more",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n<rss>",
    ],
)
def test_what_odd_but_honest_servers_send_is_read(answer: bytes) -> None:
    outcome = fetch(sends(answer))
    assert isinstance(outcome, Fetched) and outcome.body == b"<rss>"


# --- TLS
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.2 and news.example, with its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names = "subjectAltName=IP:127.0.0.2,DNS:news.example"
    subprocess.run([openssl, *command.split(), "-addext", names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def tls_fetches(
    act: Act, certificate: Path, trusted: str, count: int = 1, host: str = "127.0.0.2"
) -> tuple[list[FetchOutcome], list[bool]]:
    """Outcomes of fetches one after another, and whether each connection resumed a session."""
    resumed: list[bool] = []

    async def noting(exchange: Exchange) -> None:
        resumed.append(exchange.writer.get_extra_info("ssl_object").session_reused)
        await act(exchange)

    environ = {"SSL_CERT_FILE": trusted} if trusted else {}
    async with (
        serving(noting, host, server_context(certificate)) as origin,
        fetching(settings(timeout=DEADLINE), environ=environ) as fetcher,
    ):
        return [await fetcher.fetch(FetchRequest(origin.base + "/"), NOW) for _ in range(count)], resumed


async def document(exchange: Exchange) -> None:
    await exchange.reply()


def test_https_honours_ssl_cert_file_and_resumes_sessions(certificate: Path) -> None:
    outcomes, resumed = asyncio.run(tls_fetches(document, certificate, str(certificate), count=3))
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert resumed == [False, True, True]


@pytest.mark.parametrize("kept", [False, True])
def test_https_waits_for_an_answer_that_comes_after_the_tickets(certificate: Path, kept: bool) -> None:
    async def run() -> tuple[list[FetchOutcome], int]:
        async def act(exchange: Exchange) -> None:
            await asyncio.sleep(0.02)
            await exchange.reply()

        async with serving(act, "127.0.0.2", server_context(certificate)) as origin:
            sources = (origin.base + "/a", origin.base + "/b") if kept else ()
            async with fetching(settings(*sources), environ={"SSL_CERT_FILE": str(certificate)}) as fetcher:
                outcomes = [await fetcher.fetch(FetchRequest(f"{origin.base}/{path}"), NOW) for path in "aba"]
            return outcomes, origin.connections

    outcomes, connections = asyncio.run(run())
    assert all(isinstance(outcome, Fetched) and outcome.body == RSS for outcome in outcomes), outcomes
    assert connections == (1 if kept else 3)


def test_a_long_body_comes_whole_through_tls(certificate: Path) -> None:
    body = b"<rss>" + bytes(range(32, 127)) * 20_000 + b"</rss>"

    async def long(exchange: Exchange) -> None:
        await exchange.reply(200, body=body)

    (outcome,), _ = asyncio.run(tls_fetches(long, certificate, str(certificate)))
    assert isinstance(outcome, Fetched) and outcome.body == body


def test_a_body_that_tls_cuts_short_is_told(certificate: Path) -> None:
    async def torn(exchange: Exchange) -> None:
        await exchange.send(OK + b"Content-Length: 1000\r\n\r\n<rss>")
        exchange.writer.transport.abort()

    (outcome,), _ = asyncio.run(tls_fetches(torn, certificate, str(certificate)))
    assert isinstance(outcome, FetchFailed) and outcome.fault.kind in (FaultKind.PROTOCOL, FaultKind.CONNECT)


def test_authorities_that_cannot_be_read_are_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        HttpFetcher(settings(), environ={"SSL_CERT_FILE": str(tmp_path / "missing.pem")})
    (tmp_path / "empty.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        HttpFetcher(settings(), environ={"SSL_CERT_FILE": str(tmp_path / "empty.pem")})


@pytest.mark.parametrize("host", ["127.0.0.2", "127.0.0.3"])
def test_a_certificate_that_is_not_trusted_or_of_another_name_is_refused(certificate: Path, host: str) -> None:
    trusted = "" if host == "127.0.0.2" else str(certificate)
    (outcome,), _ = asyncio.run(tls_fetches(document, certificate, trusted, host=host))
    assert isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.TLS
    assert "certificate" in outcome.fault.detail


def test_https_never_falls_to_http(certificate: Path) -> None:
    async def down(exchange: Exchange) -> None:
        await exchange.reply(301, "Location: http://127.0.0.2/feed.xml")

    (outcome,), _ = asyncio.run(tls_fetches(down, certificate, str(certificate)))
    assert isinstance(outcome, FetchFailed) and "https down to http" in outcome.fault.detail


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_server_that_speaks_no_tls_is_a_fault(answer: bytes) -> None:
    """Plain text where TLS was meant, and silence in the handshake."""

    async def run() -> FetchOutcome:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            async with fetching(settings(timeout=DEADLINE)) as fetcher:
                url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
                fetch = asyncio.create_task(fetcher.fetch(FetchRequest(url), NOW))
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
                with connection:
                    connection.send(answer)
                    return await fetch

    with no_descriptor_left():
        outcome = asyncio.run(run())
        gc.collect()
    assert isinstance(outcome, FetchFailed)
    assert outcome.fault.kind is (FaultKind.TLS if answer else FaultKind.TIMEOUT)


def test_a_handshake_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT", 0.2)

    async def run() -> FetchOutcome:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with fetching(settings(timeout=5.0)) as fetcher:
                return await fetcher.fetch(FetchRequest(f"https://127.0.0.1:{listener.getsockname()[1]}/"), NOW)

    with no_descriptor_left():
        outcome = asyncio.run(run())
        gc.collect()
    assert isinstance(outcome, FetchFailed)
    assert (outcome.fault.kind, outcome.fault.detail) == (FaultKind.TIMEOUT, "too slow: no TLS handshake within 0.2 s")
