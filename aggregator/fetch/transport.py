"""HTTP/1.1 requests by httpcore's connection over our own dialer.

Without httpx's requests and responses around it, which are a fifth of what a poll with nothing new costs. No pool: each request
of a pool walks all its connections. A connection is kept, shortly, only where the caller says that the host has more feeds to
ask for. Measured costs are in docs/polling.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import httpcore

from aggregator.fetch.dialer import Dialer
from aggregator.fetch.target import Origin, Target
from aggregator.fetch.tls import Resuming
from aggregator.fetch.wire import Stream

CONNECT = 10.0
"""Seconds for name, connection and TLS handshake each."""
HEADER_BYTES = 64 * 1024
HEAD_BUDGET = HEADER_BYTES + 16 * 1024
"""Bytes before the headers are complete: the headers and a few 1xx answers. Ends floods of both."""
BODY_SLACK = 1024 * 1024
"""Bytes on the wire beyond `max_bytes`: chunk sizes, trailers, a coding that makes a body longer."""
KEEP_FOR = 30.0
"""Seconds that an idle connection is kept: servers close theirs after 5 to 75."""
MAX_KEPT = 64
"""Idle connections at most; each TLS one holds a buffer of 256 KiB."""


RawHeaders = Sequence[tuple[bytes, bytes]]


class Response(Protocol):
    """An answer of which the body is still to be read: iterate, then close."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> RawHeaders: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class _NoLock:
    """Stands in for a lock where one task at a time has the connection."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


class _Connection(httpcore.AsyncHTTP11Connection):
    """httpcore's connection with a smaller bound on headers and without its lock.

    The lock asks which event loop runs by importing sniffio, for each connection anew; where that is not installed (anyio
    does without it now) the search for it costs more than the request. Should the attribute be renamed, only speed is lost.
    """

    MAX_INCOMPLETE_EVENT_SIZE = HEADER_BYTES

    def __init__(self, origin: httpcore.Origin, stream: Stream) -> None:
        super().__init__(origin, stream, keepalive_expiry=KEEP_FOR)
        self._state_lock = _NoLock()  # type: ignore[assignment]


class _Open:
    """An open connection and the stream under it."""

    def __init__(self, origin: Origin, connection: httpcore.AsyncHTTP11Connection, stream: Stream) -> None:
        self.origin = origin
        self.connection = connection
        self.stream = stream


class FeedTransport:
    """Sends one request; the caller reads the response and closes it. Raises httpcore's and ssl's exceptions as they are."""

    def __init__(self, dialer: Dialer, context: Resuming, max_bytes: int) -> None:
        self._dialer = dialer
        self._context = context
        self._max_wire = max_bytes + BODY_SLACK
        self._kept: dict[Origin, list[_Open]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def ask(
        self,
        target: Target,
        headers: RawHeaders,
        *,
        keep: bool = False,
        method: str = "GET",
        content: bytes = b"",
    ) -> Response:
        """The answer to one request. headers: all but Host and Content-Length; keep: the connection may be used again.

        Only connecting has a limit on its time: the caller has one for the whole.
        """
        origin = target.origin
        message = message_of(method, target, headers, content)
        kept = await self._take(origin) if keep else None
        if kept is not None:
            try:
                return await self._send(kept, message, keep)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                await kept.connection.aclose()  # it died while it lay idle: once more on a new one
        return await self._send(await self._open(origin), message, keep)

    async def _send(self, opened: _Open, message: httpcore.Request, keep: bool) -> Response:
        opened.stream.allow(HEAD_BUDGET, "headers")
        try:
            answer = await opened.connection.handle_async_request(message)
        except httpcore.RemoteProtocolError as error:
            if opened.stream.spoke and "without sending" in str(error):
                raise httpcore.RemoteProtocolError("what came is no HTTP response") from error
            raise
        opened.stream.allow(self._max_wire, "more bytes than polling.max_bytes")
        return _Answer(self, opened, answer, keep)

    async def _open(self, origin: Origin) -> _Open:
        scheme, host, port = origin
        stream = await self._dialer.connect_tcp(host, port, timeout=CONNECT)
        if scheme == "https":
            stream = await stream.start_tls(self._context, server_hostname=host, timeout=CONNECT)
        core = httpcore.Origin(scheme.encode("ascii"), host.encode("ascii"), port)
        return _Open(origin, _Connection(core, stream), stream)

    async def _take(self, origin: Origin) -> _Open | None:
        """A kept connection that still stands, or None."""
        waiting = self._kept.get(origin, [])
        while waiting:
            opened = waiting.pop()
            if opened.connection.is_available() and not opened.connection.has_expired():
                return opened
            await opened.connection.aclose()
        self._kept.pop(origin, None)
        return None

    async def done(self, opened: _Open, keep: bool) -> None:
        """Takes a connection back after its response: to keep it, or to close it."""
        if opened.origin[0] == "https":
            secure = opened.stream.get_extra_info("ssl_object")
            if secure is not None:
                self._context.remember(opened.origin[1], secure.session)
        if keep and opened.connection.is_idle() and sum(map(len, self._kept.values())) < MAX_KEPT:
            self._kept.setdefault(opened.origin, []).append(opened)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(KEEP_FOR + 1, self._sweep)
        else:
            await opened.connection.aclose()

    def _sweep(self) -> None:
        """Closes what lay idle for too long."""
        self._timer = None
        for origin, waiting in list(self._kept.items()):
            for opened in [opened for opened in waiting if opened.connection.has_expired()]:
                waiting.remove(opened)
                opened.stream.abort()
            if not waiting:
                del self._kept[origin]
        if self._kept:
            self._timer = asyncio.get_running_loop().call_later(KEEP_FOR + 1, self._sweep)

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiting in self._kept.values():
            for opened in waiting:
                await opened.connection.aclose()
        self._kept.clear()


class _Answer:
    """A response with its raw body; closing it gives the connection back."""

    def __init__(self, transport: FeedTransport, opened: _Open, answer: httpcore.Response, keep: bool) -> None:
        self._transport = transport
        self._opened = opened
        self._answer = answer
        self._keep = keep
        self.status: int = answer.status
        self.headers: RawHeaders = answer.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
        await self._transport.done(self._opened, self._keep)


def message_of(method: str, target: Target, headers: RawHeaders, content: bytes) -> httpcore.Request:
    """The request as httpx would have made it: a target is encoded as it goes over the wire."""
    scheme, host = target.scheme.encode("ascii"), target.host.encode("ascii")
    _, _, place, path = target.url.encode("ascii").split(b"/", 3)
    length = [(b"Content-Length", b"%d" % len(content))] if content else []
    return httpcore.Request(
        method,
        httpcore.URL(scheme=scheme, host=host, port=target.port, target=b"/" + path),
        headers=[(b"Host", place), *headers, *length],
        content=content or None,
    )
