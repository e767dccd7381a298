"""httpx's transport for direct requests: our own dialer connects, llhttp reads the answers (decisions/035).

There is no pool. A connection is kept for a short time, and only if the request does not say `Connection: close`. Measured
costs are in docs/polling.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx

from aggregator.fetch.dialer import Dialer
from aggregator.fetch.errors import UnsendableError
from aggregator.fetch.keepalive import Connection, KeptConnections
from aggregator.fetch.response import ResponseReader
from aggregator.fetch.target import Origin
from aggregator.fetch.tls import Resuming
from aggregator.fetch.wire import Wire
from aggregator.text.urls import PORTS

CONNECT = 10.0
"""Seconds for look-up and connection together, and again for the TLS handshake."""
HEADER_BYTES = 64 * 1024
HEAD_BUDGET = HEADER_BYTES + 16 * 1024
"""Bytes until the headers are complete: room for them and a few 1xx answers, but not for a flood of either."""
BODY_SLACK = 1024 * 1024
"""Bytes allowed on the wire beyond `max_bytes`: chunk sizes, trailers, a coding that makes a body longer."""

_PATH = re.compile(rb"[\x21-\x7e]+")


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends one request; the caller reads the response and closes it. Raises httpx.TransportError.

    Only connecting has a time limit here; the caller limits the whole exchange.
    """

    def __init__(self, dialer: Dialer, context: Resuming, max_bytes: int) -> None:
        self._dialer = dialer
        self._context = context
        self._max_wire = max_bytes + BODY_SLACK
        self._kept = KeptConnections()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request. If a kept connection turns out to be dead, it tries once more over a new one."""
        sent = head_of(request) + await request.aread()
        origin = origin_of(request.url)
        keep = request.headers.get("connection") != "close"
        kept = self._kept.take(origin) if keep else None
        if kept is not None:
            try:
                return await self._exchange(kept, request, sent, keep)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                pass
        opened = await self._open(origin)
        if opened.wire.spoke_first:
            opened.wire.close()
            raise httpx.RemoteProtocolError("the server answered before it was asked")
        return await self._exchange(opened, request, sent, keep)

    async def _exchange(self, opened: Connection, request: httpx.Request, sent: bytes, keep: bool) -> httpx.Response:
        wire, reader = opened.wire, ResponseReader()
        try:
            wire.allow(HEAD_BUDGET, "headers")
            await wire.write(sent)
            while not reader.headed:
                await _advance(wire, reader)
            wire.allow(self._max_wire, "more bytes than polling.max_bytes")
        except BaseException:
            wire.close()
            raise
        reader.ended = reader.ended or request.method == "HEAD"
        return httpx.Response(reader.status, headers=reader.headers, stream=_Body(self, opened, reader, keep))

    async def _open(self, origin: Origin) -> Connection:
        scheme, host, port = origin
        wire = await self._dialer.connect(host, port, CONNECT)
        if scheme == "https":
            await self._secure(wire, host)
        return Connection(origin, wire)

    async def _secure(self, wire: Wire, host: str) -> None:
        limit = asyncio.timeout(CONNECT)
        try:
            async with limit:
                await wire.start_tls(self._context, host)
        except BaseException as error:
            wire.close()
            if isinstance(error, TimeoutError) and limit.expired():
                raise httpx.ConnectTimeout(f"no TLS handshake within {CONNECT:g} s") from error
            if isinstance(error, OSError):  # ssl.SSLError is one
                raise httpx.ConnectError(str(error)) from error
            raise

    def release(self, opened: Connection, reusable: bool) -> None:
        """Keeps or closes a connection after its response."""
        scheme, host, _ = opened.origin
        if scheme == "https" and not opened.remembered:
            self._context.remember(host, opened.wire.session)
            opened.remembered = True
        if reusable:
            self._kept.give(opened)
        else:
            opened.wire.close()

    async def aclose(self) -> None:
        self._kept.close()


class _Body(httpx.AsyncByteStream):
    """The raw body of a response. Closing it releases the connection."""

    __slots__ = ("_keep", "_opened", "_reader", "_transport")

    def __init__(self, transport: DirectTransport, opened: Connection, reader: ResponseReader, keep: bool) -> None:
        self._transport = transport
        self._opened = opened
        self._reader = reader
        self._keep = keep

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
        self._transport.release(self._opened, self._keep and self._reader.ended and self._reader.reusable)


async def _advance(wire: Wire, reader: ResponseReader) -> None:
    """Reads once and feeds the reader."""
    data = await wire.read()
    if data:
        reader.feed(data)
    else:
        reader.end(wire.torn)


def origin_of(url: httpx.URL) -> Origin:
    """The origin that a connection for this address is bound to. Raises httpx.UnsupportedProtocol."""
    if url.scheme not in PORTS or not url.raw_host:
        raise httpx.UnsupportedProtocol("only http and https addresses of a host can be asked")
    return url.scheme, url.raw_host.decode("ascii"), url.port or PORTS[url.scheme]


def head_of(request: httpx.Request) -> bytes:
    """Request line and headers as they go over the wire. The caller has checked the headers (`request.encode_headers`)."""
    path, method = request.url.raw_path, request.method
    if not _PATH.fullmatch(path) or "transfer-encoding" in request.headers:
        raise UnsendableError("an address or a body that can't be sent")
    lines = b"".join([b"%b: %b\r\n" % pair for pair in request.headers.raw])
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode("ascii"), path, lines)
