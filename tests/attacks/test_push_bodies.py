"""What hubs send us: documents up to the limit are taken, and halves, giants and slow senders cost bounded memory and time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from aggregator.config.load import load
from aggregator.model import Fetched, Source, SourceId, SourceState
from aggregator.publish.shelf import Shelf
from aggregator.serve.app import make_app
from aggregator.serve.server import listen, serve
from aggregator.settings import Settings
from aggregator.store.sqlite import SqliteStore
from aggregator.tag.check import check
from aggregator.websub import bodies, subscriber, subscriptions
from aggregator.websub.subscriber import Subscriber
from aggregator.websub.subscriptions import PushSubscription

T = TypeVar("T")
SOURCES, NOW = 40, 1_700_000_000.0
SECRET = "secret"


class Desk:
    """A subscriber behind the real server. taken: lengths of the documents that were taken in; stored: when one may be stored."""

    def __init__(self, folder: Path) -> None:
        rows = "".join(f"  - {{id: s{number}, url: 'https://s{number}.example/feed'}}\n" for number in range(SOURCES))
        (folder / "feeds.yaml").write_text(f"site: {{url: 'https://news.example'}}\nnetwork: {{websub: true}}\nsources:\n{rows}")
        self.settings: Settings = load(folder / "feeds.yaml", check, {})
        self.store = SqliteStore(folder / "news.db")
        with self.store.begin() as transaction:
            for number in range(SOURCES):
                push = PushSubscription("https://hub.example/", f"https://s{number}.example/feed", f"token-{number}", SECRET)
                subscriptions.save(transaction, SourceId(f"s{number}"), push)
        self.taken: list[int] = []
        self.stored = asyncio.Event()

    async def take_in(self, source: Source, answer: Callable[[SourceState], Fetched]) -> None:
        await self.stored.wait()
        self.taken.append(len(answer(SourceState(source.id, source.url, NOW)).body))

    def run(self, work: Callable[[int], Awaitable[T]]) -> T:
        """Runs `work` with the port of a server; what was acknowledged is stored at the end."""

        async def inside() -> T:
            def commit(write: Any) -> Any:
                raise AssertionError("nothing is to be written")

            unused: Any = lambda: None  # noqa: E731
            made = Subscriber(self.store, commit, unused, lambda: self.settings, lambda: NOW, self.take_in)
            listener, stop = listen("127.0.0.1", 0), asyncio.Event()
            app = make_app(Shelf(), ready=lambda: (True, {}), more=made.endpoints())
            server = asyncio.create_task(serve(app, listener, stop, 512))
            try:
                return await work(listener.getsockname()[1])
            finally:
                self.stored.set()
                await made.drain()
                stop.set()
                await server

        return asyncio.run(inside())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def head(number: int, length: int, body: bytes = b"") -> bytes:
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return (
        f"POST /push/token-{number} HTTP/1.1\r\nHost: news.example\r\nContent-Type: application/atom+xml\r\n"
        f"X-Hub-Signature: sha256={signature}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


async def send(port: int, message: bytes) -> int:
    """Sends this in one piece and returns the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        line = await asyncio.wait_for(reader.readline(), 10)
        return int(line.split()[1])
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("size", [100, 33_000, 70_000, 300_000, 14_999_999])
def test_a_push_of_any_size_up_to_the_limit_is_taken(desk: Desk, size: int) -> None:
    body = b"x" * size
    desk.stored.set()
    assert desk.run(lambda port: send(port, head(0, size, body) + body)) == 202
    assert desk.taken == [size]


def test_what_is_over_the_limit_is_refused_before_it_is_read(desk: Desk) -> None:
    assert desk.run(lambda port: send(port, head(0, 15_000_001))) == 413
    chunked = head(0, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    desk.settings = replace(desk.settings, polling=replace(desk.settings.polling, max_bytes=100_000))
    assert desk.run(lambda port: send(port, chunked + b"20000\r\n" + b"x" * 0x20000 + b"\r\n")) == 413


def test_a_head_that_is_too_long_is_refused_whatever_follows(desk: Desk) -> None:
    long = head(0, 9).replace(b"Connection: close", b"X-A: " + b"a" * 200_000)
    assert desk.run(lambda port: send(port, long)) == 431


def memory() -> int:
    """Bytes that the process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def half(port: int, number: int, body: memoryview) -> tuple[socket.socket, bool]:
    """Sends a body but for its end, without a copy of it in this process. True: the server has ended it."""
    loop, client = asyncio.get_running_loop(), socket.socket()
    client.setblocking(False)
    try:
        async with asyncio.timeout(2.0):
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, head(number, len(body) + 1))
            await loop.sock_sendall(client, body)
            await loop.sock_recv(client, 100)
    except TimeoutError:
        return client, False
    except OSError:
        pass
    return client, True


def test_halves_of_many_hubs_take_bounded_memory_and_leave_others_their_turn(desk: Desk) -> None:
    """78 bodies of 4 MB without their last byte. When they are given up, another source's push is taken."""
    body = memoryview(b"x" * 4_000_000)

    async def attack(port: int) -> tuple[int, int, int]:
        before = memory()
        halves = await asyncio.gather(*(half(port, number % (SOURCES - 1), body) for number in range(2 * (SOURCES - 1))))
        used = memory() - before
        for client, _ in halves:
            client.close()
        await asyncio.sleep(0.1)
        small = b"<feed/>"
        return used, sum(ended for _, ended in halves), await send(port, head(SOURCES - 1, len(small), small) + small)

    used, ended, after = desk.run(attack)
    assert ended >= 2 * (SOURCES - 1) - bodies.PUSHES_IN_MEMORY // len(body) - 1
    assert used < 2 * bodies.PUSHES_IN_MEMORY
    assert after == 202


def test_a_hub_that_sends_halves_is_held_to_two_at_a_time(desk: Desk) -> None:
    async def attack(port: int) -> tuple[list[int], int]:
        writers = []
        for _ in range(subscriber.PER_SOURCE):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head(0, 1000) + b"x")
            await writer.drain()
            writers.append(writer)
        await asyncio.sleep(0.1)
        more = [await send(port, head(0, 1000) + b"x") for _ in range(5)]
        body = b"<feed/>"
        other = await send(port, head(1, len(body), body) + body)
        for writer in writers:
            writer.transport.abort()
        return more, other

    assert desk.run(attack) == ([503] * 5, 202)


def test_slow_senders_are_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "BODY_SECONDS", 0.1)
    assert desk.run(lambda port: send(port, head(0, 1000) + b"x")) == 408


def test_what_waits_to_be_stored_counts_until_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"x" * 14_000_000

    async def flood(port: int) -> list[int]:
        statuses = [await send(port, head(number, len(body), body) + body) for number in range(6)]
        desk.stored.set()
        await asyncio.sleep(0.05)
        return [*statuses, await send(port, head(6, len(body), body) + body)]

    assert desk.run(flood) == [202, 202, 202, 202, 503, 503, 202]
