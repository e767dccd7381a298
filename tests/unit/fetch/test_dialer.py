"""SystemResolver and connections: what is remembered, what is tried, and what a resolver that hangs may cost."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from httpx import ConnectError

from aggregator.fetch import dialer, resolver
from aggregator.fetch.dialer import MAX_EACH, NEXT_AFTER, Dialer
from aggregator.fetch.errors import AddressRefusedError, NameNotFoundError, OfflineError
from aggregator.fetch.guard import Guard
from aggregator.fetch.resolver import MAX_LOOKUPS, MAX_NAMES, SystemResolver

from .origin import no_descriptor_left


def info(*addresses: str) -> list[Any]:
    """What getaddrinfo answers, each address twice (one for each kind of socket)."""
    return [(0, 0, 0, "", (address, 80)) for address in addresses for _ in range(2)]


def test_a_name_is_looked_up_once_in_a_while() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return info("192.0.2.7", "192.0.2.8")

    async def run() -> list[Sequence[str]]:
        names = SystemResolver(resolve)
        return [await names(host, 80) for host in ("a.example", "a.example", "b.example")]

    assert asyncio.run(run()) == [("192.0.2.7", "192.0.2.8")] * 3
    assert asked == ["a.example", "b.example"]


def test_the_memory_of_names_is_bounded() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return info("192.0.2.7")

    async def run() -> None:
        names = SystemResolver(resolve)
        for number in range(MAX_NAMES + 1):
            await names(f"h{number}.example", 80)
        await names("h0.example", 80)

    asyncio.run(run())
    assert asked.count("h0.example") == 2


def test_a_resolver_that_hangs_holds_up_nobody_else_and_not_the_end() -> None:
    release = threading.Event()

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        if host == "hangs.example":
            release.wait(30)
        return info("192.0.2.7")

    async def run() -> Sequence[str]:
        names = SystemResolver(resolve)
        hanging = asyncio.ensure_future(names("hangs.example", 80))
        await asyncio.sleep(0)
        found = await names("good.example", 80)
        hanging.cancel()
        return found

    try:
        assert asyncio.run(run()) == ("192.0.2.7",)
        assert all(thread.daemon for thread in threading.enumerate() if thread.name == "resolve")
    finally:
        release.set()


def test_threads_are_used_again_and_end_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "LINGER", 0.05)
    names: set[int] = set()

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        names.add(threading.get_ident())
        return info("192.0.2.7")

    async def run() -> None:
        looked_up = SystemResolver(resolve)
        for number in range(20):
            await looked_up(f"h{number}.example", 80)
        await asyncio.gather(*(looked_up(f"g{number}.example", 80) for number in range(100)))

    before = threading.active_count()
    asyncio.run(run())
    assert len(names) <= MAX_LOOKUPS + 1
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), NameNotFoundError),
        (socket.gaierror(socket.EAI_AGAIN, "x"), OfflineError),
        (UnicodeError("label too long"), NameNotFoundError),
        (OSError(5, "x"), NameNotFoundError),
    ],
)
def test_what_a_look_up_raises_is_told_apart(error: Exception, kind: type[Exception]) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        raise error

    async def run() -> None:
        await Dialer(Guard(), SystemResolver(resolve)).connect("a.example", 80, 5)

    with pytest.raises(kind):
        asyncio.run(run())


def connect(*addresses: str, port: int, allow: tuple[str, ...] = ("127.0.0.0/8", "::1")) -> float:
    """Connects to a name with these addresses and hangs up: the seconds that it took."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    async def run() -> float:
        started = time.monotonic()
        wire = await Dialer(Guard(allow), resolve).connect("a.example", port, 5)
        wire.close()
        return time.monotonic() - started

    with no_descriptor_left():
        return asyncio.run(run())


@contextmanager
def listening(*addresses: str, silent: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, socket.socket]]]:
    """Servers at one port of these addresses. silent: their queue is full, so that nobody gets an answer there."""
    with ExitStack() as stack:
        port, servers = 0, {}
        for address in (*addresses, *silent):
            made = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
            made.bind((address, port))
            made.listen(0 if address in silent else 8)
            made.setblocking(False)
            port, servers[address] = made.getsockname()[1], made
        for address in silent:
            for _ in range(3):
                waiting = stack.enter_context(socket.socket(servers[address].family))
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield port, servers


def reached(server: socket.socket) -> bool:
    """Whether somebody has connected to a server."""
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with listening("127.0.0.2") as (port, servers):
        connect("127.0.0.4", "127.0.0.2", port=port)
        assert reached(servers["127.0.0.2"])
        with pytest.raises(ConnectError, match="connection refused"):
            connect("127.0.0.4", "127.0.0.5", port=port)
        with pytest.raises(ConnectError, match="connection refused"):
            connect("127.0.0.4", port=port)


def test_silent_addresses_before_a_good_one_cost_a_quarter_of_a_second_each() -> None:
    silent = ("127.0.0.4", "127.0.0.5", "127.0.0.6")
    with listening("127.0.0.2", silent=silent) as (port, servers):
        took = connect(*silent, "127.0.0.2", port=port)
        assert reached(servers["127.0.0.2"])
    assert 3 * NEXT_AFTER <= took < 3


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_the_families_take_turns() -> None:
    """Three silent addresses of one family cost the other's one nothing but the first wait."""
    with listening("::1", silent=("127.0.0.4", "127.0.0.5", "127.0.0.6")) as (port, servers):
        took = connect("127.0.0.4", "127.0.0.5", "127.0.0.6", "::1", port=port)
        assert reached(servers["::1"])
    assert NEXT_AFTER <= took < 2 * NEXT_AFTER


def test_of_many_addresses_some_are_tried() -> None:
    with listening("127.0.0.2") as (port, servers):
        with pytest.raises(ConnectError, match="connection refused"):
            connect(*(f"127.0.1.{number}" for number in range(1, MAX_EACH + 1)), "127.0.0.2", port=port)
        assert not reached(servers["127.0.0.2"])


def test_refused_addresses_are_skipped_and_never_tried_alone() -> None:
    with listening("127.0.0.2", "127.0.0.3", silent=["127.0.0.4"]) as (port, servers):
        connect("10.0.0.1", "127.0.0.4", "127.0.0.3", "127.0.0.2", port=port, allow=("127.0.0.2", "127.0.0.4"))
        assert reached(servers["127.0.0.2"]) and not reached(servers["127.0.0.3"])
        with pytest.raises(AddressRefusedError, match=r"loopback address 127.0.0.2 not allowed"):
            connect("127.0.0.2", port=port, allow=("127.0.0.9",))


def test_a_name_without_addresses_is_none() -> None:
    with pytest.raises(NameNotFoundError):
        connect(port=80)


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("Multiple exceptions: [Errno 101] Network is unreachable, [Errno 101] Network is unreachable", OfflineError, "no route"),
        ("Multiple exceptions: [Errno 101] Network is unreachable, [Errno 111] Connect call failed", ConnectError, "refused"),
        (
            "Multiple exceptions: [Errno 101] Network is unreachable, [Errno 113] No route to host",
            ConnectError,
            "no route to host",
        ),
        ("something else", ConnectError, "can't connect"),
    ],
)
def test_of_several_reasons_the_most_telling_is_told(
    text: str, kind: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No machine has a network that is broken in each of these ways: the message is the library's."""

    async def start_connection(*_: Any, **__: Any) -> socket.socket:
        raise OSError(text)

    monkeypatch.setattr(dialer, "start_connection", start_connection)
    with pytest.raises(ConnectError, match=told) as raised:
        connect("127.0.0.4", "127.0.0.5", port=80)
    assert type(raised.value) is kind
