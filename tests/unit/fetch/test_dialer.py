"""Names and connections: what is remembered, what is tried, and what a resolver that hangs may cost."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from aggregator.fetch import dialer
from aggregator.fetch.dialer import MAX_LOOKUPS, MAX_NAMES, AddressRefusedError, Dialer, NameNotFoundError, Names, OfflineError
from aggregator.fetch.errors import ConnectError
from aggregator.fetch.guard import Guard


def info(*addresses: str) -> list[Any]:
    """What getaddrinfo answers, each address twice (one for each kind of socket)."""
    return [(0, 0, 0, "", (address, 80)) for address in addresses for _ in range(2)]


def test_a_name_is_looked_up_once_in_a_while() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return info("192.0.2.7", "192.0.2.8")

    async def run() -> list[Sequence[str]]:
        names = Names(resolve)
        return [await names(host, 80) for host in ("a.example", "a.example", "b.example")]

    assert asyncio.run(run()) == [("192.0.2.7", "192.0.2.8")] * 3
    assert asked == ["a.example", "b.example"]


def test_the_memory_of_names_is_bounded() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return info("192.0.2.7")

    async def run() -> None:
        names = Names(resolve)
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
        names = Names(resolve)
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
    monkeypatch.setattr(dialer, "LINGER", 0.05)
    names: set[int] = set()

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        names.add(threading.get_ident())
        return info("192.0.2.7")

    async def run() -> None:
        looked_up = Names(resolve)
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
        await Dialer(Guard(), Names(resolve)).connect("a.example", 80, 5)

    with pytest.raises(kind):
        asyncio.run(run())


def connect(*addresses: str, port: int, allow: str = "127.0.0.0/8") -> str:
    """The address that a connection to a name with these addresses ends at."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    async def run() -> str:
        wire = await Dialer(Guard([allow]), resolve).connect("a.example", port, 5)
        name = wire.peer
        wire.close()
        return str(name[0])

    return asyncio.run(run())


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        assert connect("127.0.0.4", "127.0.0.2", port=port) == "127.0.0.2"
        with pytest.raises(ConnectError, match="connection refused"):
            connect("127.0.0.4", "127.0.0.5", port=port)


def test_refused_addresses_are_skipped_and_never_tried_alone() -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        assert connect("10.0.0.1", "127.0.0.2", port=port) == "127.0.0.2"
        with pytest.raises(AddressRefusedError, match=r"loopback address 127.0.0.2 not allowed"):
            connect("127.0.0.2", port=port, allow="127.0.0.9/32")


def test_a_name_without_addresses_is_none() -> None:
    with pytest.raises(NameNotFoundError):
        connect(port=80)
