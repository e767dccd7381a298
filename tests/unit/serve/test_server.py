"""The real server on loopback: start, limits on requests, shutdown."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from aggregator.errors import AggregatorError
from aggregator.publish.shelf import Prepared, Shelf
from aggregator.serve import protocol
from aggregator.serve.app import make_app
from aggregator.serve.connections import next_connection
from aggregator.serve.server import listen, serve


def exchange(request: bytes) -> bytes:
    """Starts a server, sends these bytes, reads until it closes, stops the server."""

    async def talk(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            await writer.drain()
            return await asyncio.wait_for(reader.read(), 5)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    return asyncio.run(_with_server(talk))


async def _with_server(talk: Callable[[int], Awaitable[bytes]]) -> bytes:
    shelf = Shelf()
    shelf.put("/feeds/all.atom", Prepared("application/atom+xml; charset=utf-8", b"<feed/>", 1, "public, max-age=60"))
    listener = listen("127.0.0.1", 0)
    stop = asyncio.Event()
    server = asyncio.create_task(serve(make_app(shelf, ready=lambda: (True, {})), listener, stop, 512))
    try:
        return await talk(listener.getsockname()[1])
    finally:
        stop.set()
        await server


def test_a_plain_request() -> None:
    got = exchange(b"GET /feeds/all.atom HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\n<feed/>")
    assert b"server:" not in got.lower() and b"\r\ndate: " in got.lower()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
    ],
    ids=["address", "header", "headers"],
)
def test_heads_over_a_bound_are_refused(head: bytes) -> None:
    got = exchange(head)
    assert got == b"" or got.startswith(b"HTTP/1.1 431 ")


def test_a_body_that_nobody_wanted_keeps_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)

    async def trickle(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /feeds/all.atom HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        answer = await reader.readuntil(b"<feed/>")
        closed = asyncio.create_task(reader.read())
        closed.add_done_callback(lambda done: done.exception())
        async with asyncio.timeout(5):
            while not closed.done():
                writer.write(b"a")
                await asyncio.wait([closed], timeout=0.05)
        writer.close()
        return answer

    assert asyncio.run(_with_server(trickle)).startswith(b"HTTP/1.1 200 OK")


def test_what_is_no_request_is_refused() -> None:
    assert exchange(b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_an_address_in_use_is_told_before_anything_starts() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(AggregatorError, match=r"can't listen on 127\.0\.0\.1:\d+: another program"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_a_client_that_comes_as_the_server_stops_breaks_nothing() -> None:
    """Both are found in one turn of the loop: what stops the server first, then the client."""
    failures: list[dict[str, object]] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: failures.append(context))
        told, teller = socket.socketpair()
        with told, teller, socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
            listener.setblocking(False)
            waiting = loop.create_task(next_connection(listener))
            await asyncio.sleep(0)
            loop.add_reader(told, waiting.cancel)
            teller.send(b"stop")
            client.connect(listener.getsockname())
            with suppress(asyncio.CancelledError):
                await waiting
            loop.remove_reader(told)
            await asyncio.sleep(0)
            assert waiting.cancelled()
            async with asyncio.timeout(5):  # the client still waits in the queue
                (await next_connection(listener)).close()

    asyncio.run(run())
    assert not failures
