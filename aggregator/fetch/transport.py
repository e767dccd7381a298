"""HTTP/1.1 requests over our own dialer, answers read by llhttp (decisions/032).

No pool: a connection is kept, shortly, only where the caller says that the host has more feeds to ask for. Measured costs are in
docs/polling.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from typing import Protocol

from aggregator.fetch.dialer import Dialer
from aggregator.fetch.errors import ConnectTimeoutError, ProtocolError, ReadError, UnsendableError
from aggregator.fetch.response import ResponseReader
from aggregator.fetch.target import Origin, Target
from aggregator.fetch.tls import Resuming
from aggregator.fetch.wire import Wire

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
"""Idle connections at most."""

_URL = re.compile(r"[\x21-\x7e]+")


class Response(Protocol):
    """An answer of which the body is still to be read: iterate, then close. headers: names in lower case, all as latin-1."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class _Open:
    """An open connection, and when it has lain idle for too long."""

    __slots__ = ("expires", "origin", "remembered", "wire")

    def __init__(self, origin: Origin, wire: Wire) -> None:
        self.origin = origin
        self.wire = wire
        self.expires = 0.0
        self.remembered = False

    @property
    def stands(self) -> bool:
        return monotonic() <= self.expires and self.wire.silent


class FeedTransport:
    """Sends one request; the caller reads the response and closes it. Raises WireError, and OSError from the TLS handshake."""

    def __init__(self, dialer: Dialer, context: Resuming, max_bytes: int) -> None:
        self._dialer = dialer
        self._context = context
        self._max_wire = max_bytes + BODY_SLACK
        self._kept: dict[Origin, list[_Open]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def ask(
        self,
        target: Target,
        lines: bytes,
        *,
        keep: bool = False,
        method: str = "GET",
        content: bytes = b"",
    ) -> Response:
        """The answer to one request. lines: of `header_lines`, all but Host and Content-Length; keep: the connection may be
        used again.

        Only connecting has a limit on its time: the caller has one for the whole.
        """
        request = request_of(method, target, lines, content)
        kept = self._take(target.origin) if keep else None
        if kept is not None:
            try:
                return await self._send(kept, request, keep)
            except (ProtocolError, ReadError):
                pass  # it died while it lay idle: once more on a new one
        opened = await self._open(target.origin)
        if opened.wire.spoke_first:
            opened.wire.close()
            raise ProtocolError("the server answered before it was asked")
        return await self._send(opened, request, keep)

    async def _send(self, opened: _Open, request: bytes, keep: bool) -> Response:
        wire, reader = opened.wire, ResponseReader()
        try:
            wire.allow(HEAD_BUDGET, "headers")
            await wire.write(request)
            while not reader.headed:
                await _advance(wire, reader)
            wire.allow(self._max_wire, "more bytes than polling.max_bytes")
        except BaseException:
            wire.close()
            raise
        return _Answer(self, opened, reader, keep)

    async def _open(self, origin: Origin) -> _Open:
        scheme, host, port = origin
        wire = await self._dialer.connect(host, port, CONNECT)
        if scheme == "https":
            await self._secure(wire, host)
        return _Open(origin, wire)

    async def _secure(self, wire: Wire, host: str) -> None:
        try:
            async with asyncio.timeout(CONNECT) as limit:
                await wire.start_tls(self._context, host)
        except BaseException as error:
            wire.close()
            if isinstance(error, TimeoutError) and limit.expired():
                raise ConnectTimeoutError(f"no TLS handshake within {CONNECT:g} s") from error
            raise

    def _take(self, origin: Origin) -> _Open | None:
        """A kept connection that still stands, or None."""
        waiting = self._kept.get(origin)
        while waiting:
            opened = waiting.pop()
            if opened.stands:
                return opened
            opened.wire.close()
        self._kept.pop(origin, None)
        return None

    def done(self, opened: _Open, reusable: bool) -> None:
        """Takes a connection back after its response: to keep it, or to close it."""
        if opened.origin[0] == "https" and not opened.remembered:
            self._context.remember(opened.origin[1], opened.wire.session)
            opened.remembered = True
        if reusable and sum(map(len, self._kept.values())) < MAX_KEPT:
            opened.expires = monotonic() + KEEP_FOR
            self._kept.setdefault(opened.origin, []).append(opened)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(KEEP_FOR + 1, self._sweep)
        else:
            opened.wire.close()

    def _sweep(self) -> None:
        """Closes what lay idle for too long."""
        self._timer = None
        for origin, waiting in list(self._kept.items()):
            for opened in [opened for opened in waiting if not opened.stands]:
                waiting.remove(opened)
                opened.wire.close()
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
                opened.wire.close()
        self._kept.clear()


class _Answer:
    """A response with its raw body; closing it gives the connection back."""

    __slots__ = ("_keep", "_opened", "_reader", "_transport", "headers", "status")

    def __init__(self, transport: FeedTransport, opened: _Open, reader: ResponseReader, keep: bool) -> None:
        self._transport = transport
        self._opened = opened
        self._reader = reader
        self._keep = keep
        self.status = reader.status
        self.headers: Sequence[tuple[str, str]] = reader.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader = self._reader
        while True:
            parts, reader.parts = reader.parts, []
            for part in parts:
                yield part
            if reader.fault is not None:
                raise reader.fault
            if reader.ended:
                return
            await _advance(self._opened.wire, reader)

    async def aclose(self) -> None:
        self._transport.done(self._opened, self._keep and self._reader.ended and self._reader.reusable)


async def _advance(wire: Wire, reader: ResponseReader) -> None:
    """One read further."""
    data = await wire.read()
    if data:
        reader.feed(data)
    else:
        reader.end(wire.torn)


def request_of(method: str, target: Target, lines: bytes, content: bytes) -> bytes:
    """The bytes of a request. Raises UnsendableError for an address that would break its first lines."""
    if not _URL.fullmatch(target.url):
        raise UnsendableError
    _, _, place, path = target.url.split("/", 3)
    length = f"Content-Length: {len(content)}\r\n" if content else ""
    return f"{method} /{path} HTTP/1.1\r\nHost: {place}\r\n".encode("ascii") + lines + length.encode("ascii") + b"\r\n" + content
