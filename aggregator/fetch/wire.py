"""Bytes of one connection: an asyncio protocol to read from, with a budget on what is read, and TLS where it is asked for.

TLS is an `ssl.SSLObject` between two buffers of memory. asyncio's own does the same and more, for 0.2 ms and 256 KiB each.
A connection closes by aborting: nothing is left to be said, and nobody waits for the other side's farewell.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aggregator.fetch.errors import BudgetError, ReadError

PAUSE_ABOVE = 64 * 1024
"""Bytes that are buffered before the transport is told to stop reading."""
READ_SIZE = 16 * 1024
"""Bytes given out at a time: what a reader may get beyond the part that it has a budget for. No TLS record is longer."""


class _Secure:
    """TLS of one connection: what goes in and comes out encrypted."""

    __slots__ = ("incoming", "object", "outgoing", "shaking")

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.shaking = True


class Wire(asyncio.Protocol):
    """One connection, plain or TLS. One reader waits at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._error: Exception | None = None
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._secure: _Secure | None = None
        self._paused = False
        self._budget = 0
        self._limit = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._secure is not None:
            self._secure.incoming.write(data)
            self._decrypt(self._secure)
            self._flush(self._secure)
        else:
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

    def _decrypt(self, secure: _Secure) -> None:
        """Takes what can be read out of what has come. A farewell is the end, as a connection that just ends is."""
        if secure.shaking:
            return
        try:
            while secure.incoming.pending or secure.object.pending():
                data = secure.object.read(READ_SIZE)
                if not data:
                    self._ended = True
                    break
                self._buffer += data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._ended, self._error = True, self._error or error

    def _flush(self, secure: _Secure) -> None:
        if secure.outgoing.pending and self._transport is not None:
            self._transport.write(secure.outgoing.read())

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
        while not (self._buffer or self._ended):
            await self._wait()  # TLS has more to say than what is read
        data = self._take()
        self._budget -= len(data)
        if self._budget < 0:
            raise BudgetError(self._limit)
        return data

    async def _wait(self) -> None:
        """Returns when something has come, or the end."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

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
        if self._secure is None:
            self._transport.write(data)
            return
        left = memoryview(data)
        try:
            while left:
                left = left[self._secure.object.write(left) :]
        except ssl.SSLError as error:
            self._ended, self._error = True, self._error or error
        self._flush(self._secure)

    def abort(self) -> None:
        """Closes at once."""
        if self._transport is not None:
            self._transport.abort()

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """From here on TLS, with the certificate checked for this name. Raises ssl.SSLError and OSError.

        The last words of the handshake wait for the first `write`, and go with it.
        """
        secure = self._secure = _Secure(context, name)
        try:
            while secure.shaking:
                try:
                    secure.object.do_handshake()
                    secure.shaking = False
                except ssl.SSLWantReadError:
                    self._flush(secure)
                    if self._ended:
                        raise self._error or ConnectionResetError("closed in the handshake") from None
                    await self._wait()
        except BaseException:
            self._flush(secure)  # the alert that says why
            self.abort()
            raise
        self._decrypt(secure)

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a later TLS connection to the same name can take up; None for a plain one."""
        return self._secure.object.session if self._secure is not None else None

    @property
    def peer(self) -> Any:
        """The address at the other end, as sockets tell it."""
        return self._transport.get_extra_info("peername") if self._transport is not None else None
