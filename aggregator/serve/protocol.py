"""uvicorn's fast protocol with the bounds that it lacks: size and number of headers, slow requests, readers that don't read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aggregator.serve.connections import Connections

MOST_HEAD = 32 * 1024
"""Bytes of a request's line and headers, as widely used servers allow."""
MOST_HEADERS = 100
HEAD_SECONDS = 20.0
"""Within which a request's head must have come."""
SEND_SECONDS = 60.0
"""For which an answer may wait for its reader without any progress."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _TooLargeError(Exception):
    """The head is over a bound: the parser stops."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. What goes over a bound is told 431 or closed. among: the server's connections."""

    def __init__(self, *given: Any, among: Connections, **named: Any) -> None:
        super().__init__(*given, **named)
        self._among = among
        self._pending = 0
        self._head_bytes = 0
        self._head_is_open = True
        self._deadline: asyncio.TimerHandle | None = None
        self._send_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self._among.waits(self)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadlines()
        super().connection_lost(exc)
        self._among.lost(self)

    def data_received(self, data: bytes) -> None:
        """A head is read in pieces of its bound, so that the body that came with it is not counted with it."""
        while self._head_is_open and data and not self.transport.is_closing():
            if self._deadline is None:
                self._wait_for_head()
            piece, data = data[:MOST_HEAD], data[MOST_HEAD:]
            self._pending += len(piece)
            if self._pending > MOST_HEAD:  # a line that does not end; lines that end are counted below
                self.send_400_response("")
                return
            super().data_received(piece)
        if data and not self.transport.is_closing():
            super().data_received(data)

    # parser callbacks
    def on_message_begin(self) -> None:
        self._pending = self._head_bytes = 0  # what else is in this piece is at most one bound more
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MOST_HEAD:
            raise _TooLargeError

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if len(self.headers) > MOST_HEADERS or self._head_bytes > MOST_HEAD:
            raise _TooLargeError

    def on_headers_complete(self) -> None:
        self._head_is_open = False
        self._pending = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head_is_open = True
        if not self.cycle.response_complete:
            self._among.works(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():  # else the next request is there already
            self._among.waits(self)

    # slow clients
    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.give_up)

    def give_up(self) -> None:
        """Closes the connection, whatever is under way."""
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._send_deadline = self.loop.call_later(SEND_SECONDS, self.give_up)
        self._among.waits(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._among.works(self)
        if self._send_deadline is not None:
            self._send_deadline.cancel()
            self._send_deadline = None

    def _cancel_deadlines(self) -> None:
        for timer in (self._deadline, self._send_deadline):
            if timer is not None:
                timer.cancel()
        self._deadline = self._send_deadline = None

    def send_400_response(self, msg: str) -> None:
        """Also for heads over a bound, which the parser can't tell from wrong ones."""
        if (
            max(self._pending, self._head_bytes) > MOST_HEAD
            or len(self.headers or ()) > MOST_HEADERS
            or len(getattr(self, "url", b"")) > MOST_HEAD
        ):
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            super().send_400_response(msg)
