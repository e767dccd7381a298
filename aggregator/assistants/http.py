"""Streamable HTTP: a token for every request, names of hosts against DNS rebinding, and bounds; each request stands alone."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import structlog
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.serve.access import has_bearer
from aggregator.serve.server import serve

log = structlog.get_logger("mcp")

PATH = "/mcp"
LARGEST_BODY = 64 * 1024
"""Bytes of a request. The longest query takes a twentieth of that."""
CLIENTS = 64
"""Connections at a time. Tools run two at a time."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


async def serve_http(server: MCPServer[Any], listener: socket.socket, token: str, names: Iterable[str]) -> None:
    """Serves until SIGTERM or Ctrl-C. names: of the hosts that requests may be for, besides those of this machine."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    host, port = listener.getsockname()[:2]
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=LARGEST_BODY,
        transport_security=allow_hosts([f"[{host}]" if ":" in host else host, *LOOPBACK, *names]),
    )
    async with server.session_manager.run():
        log.warning("mcp_listening", address=f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}")
        await serve(Guard(app, token), listener, stop, CLIENTS)


def allow_hosts(names: Iterable[str]) -> TransportSecuritySettings:
    """Which Host and Origin headers are answered: these names, with any port (MCP 2025-11-25, Transports, Security Warning)."""
    hosts = [form for name in names for form in (name, f"{name}:*")]
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def names_of(site_url: str, hosts: Iterable[str]) -> Iterator[str]:
    """The names of hosts by which a proxy may ask: the site's own, and those of the config."""
    own = urlsplit(site_url).hostname
    if own:
        yield f"[{own}]" if ":" in own else own
    yield from hosts


class Guard:
    """Lets requests with the token through, which arrive as POST: without sessions there is no stream to open or end."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if not has_bearer(self._token, request.headers.get("authorization")):
            refused = PlainTextResponse("a token is needed: Authorization: Bearer …\n", 401, {"www-authenticate": "Bearer"})
            await refused(scope, receive, send)
        elif request.method != "POST":
            await PlainTextResponse("POST alone\n", 405, {"allow": "POST"})(scope, receive, send)
        else:
            await self._app(scope, receive, send)
