"""Limits the number of connected clients, and picks the one to close when another one comes."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

log = structlog.get_logger("server")

GRACE = 0.02
"""Seconds that every client gets to send its request, however full the server is. Most send it right after the handshake."""
PAUSE = 1.0
"""Seconds without accepting when the system has no descriptor or memory left."""
LOG_INTERVAL = 60.0
"""Seconds between two log lines about the same event."""
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Client(Protocol):
    """A connection that can be closed."""

    def give_up(self) -> None: ...


class Connections:
    """Accepts up to `limit` clients. Another one takes the place of the client that has been idle the longest.

    Busy clients, which wait for an answer, are never closed. If all are busy, new clients stay in the system's queue, and
    `is_crowded` asks connections to end after their next answer, so that those in the queue get a turn.
    asyncio's own servers have no limit; without descriptors they log a traceback for each place in the queue, every second.
    """

    def __init__(self, limit: int) -> None:
        self.is_crowded = False
        self._limit = limit
        self._count = 0
        self._idle: dict[Client, float] = {}  # idle since, longest first
        self._dismissed: set[Client] = set()
        self._has_room = asyncio.Event()
        self._logged: dict[str, float] = {}
        self._closed = 0

    def mark_idle(self, client: Client) -> None:
        """Notes that the server waits for this client to send its request or to read its answer."""
        self._idle.setdefault(client, asyncio.get_running_loop().time())
        self._has_room.set()

    def mark_busy(self, client: Client) -> None:
        """Notes that this client waits for an answer."""
        self._idle.pop(client, None)

    def remove(self, client: Client) -> None:
        self._idle.pop(client, None)
        if client in self._dismissed:
            self._dismissed.remove(client)
        else:
            self._leave()

    def _leave(self) -> None:
        self._count -= 1
        self._has_room.set()

    async def accept(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Accepts connections until it is cancelled."""
        loop = asyncio.get_running_loop()
        begun: set[asyncio.Task[None]] = set()
        while True:
            try:
                connection = await next_connection(listener)
            except OSError as error:
                if error.errno in _SHORT:
                    if self._should_log("accept_refused"):
                        log.warning("accept_refused", error=error.strerror)
                    if self._idle:
                        self._dismiss(next(iter(self._idle)))
                    await asyncio.sleep(PAUSE)
                continue  # any other error: the client went away while it was in the queue
            self._count += 1
            task = loop.create_task(self._begin(protocol, connection))
            begun.add(task)
            task.add_done_callback(begun.discard)
            await self._make_room()

    async def _begin(self, protocol: Callable[[], asyncio.Protocol], connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
        except OSError:
            connection.close()
            self._leave()

    async def _make_room(self) -> None:
        """Returns when there is room for another client."""
        while self._count > self._limit:
            client = next(iter(self._idle), None)
            if client is None:
                self.is_crowded = True
                self._has_room.clear()
                await self._has_room.wait()
                continue
            await asyncio.sleep(self._idle[client] + GRACE - asyncio.get_running_loop().time())
            await asyncio.sleep(0)  # one turn of the loop, so that a request that has arrived is read, however late the loop is
            if self._count > self._limit:
                if client in self._idle:
                    self._dismiss(client)
                    if self._should_log("connections_full"):
                        log.warning("connections_full", limit=self._limit, closed=self._closed)
                else:  # it sent its next request at once
                    self.is_crowded = True
        self.is_crowded = False

    def _dismiss(self, client: Client) -> None:
        del self._idle[client]
        self._dismissed.add(client)
        self._closed += 1
        self._leave()
        client.give_up()

    def _should_log(self, event: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._logged.get(event, -LOG_INTERVAL) < LOG_INTERVAL:
            return False
        self._logged[event] = now
        return True


async def next_connection(listener: socket.socket) -> socket.socket:
    """Waits for the next client of a non-blocking listener. Raises OSError as `accept` does.

    `loop.sock_accept` of Python 3.11 takes a client that comes in the very turn in which it is cancelled, and fails then.
    """
    loop = asyncio.get_running_loop()
    while True:
        with suppress(BlockingIOError, InterruptedError):
            return listener.accept()[0]
        arrived = asyncio.Event()
        loop.add_reader(listener, arrived.set)
        try:
            await arrived.wait()
        finally:
            loop.remove_reader(listener)
