"""Bytes of one connection, read when they are asked for, with a budget, and TLS where it is wanted.

A socket and asyncio's plain calls for sockets: a transport with its protocol costs more, and reads ahead. TLS is an
`ssl.SSLObject` between two buffers of memory; asyncio's own takes 0.2 ms and 256 KiB more. A connection closes at once: nothing
is left to be said, and nobody waits for the other side's farewell.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from httpx import ReadError

from aggregator.fetch.errors import BudgetError

READ_SIZE = 16 * 1024
"""Bytes read at a time: what a reader may get beyond the part that it has a budget for. No TLS record is longer."""


class _Secure:
    """TLS of one connection: an object between what comes in and what goes out, encrypted."""

    __slots__ = ("incoming", "object", "outgoing")

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    @property
    def holds(self) -> bool:
        """Whether bytes have come that are not read yet."""
        return bool(self.incoming.pending or self.object.pending())

    def read(self) -> bytes | None:
        """What can be read out of what has come: b"" at the farewell, None for nothing yet. Raises ssl.SSLError."""
        if not self.holds:
            return None
        try:
            return self.object.read(READ_SIZE)
        except ssl.SSLWantReadError:
            return None


class Wire:
    """One connection, plain or TLS, for one task at a time.

    torn: the end came without the farewell of TLS, so that anybody on the way may have made it (RFC 8446 6.1).
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
        """Sets how many bytes more may be read; `limit` says of what, for the fault."""
        self._budget, self._limit = size, limit

    async def read(self) -> bytes:
        """The next bytes; b"" at the end. Raises httpx.ReadError."""
        try:
            if self._secure is None:
                data = await self._loop.sock_recv(self._socket, READ_SIZE)
            else:
                data = await self._decrypted(self._secure)
        except OSError as error:  # ssl.SSLError is one
            raise ReadError(str(error)) from error
        self._budget -= len(data)
        if self._budget < 0:
            raise BudgetError(self._limit)
        return data

    async def write(self, data: bytes) -> None:
        """Sends. What goes wrong here is told by `read`: a server may answer before it has read all, and close."""
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
        """At once, with what has not been read."""
        self._socket.close()

    @property
    def silent(self) -> bool:
        """Whether nothing has come that is not read: no answer, no record of TLS or part of one, no farewell, no end.

        What is there before a request is sent can't be the answer to it (RFC 9112 9.2).
        """
        if self._early is not None or (self._secure is not None and self._secure.holds):
            return False
        return self._peek() is None

    @property
    def spoke_first(self) -> bool:
        """Whether the server of a new connection has said something already. Tickets for later connections don't count."""
        return bool(self._early if self._secure is not None else self._peek())

    def _peek(self) -> bytes | None:
        """A byte of what has come, which stays there; b"" at the end, None for nothing yet."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """From here on TLS, with the certificate checked for this name. Raises ssl.SSLError and OSError.

        The last words of the handshake wait for the first `write`, and go with it.
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
        self._early = secure.read()  # None where only tickets came with the handshake, as from servers in Go

    async def _decrypted(self, secure: _Secure) -> bytes:
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
        """What a later TLS connection to the same name can take up; None for a plain one."""
        return self._secure.object.session if self._secure is not None else None
