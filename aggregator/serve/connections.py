"""How many clients are connected, and which of them goes when one more comes than there is room for."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Protocol

import structlog

log = structlog.get_logger("server")

CHANCE = 0.02
"""Seconds that a client has for its request however full it is: most send it with the end of the handshake."""
PAUSE = 1.0
"""Seconds without accepting when the system has no descriptor or memory left."""
TELL = 60.0
"""Seconds between two lines of the log about one of these troubles."""
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Client(Protocol):
    """A connection, as an asyncio.Protocol with an end."""

    def give_up(self) -> None: ...


class Connections:
    """Accepts up to `limit` clients. One more takes the place of whoever has kept us waiting the longest.

    Clients that wait for us are never sent away: while there are no others, nobody is accepted, and the system lets them queue.
    asyncio's own accepting can't be bounded: without descriptors it logs a traceback for each place in the queue, every second.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._idle: dict[Client, float] = {}  # since when, the longest first
        self._dismissed: set[Client] = set()
        self._has_room = asyncio.Event()
        self._told: dict[str, float] = {}
        self._closed = 0

    # what a connection tells of itself
    def waits(self, client: Client) -> None:
        """We wait for it: for its request, or that it reads."""
        self._idle.setdefault(client, asyncio.get_running_loop().time())
        self._has_room.set()

    def works(self, client: Client) -> None:
        """It waits for us."""
        self._idle.pop(client, None)

    def lost(self, client: Client) -> None:
        self._idle.pop(client, None)
        if client in self._dismissed:
            self._dismissed.remove(client)
        else:
            self._leave()

    def _leave(self) -> None:
        self._count -= 1
        self._has_room.set()

    # accepting
    async def accept(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Goes on until it is cancelled."""
        loop = asyncio.get_running_loop()
        begun: set[asyncio.Task[None]] = set()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                if error.errno in _SHORT:
                    if self._is_to_tell("accept_refused"):
                        log.warning("accept_refused", error=error.strerror)
                    if self._idle:
                        self._dismiss(next(iter(self._idle)))
                    await asyncio.sleep(PAUSE)
                continue  # else: the client went away while it was in the queue
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
        """Returns when one more may come."""
        while self._count > self._limit:
            client = next(iter(self._idle), None)
            if client is None:
                self._has_room.clear()
                await self._has_room.wait()
                continue
            await asyncio.sleep(self._idle[client] + CHANCE - asyncio.get_running_loop().time())
            await asyncio.sleep(0)  # a turn of the loop, in which what it has sent is read, however late we are ourselves
            if client in self._idle and self._count > self._limit:
                self._dismiss(client)
                if self._is_to_tell("connections_full"):
                    log.warning("connections_full", limit=self._limit, closed=self._closed)

    def _dismiss(self, client: Client) -> None:
        del self._idle[client]
        self._dismissed.add(client)
        self._closed += 1
        self._leave()
        client.give_up()

    def _is_to_tell(self, event: str) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._told.get(event, -TELL) < TELL:
            return False
        self._told[event] = now
        return True
