"""uvicorn's httptools protocol with the limits that it lacks: on heads, slow or pipelined requests, clients that do not read."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aggregator.serve.connections import Connections

MOST_HEAD = 32 * 1024
"""Bytes of a request line and headers. Other servers have similar limits."""
MOST_HEADERS = 100
"""Headers of a request."""
HEAD_SECONDS = 20.0
"""Seconds within which a request's head must arrive, and before it the rest of a body that the last answer did not need."""
PIECE = 1024
BODY_PIECE = 4 * PIECE
"""Bytes parsed at a time, which limits the pipelined requests in memory: a request of 26 bytes takes some kilobytes."""
SEND_SECONDS = 60.0
"""Seconds that an answer may wait for its client to read."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _TooLargeError(Exception):
    """The head exceeds a limit. Stops the parser."""


class _Flow(FlowControl):
    """Does not read while `holds` is set, even if uvicorn asks for it."""

    holds = False

    def resume_reading(self) -> None:
        if not self.holds:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A request over a limit is answered 431 (RFC 6585 5) or closed. among: the server's connections."""

    def __init__(self, *given: Any, among: Connections, **named: Any) -> None:
        super().__init__(*given, **named)
        self._among = among
        self._held = memoryview(b"")
        self._pending = 0
        self._head_bytes = 0
        self._head_is_open = True
        self._deadline: asyncio.TimerHandle | None = None
        self._send_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        self._among.mark_idle(self)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadlines()
        super().connection_lost(exc)
        self._among.remove(self)

    def data_received(self, data: bytes) -> None:
        self._held = memoryview(bytes(self._held) + data)  # usually nothing is held
        self._parse()

    def _parse(self) -> None:
        """Feeds the parser piece by piece until a request waits behind the one that is being answered.

        The rest is held as bytes and reading is paused, so that what a client pipelines takes little memory.
        """
        while self._held and not self.transport.is_closing():
            if self.pipeline:
                self._hold()
                return
            size = PIECE if self._head_is_open else BODY_PIECE
            piece, self._held = self._held[:size], self._held[size:]
            if self._head_is_open and not self._may_go_on(len(piece)):
                return
            super().data_received(bytes(piece))

    def _hold(self) -> None:
        self._flow.holds = True
        self._flow.pause_reading()
        if self._deadline is not None:  # a head may be unfinished because it is held
            self._deadline.cancel()
            self._deadline = None

    def _may_go_on(self, size: int) -> bool:
        """Counts the bytes of a head. Refuses an unfinished line that is too long; finished ones are counted in on_header."""
        if self._deadline is None:
            self._wait_for_head()
        self._pending += size
        if self._pending > MOST_HEAD:
            self.send_400_response("")
            return False
        return True

    # parser callbacks
    def on_message_begin(self) -> None:
        self._pending = self._head_bytes = 0  # the rest of this piece adds at most one limit more
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
        if self._among.is_crowded:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head_is_open = True
        if not self.cycle.response_complete:
            self._among.mark_busy(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if not self._head_is_open and self._deadline is None:  # the rest of a body that was not needed is still to come
            self._wait_for_head()
        if self._held and not self.pipeline:
            self._flow.holds = False
            self._flow.resume_reading()
            self._parse()
        if self.cycle.response_complete and not self.transport.is_closing():  # otherwise the next request has already arrived
            self._among.mark_idle(self)

    # slow clients
    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.give_up)

    def give_up(self) -> None:
        """Closes the connection at once."""
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._send_deadline = self.loop.call_later(SEND_SECONDS, self.give_up)
        self._among.mark_idle(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.cycle is not None and not self.cycle.response_complete:
            self._among.mark_busy(self)
        if self._send_deadline is not None:
            self._send_deadline.cancel()
            self._send_deadline = None

    def _cancel_deadlines(self) -> None:
        for timer in (self._deadline, self._send_deadline):
            if timer is not None:
                timer.cancel()
        self._deadline = self._send_deadline = None

    def send_400_response(self, msg: str) -> None:
        """Answers 431 for heads over a limit, which the parser reports like malformed ones, else 400."""
        if (
            max(self._pending, self._head_bytes) > MOST_HEAD
            or len(self.headers or ()) > MOST_HEADERS
            or len(getattr(self, "url", b"")) > MOST_HEAD
        ):
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            super().send_400_response(msg)
