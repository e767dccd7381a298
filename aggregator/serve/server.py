"""The listening socket and uvicorn around the application: limits, slow clients, an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

import uvicorn
from starlette.types import ASGIApp

from aggregator.errors import AggregatorError
from aggregator.serve.protocol import BoundedProtocol

MOST_CONNECTIONS = 512
"""At once; more are told 503. A reader holds one for a moment, a browser a few."""
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
            listener.listen(512)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        hint = "another program listens there; set server.port" if error.errno == 98 else error.strerror
        raise AggregatorError(f"can't listen on {host}:{port}: {hint}") from error
    listener.setblocking(False)
    return listener


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serves until `stop` is set, then lets answers under way end."""
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
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
        backlog=512,
    )
    its_log = logging.getLogger("uvicorn.error")
    its_log.setLevel(logging.ERROR)  # it warns of each malformed request
    its_log.addFilter(_is_trouble)
    server = _Server(config, stop)
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
    """uvicorn without its own signal handling (the daemon's decides), and without a look ten times a second whether to end."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

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
