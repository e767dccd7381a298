"""The listening socket, and uvicorn with limits and an orderly shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from aggregator.errors import AggregatorError
from aggregator.serve.connections import Connections
from aggregator.serve.protocol import BoundedProtocol

QUEUE = 2_048
"""Connections that may wait to be accepted, if the system allows that many."""
IDLE = 15
"""Seconds that a kept connection may stay without a request."""
SECOND = 1.0
"""Seconds between two ticks, which update the Date header."""
GRACE = 5
"""Seconds that answers in progress get at shutdown."""


def listen(host: str, port: int) -> socket.socket:
    """Opens the listening socket. Raises AggregatorError if the address can't be used."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(QUEUE)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        hint = "another program listens there; set server.port" if error.errno == 98 else error.strerror
        raise AggregatorError(f"can't listen on {host}:{port}: {hint}") from error
    listener.setblocking(False)
    return listener


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event, connections: int) -> None:
    """Serves until `stop` is set, then finishes answers in progress. connections: the most at a time."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="none",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
    )
    its_log = logging.getLogger("uvicorn.error")
    its_log.setLevel(logging.ERROR)  # it logs a warning for each malformed request
    its_log.addFilter(_is_trouble)
    server = _Server(config, stop, Connections(connections))
    watcher = asyncio.create_task(_stop(server, stop))
    try:
        await server.serve(sockets=[listener])
    finally:
        watcher.cancel()


def _is_trouble(record: logging.LogRecord) -> bool:
    """False for answers that were cut off at shutdown, each of which uvicorn logs like a crash."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError) and not str(record.msg).startswith("Cancel ")


class _Server(uvicorn.Server):
    """uvicorn without signal handling, which the daemon does itself, and without polling ten times a second for shutdown.

    It accepts connections itself, because asyncio's servers have no limit.
    """

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event, connections: Connections) -> None:
        super().__init__(config)
        self._stop = stop
        self._connections = connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        state = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        protocol = partial(BoundedProtocol, among=self._connections, **state)
        self._accepting = [asyncio.create_task(self._connections.accept(one, protocol)) for one in sockets or ()]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        await super().shutdown(sockets)

    async def main_loop(self) -> None:
        """Ticks once a second for the Date header. If uvicorn renames this method, the daemon merely wakes more often."""
        while not await self.on_tick(0) and not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECOND):
                    await self._stop.wait()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # the supertype's annotation is a generator's
        yield


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
