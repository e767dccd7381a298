"""One connection, plain or TLS: bytes are read on demand and within a budget.

It uses asyncio's socket calls, because a transport with a protocol costs more and reads ahead. TLS is an `ssl.SSLObject`
between two memory buffers; asyncio's own TLS takes 0.2 ms and 256 KiB more per connection. Closing doesn't wait for the
other side.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from httpx import ReadError

from aggregator.fetch.errors import BudgetError

READ_SIZE = 16 * 1024
"""Bytes read at a time, by which a budget can be exceeded at most. The size of the largest TLS record (RFC 8446 5.1)."""


class _Secure:
    """TLS of one connection: the SSL object and its encrypted input and output."""

    __slots__ = ("incoming", "object", "outgoing")

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    @property
    def holds(self) -> bool:
        """True if received bytes are waiting to be read."""
        return bool(self.incoming.pending or self.object.pending())

    def read(self) -> bytes | None:
        """Decrypts what has come: b"" after close_notify, None if nothing is complete yet. Raises ssl.SSLError."""
        if not self.holds:
            return None
        try:
            return self.object.read(READ_SIZE)
        except ssl.SSLWantReadError:
            return None


class Wire:
    """One connection, plain or TLS, for one task at a time.

    torn: TLS ended without close_notify, so anyone on the path may have cut it (RFC 8446 6.1).
    """

    __slots__ = ("_budget", "_early", "_limit", "_loop", "_secure", "_socket", "torn")

    def __init__(self, connected: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = connected
        self._secure: _Secure | None = None
        self._early: bytes | None = None
        self.torn = False
        self._budget = 0
        self._limit = ""

    def allow(self, size: int, limit: str) -> None:
        """Sets how many more bytes may be read; `limit` names what for, in the fault."""
        self._budget, self._limit = size, limit

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises httpx.ReadError."""
        try:
            if self._secure is None:
                data = await self._loop.sock_recv(self._socket, READ_SIZE)
            else:
                data = await self._decrypt(self._secure)
        except OSError as error:  # ssl.SSLError is one
            raise ReadError(str(error)) from error
        self._budget -= len(data)
        if self._budget < 0:
            raise BudgetError(self._limit)
        return data

    async def write(self, data: bytes) -> None:
        """Sends. Errors are left for `read` to report, because a server may answer and close before it has read everything."""
        try:
            if self._secure is None:
                await self._loop.sock_sendall(self._socket, data)
                return
            left = memoryview(data)
            while left:
                left = left[self._secure.object.write(left) :]
            await self._flush(self._secure)
        except OSError:
            pass

    def close(self) -> None:
        """Closes at once; unread bytes are lost."""
        self._socket.close()

    @property
    def is_silent(self) -> bool:
        """True if nothing unread has come: no data, no TLS record or part of one, no end.

        What is there before a request is sent can't be its answer (RFC 9112 9.2).
        """
        if self._early is not None or (self._secure is not None and self._secure.holds):
            return False
        return self._peek() is None

    @property
    def spoke_first(self) -> bool:
        """True if the server of a new connection has already sent data. TLS session tickets don't count."""
        return bool(self._early if self._secure is not None else self._peek())

    def _peek(self) -> bytes | None:
        """The next byte, which stays unread; b"" at the end, None if nothing has come."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Switches to TLS and checks the certificate for this name. Raises ssl.SSLError and OSError.

        Our last handshake message is sent with the first `write`.
        """
        secure = _Secure(context, name)
        while True:
            try:
                secure.object.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush(secure)
            except ssl.SSLError:
                await self._flush(secure)  # the alert that says why
                raise
            data = await self._loop.sock_recv(self._socket, READ_SIZE)
            if not data:
                raise ConnectionResetError("closed in the handshake")
            secure.incoming.write(data)
        self._secure = secure
        self._early = secure.read()  # None if only session tickets came with the handshake, as from servers in Go

    async def _decrypt(self, secure: _Secure) -> bytes:
        if self._early is not None:
            early, self._early = self._early, None
            return early
        while (data := secure.read()) is None:
            await self._flush(secure)
            came = await self._loop.sock_recv(self._socket, READ_SIZE)
            if not came:
                self.torn = True
                return b""
            secure.incoming.write(came)
        return data

    async def _flush(self, secure: _Secure) -> None:
        if secure.outgoing.pending:
            await self._loop.sock_sendall(self._socket, secure.outgoing.read())

    @property
    def session(self) -> ssl.SSLSession | None:
        """The TLS session, which a later connection to the same name can resume; None without TLS."""
        return self._secure.object.session if self._secure is not None else None
