"""Bytes of one connection: an asyncio protocol to read from, with a budget on what is read.

It closes by aborting: after `close` asyncio would wait for the other side's TLS farewell.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aggregator.fetch.errors import BudgetError, ReadError

PAUSE_ABOVE = 64 * 1024
"""Bytes that are buffered before the transport is told to stop reading."""
READ_SIZE = 16 * 1024
"""Bytes given out at a time: what a reader may get beyond the part that it has a budget for."""


class Wire(asyncio.Protocol):
    """One connection, plain or TLS. One reader waits at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._budget = 0
        self._limit = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > PAUSE_ABOVE and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = self._error or exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def readable(self) -> bool:
        """Whether there is something to read, or the end: nothing that a connection at rest may have."""
        return bool(self._buffer) or self._ended

    def allow(self, size: int, limit: str) -> None:
        """Sets how many bytes more may be read; `limit` says of what, for the fault."""
        self._budget, self._limit = size, limit

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises ReadError."""
        if not (self._buffer or self._ended):
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = self._take()
        self._budget -= len(data)
        if self._budget < 0:
            raise BudgetError(self._limit)
        return data

    def _take(self) -> bytes:
        """What broke the connection is told once all that came before is read."""
        if not self._buffer:
            if isinstance(self._error, OSError):  # ssl.SSLError is one
                raise ReadError(str(self._error)) from self._error
            if self._error is not None:
                raise self._error
            return b""
        data = bytes(self._buffer[:READ_SIZE])
        del self._buffer[:READ_SIZE]
        if self._paused and len(self._buffer) < PAUSE_ABOVE and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Sends; what the other side doesn't take yet waits in memory, where it is anyway. Errors are told by `read`."""
        assert self._transport is not None
        self._transport.write(data)

    def abort(self) -> None:
        """Closes at once."""
        if self._transport is not None:
            self._transport.abort()

    async def start_tls(self, context: ssl.SSLContext, name: str, seconds: float) -> None:
        """From here on TLS, with the certificate checked for this name. Raises ssl.SSLError and OSError."""
        loop, plain = asyncio.get_running_loop(), self._transport
        assert plain is not None
        try:
            self._transport = await loop.start_tls(plain, self, context, server_hostname=name, ssl_handshake_timeout=seconds)
        except BaseException:
            plain.abort()
            raise

    def tells(self, name: str) -> Any:
        """What asyncio's transport knows by this name (`ssl_object`, `peername`)."""
        return None if self._transport is None else self._transport.get_extra_info(name)
