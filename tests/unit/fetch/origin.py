"""Small servers on loopback for these tests: what they answer is written by hand, byte by byte."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.model import FetchOutcome, FetchRequest, Source, SourceId
from aggregator.settings import Network, Polling, Settings

RSS = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title></channel></rss>'
NOW = 1_686_830_400.0
Act = Callable[["Exchange"], Awaitable[None]]


@dataclass(slots=True)
class Exchange:
    """One request, and the way to answer it."""

    target: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    async def reply(self, status: int = 200, *headers: str, body: bytes = RSS) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


@dataclass(slots=True)
class Origin:
    """A server under way: its base address, what was asked, and how many connections were made."""

    base: str
    asked: list[Exchange] = field(default_factory=list)
    connections: int = 0

    @property
    def targets(self) -> list[str]:
        return [exchange.target for exchange in self.asked]


@asynccontextmanager
async def serving(act: Act, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[Origin]:
    """A server that acts so on every request, keeping connections that are not told to close."""
    origin = Origin("")
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        origin.connections += 1
        writers.append(writer)
        try:
            while (exchange := await _request(reader, writer)) is not None:
                origin.asked.append(exchange)
                await act(exchange)
                if exchange.headers.get("connection") == "close":
                    break
        except (ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    scheme = "https" if tls else "http"
    origin.base = f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
    try:
        yield origin
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode("latin-1").splitlines()
    pairs = (line.partition(": ") for line in lines if line)
    return Exchange(first.split(" ")[1], {name.lower(): value for name, _, value in pairs}, reader, writer)


def settings(*sources: str, allow: tuple[str, ...] = ("127.0.0.0/8",), **polling: Any) -> Settings:
    listed = tuple(Source(SourceId(str(number)), url) for number, url in enumerate(sources))
    return Settings(Path("feeds.yaml"), listed, network=Network(allow=allow), polling=Polling(**{"timeout": 5.0, **polling}))


@asynccontextmanager
async def fetching(of: Settings, gate: HostGate | None = None, **more: Any) -> AsyncIterator[HttpFetcher]:
    fetcher = HttpFetcher(of, gate, **more)
    try:
        yield fetcher
    finally:
        await fetcher.aclose()


def fetch(
    act: Act, path: str = "/feed.xml", requests: Callable[[str], FetchRequest] | None = None, **polling: Any
) -> FetchOutcome:
    """The outcome of one fetch from a server that acts so."""

    async def run() -> FetchOutcome:
        async with serving(act) as origin, fetching(settings(**polling)) as fetcher:
            request = requests(origin.base) if requests else FetchRequest(origin.base + path)
            return await fetcher.fetch(request, NOW)

    return asyncio.run(run())


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Fails if a file descriptor was opened inside and is open still."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    after = len(os.listdir("/proc/self/fd"))
    assert after <= before, f"{after - before} file descriptors left open"
