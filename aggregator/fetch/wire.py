"""Bytes of one connection: an asyncio protocol and the stream that httpcore reads from, with a budget on what is read.

`Stream` is httpcore's `AsyncNetworkStream` without anyio (a third of a request's cost) and closes by aborting: after `close`
asyncio would wait for the other side's TLS farewell.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpcore

PAUSE_ABOVE = 64 * 1024
"""Bytes that are buffered before the transport is told to stop reading."""
READ_SIZE = 16 * 1024
"""Bytes given out at a time: h11 scans what it is given again, so small bites keep its work linear."""


class BudgetError(httpcore.ReadError):
    """The server has sent more than was allowed at this point."""


class Wire(asyncio.Protocol):
    """What has come and has not been read yet. One reader waits at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self.transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > PAUSE_ABOVE and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.error = self.error or exc
        self._wake()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Returns when there is something to read, or the end."""
        if self.buffer or self.ended:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def drain(self) -> None:
        """Returns when the transport takes more."""
        if self._full and not self.ended:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                await self._drained
            finally:
                self._drained = None

    def take(self, size: int) -> bytes:
        """The next bytes; b"" at the end. Raises what broke the connection once all that came before is read."""
        if not self.buffer:
            if self.error is not None:
                raise self.error
            return b""
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        if self._paused and len(self.buffer) < PAUSE_ABOVE and self.transport is not None and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()
        return data


class Stream(httpcore.AsyncNetworkStream):
    """One connection, plain or TLS."""

    def __init__(self, wire: Wire, transport: asyncio.Transport) -> None:
        self._wire = wire
        self._transport = transport
        self._budget = 0
        self._limit = ""
        self.spoke = False

    def allow(self, size: int, limit: str) -> None:
        """Sets how many bytes more may be read; `limit` says of what, for the fault. `spoke`: whether any came since."""
        self._budget, self._limit, self.spoke = size, limit, False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 (httpcore's)
        try:
            if not (self._wire.buffer or self._wire.ended):
                await _within(self._wire.wait(), timeout)
            data = self._wire.take(min(max_bytes, READ_SIZE))
        except TimeoutError as error:
            raise httpcore.ReadTimeout("no answer in time") from error
        except (OSError, ssl.SSLError) as error:
            raise httpcore.ReadError(str(error)) from error
        self.spoke = self.spoke or bool(data)
        self._budget -= len(data)
        if self._budget < 0:
            raise BudgetError(self._limit)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 (httpcore's)
        if not buffer:
            return
        try:
            self._transport.write(buffer)
            await _within(self._wire.drain(), timeout)
        except TimeoutError as error:
            raise httpcore.WriteTimeout("the server does not take the request") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._transport.abort()

    def abort(self) -> None:
        """Closes at once, from where nothing can be awaited."""
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's)
    ) -> Stream:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport, self._wire, ssl_context, server_hostname=server_hostname, ssl_handshake_timeout=timeout
            )
        except BaseException:
            self._transport.abort()
            raise
        assert transport is not None
        self._wire.transport = transport
        return Stream(self._wire, transport)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return bool(self._wire.buffer) or self._wire.ended
        return self._transport.get_extra_info(info)


async def _within(work: Any, seconds: float | None) -> None:
    """Awaits with a limit on the time; without one where the caller has its own."""
    if seconds is None:
        await work
        return
    async with asyncio.timeout(seconds):
        await work
