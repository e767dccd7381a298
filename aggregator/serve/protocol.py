"""uvicorn's fast protocol with the bounds that it lacks: size and number of headers, slow requests, readers that don't read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
    """One connection. What goes over a bound is told 431 or closed."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pending = 0
        self._head_bytes = 0
        self._head_is_open = True
        self._deadline: asyncio.TimerHandle | None = None
        self._send_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadlines()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_is_open:
            if self._deadline is None:
                self._wait_for_head()
            self._pending += len(data)
        if self._pending > MOST_HEAD:  # a line that does not end; lines that end are counted below
            self.send_400_response("")
            return
        super().data_received(data)

    # parser callbacks
    def on_message_begin(self) -> None:
        self._pending = self._head_bytes = 0  # what else is in this piece is at most what is read at once
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

    # slow clients
    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._send_deadline = self.loop.call_later(SEND_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
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
