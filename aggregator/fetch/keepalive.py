"""Connections kept between requests: by origin, for a short time, and only while nothing arrives on them."""

from __future__ import annotations

import asyncio
from time import monotonic

from aggregator.fetch.target import Origin
from aggregator.fetch.wire import Wire

KEEP_FOR = 30.0
"""Seconds that an idle connection is kept; servers close theirs after 5 to 75."""
MAX_KEPT = 64
"""Idle connections, of all origins."""


class Connection:
    """An open connection. expires: when it has been idle for too long (monotonic); remembered: its TLS session is kept."""

    __slots__ = ("expires", "origin", "remembered", "wire")

    def __init__(self, origin: Origin, wire: Wire) -> None:
        self.origin = origin
        self.wire = wire
        self.expires = 0.0
        self.remembered = False

    @property
    def is_usable(self) -> bool:
        return monotonic() <= self.expires and self.wire.is_silent


class KeptConnections:
    """Idle connections, at most MAX_KEPT, each for KEEP_FOR seconds."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[Connection]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def take(self, origin: Origin) -> Connection | None:
        """A connection that can still be used, or None."""
        waiting = self._idle.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.is_usable:
                return connection
            connection.wire.close()
        self._idle.pop(origin, None)
        return None

    def give(self, connection: Connection) -> None:
        """Keeps a connection for the next request, or closes it if there are too many."""
        if sum(map(len, self._idle.values())) >= MAX_KEPT:
            connection.wire.close()
            return
        connection.expires = monotonic() + KEEP_FOR
        self._idle.setdefault(connection.origin, []).append(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEEP_FOR + 1, self._sweep)

    def _sweep(self) -> None:
        """Closes connections that can't be used any more."""
        self._timer = None
        for origin, waiting in list(self._idle.items()):
            for connection in [connection for connection in waiting if not connection.is_usable]:
                waiting.remove(connection)
                connection.wire.close()
            if not waiting:
                del self._idle[origin]
        if self._idle:
            self._timer = asyncio.get_running_loop().call_later(KEEP_FOR + 1, self._sweep)

    def close(self) -> None:
        """Closes all connections."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiting in self._idle.values():
            for connection in waiting:
                connection.wire.close()
        self._idle.clear()
