"""Ports to the outside world: the clock, HTTP requests in both directions, and the hubs of sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from aggregator.model import Fault, Feed, FetchOutcome, FetchRequest, Instant, SourceId
from aggregator.ports.transaction import Transaction


class Job(Struct, frozen=True):
    """Work that is done every `seconds`. A failure is logged and does not stop later runs.

    queued: whether several nodes keep it in their queue, so that the next leader repeats what was cut short.
    """

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]
    queued: bool = False


class Clock(Protocol):
    """Time in seconds. `now` is UTC wall time; `monotonic` never jumps."""

    def now(self) -> Instant: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class BodyMemory(Protocol):
    """The memory of one document's body, shared with all others."""

    async def reserve(self, size: int) -> None:
        """Waits for so many bytes and takes them."""
        ...

    async def shrink(self, size: int) -> None:
        """Gives back all but so many bytes."""
        ...


class Fetcher(Protocol):
    async def fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory | None = None) -> FetchOutcome:
        """Fetches a document. Failures of the server or network are returned as `FetchFailed`, never raised.

        memory: for the body, which the caller gives back once it needs the body no more; by default only reading takes any.
        """
        ...

    async def aclose(self) -> None: ...


class Message(Struct, frozen=True):
    """A request to an address that others chose: a hub's verification or delivery, a webhook, or a hook (`enrich:`).

    seconds: for the message and its answer together; None for the messenger's own limit.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float | None = None


class Reply(Struct, frozen=True):
    """The response to a message. body: its first 64 KiB."""

    status: int
    body: bytes


class Messenger(Protocol):
    async def send(self, message: Message) -> Reply | Fault:
        """Sends a message once, to a public address or one in `network.allow`. Follows no redirects. Never raises."""
        ...

    async def aclose(self) -> None: ...


class Notice(Struct, frozen=True):
    """A message to a channel. title: may be ""; body: plain text; key: the same whenever it is sent again.

    html: the body for mail, or ""; subject: of a mail.
    """

    title: str
    body: str
    key: str
    html: str = ""
    subject: str = ""


SENT, FAILED, UNKNOWN = "sent", "failed", "unknown"


class Sent(Struct, frozen=True):
    """What became of a message. outcome: SENT, FAILED (nobody got it) or UNKNOWN. why: in words that hold no secret."""

    outcome: str
    why: str = ""


class ChannelSender(Protocol):
    async def send(self, url: str, notice: Notice, begin: Callable[[], Awaitable[None]]) -> Sent:
        """Sends a message to an Apprise address once, within a time limit. Never raises, but for what `begin` raises.

        begin: awaited once all is ready, right before the message leaves.
        """
        ...


class Call(Struct, frozen=True):
    """A request to an endpoint. name: the value of `{name}` in its path; headers: names in lower case.

    body: in pieces as they arrive. The endpoint must limit their total size.
    """

    name: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class Answer(Struct, frozen=True):
    """The answer to a call. text: a line of plain text, or "" for the status phrase; wait: seconds for Retry-After."""

    status: int
    text: str = ""
    wait: int | None = None


class Endpoint(Struct, frozen=True):
    """An HTTP endpoint that runs code. path: a route with `{name}` at most once."""

    method: str
    path: str
    answer: Callable[[Call], Awaitable[Answer]]


class Hubs(Protocol):
    """The WebSub hubs that sources name, which push documents to us."""

    def save_hub(self, transaction: Transaction, source: SourceId, feed: Feed, url: str) -> None:
        """Stores which hub a complete document names. url: the document's address."""
        ...

    def pushes_until(self, source: SourceId) -> Instant:
        """When the subscription at the source's hub ends; 0 if there is none."""
        ...
