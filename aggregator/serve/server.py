"""The listening socket and uvicorn around the application: limits, slow clients, an orderly end."""

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
"""Connections that wait to be accepted, as far as the system allows that many."""
IDLE = 15
"""Seconds a kept connection may stay without a request."""
SECOND = 1.0
GRACE = 5
"""Seconds that answers under way are given at the end."""


def listen(host: str, port: int) -> socket.socket:
    """The listening socket, before anything else starts. Raises AggregatorError if the address can't be had."""
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
    """Serves until `stop` is set, then lets answers under way end. connections: at once."""
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
    its_log.setLevel(logging.ERROR)  # it warns of each malformed request
    its_log.addFilter(_is_trouble)
    server = _Server(config, stop, Connections(connections))
    watcher = asyncio.create_task(_stop(server, stop))
    try:
        await server.serve(sockets=[listener])
    finally:
        watcher.cancel()


def _is_trouble(record: logging.LogRecord) -> bool:
    """Not that answers were cut off at the end: uvicorn tells of each as of a crash."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError) and not str(record.msg).startswith("Cancel ")


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling (the daemon's decides), without a look ten times a second whether to end.

    Connections are accepted here, because asyncio's servers know no limit.
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
        """Once a second, for the Date of answers. Should uvicorn rename it, the daemon only wakes more often."""
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
