"""The world outside: time, servers, documents, whoever is sent messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from aggregator.model import (
    Fault,
    Feed,
    FetchOutcome,
    FetchRequest,
    Instant,
    SourceId,
)
from aggregator.ports.transaction import Transaction


class Job(Struct, frozen=True):
    """Something done every so many seconds. A failure is logged and the next turn comes all the same."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]


class Clock(Protocol):
    """Time. `now` is UTC wall time, `monotonic` never jumps; both in seconds."""

    def now(self) -> Instant: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Fetcher(Protocol):
    async def fetch(self, request: FetchRequest, now: Instant) -> FetchOutcome:
        """Never raises for what a server or the network does: that is a `FetchFailed`."""
        ...

    async def aclose(self) -> None: ...


class Message(Struct, frozen=True):
    """Something sent to an address that others chose: a hub's verification or delivery, a webhook."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Reply(Struct, frozen=True):
    """What came back. body: its beginning, up to 64 KiB."""

    status: int
    body: bytes


class Messenger(Protocol):
    async def send(self, message: Message) -> Reply | Fault:
        """Sends it once, to public addresses and those that `network.allow` names. No redirect is followed. Never raises."""
        ...

    async def aclose(self) -> None: ...


class Call(Struct, frozen=True):
    """A request that somebody outside makes of us. name: what stands for `{name}` in the endpoint's path; headers in lower case.

    body: in pieces, as they come: whoever reads them bounds them.
    """

    name: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class Answer(Struct, frozen=True):
    """What it is told. text: a line of plain text; the status' own words if empty. wait: seconds until it may come again."""

    status: int
    text: str = ""
    wait: int | None = None


class Endpoint(Struct, frozen=True):
    """An address of ours that does something. path: as in a route, `{name}` at most once."""

    method: str
    path: str
    answer: Callable[[Call], Awaitable[Answer]]


class Hubs(Protocol):
    """The hubs that sources name, which push their documents to us."""

    def note(self, transaction: Transaction, source: SourceId, feed: Feed, url: str) -> None:
        """Remembers which hub a whole document names. url: where it came from."""
        ...

    def pushes_until(self, source: SourceId) -> Instant:
        """When the subscription to the source's hub ends; 0 if there is none."""
        ...
