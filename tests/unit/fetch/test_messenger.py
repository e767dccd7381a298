"""Messages to strangers' addresses: bounded, not redirected, never into private networks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.fetch import messenger
from aggregator.fetch.messenger import HttpMessenger
from aggregator.model import Fault, FaultKind
from aggregator.ports import Message, Reply
from aggregator.settings import Network, Settings

Answer = Callable[[bytes], bytes | None]


def send(
    answer: Answer, one: Callable[[str], Message], *, allow: tuple[str, ...] = ("127.0.0.0/8",)
) -> tuple[Reply | Fault, list[bytes]]:
    """Sends one message to a server on loopback; returns the outcome and the requests that arrived."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        seen.append(head + await reader.readexactly(length))
        reply = answer(seen[-1])
        if reply is None:
            await asyncio.sleep(5)
        writer.write(reply or b"")
        await writer.drain()
        writer.close()

    async def run() -> Reply | Fault:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/cb"
        messenger = HttpMessenger(Settings(file=Path("x"), sources=(), network=Network(allow=allow)))
        try:
            return await messenger.send(one(url))
        finally:
            await messenger.aclose()
            server.close()

    return asyncio.run(run()), seen


def ok(request: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def test_a_body_and_its_headers_arrive() -> None:
    reply, seen = send(ok, lambda url: Message("POST", url, (("X-Hub-Signature", "sha256=00"),), b"<feed/>"))
    assert reply == Reply(200, b"hello")
    assert seen[0].startswith(b"POST /cb HTTP/1.1\r\n")
    assert seen[0].endswith(b"\r\n\r\n<feed/>")
    assert b"x-hub-signature: sha256=00" in seen[0].lower()
    assert b"user-agent: aggregator/" in seen[0].lower()


def test_user_and_password_of_an_address_become_a_header() -> None:
    _, seen = send(ok, lambda url: Message("GET", url.replace("//", "//me:pass@")))
    assert b"authorization: basic bwu6cgfzcw==" in seen[0].lower()


def test_redirects_are_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    reply, seen = send(lambda request: moved, lambda url: Message("GET", url))
    assert reply == Reply(302, b"")
    assert len(seen) == 1


def test_private_addresses_are_refused() -> None:
    reply, seen = send(ok, lambda url: Message("GET", url), allow=())
    assert isinstance(reply, Fault) and reply.kind is FaultKind.ADDRESS
    assert seen == []


def test_only_the_beginning_of_an_answer_is_read() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000
    reply, _ = send(lambda request: long, lambda url: Message("GET", url))
    assert isinstance(reply, Reply) and reply.body == b"a" * messenger.MAX_ANSWER


def test_a_slow_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messenger, "SECONDS", 0.1)
    reply, _ = send(lambda request: None, lambda url: Message("GET", url))
    assert isinstance(reply, Fault) and reply.kind is FaultKind.TIMEOUT


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://", "http://a.example:99999/"])
def test_what_is_no_address_is_a_fault(url: str) -> None:
    reply, _ = send(ok, lambda _: Message("GET", url))
    assert isinstance(reply, Fault)
