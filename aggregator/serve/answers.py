"""Sends answers over ASGI, and makes short ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope, Send

from aggregator.publish.shelf import Representation

ALLOWED = "GET, HEAD, OPTIONS"
RawHeaders = Iterable[tuple[bytes, bytes]]


async def send_whole(send: Send, status: int, headers: RawHeaders, body: bytes = b"") -> None:
    """Sends an answer with its body, if any."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def send_representation(send: Send, made: Representation, *, current: bool, head: bool) -> None:
    """Sends a document with 200, or 304 if it is current."""
    if current:
        await send_whole(send, 304, made.kept)
    else:
        await send_whole(send, 200, made.headers, b"" if head else made.body)


def short_response(scope: Scope, status: int, extra: Mapping[str, str] | None = None, text: str = "") -> Response:
    """A status with a line of plain text, not to be cached. It repeats nothing of the request."""
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff", **(extra or {})}
    if has_body(scope):
        headers["connection"] = "close"  # the unread body must not be taken for the next request
    body = text or f"{status} {HTTPStatus(status).phrase}\n"
    response = Response(body, status, headers, "text/plain")
    if scope["method"] == "HEAD":
        response.body = b""
    return response


async def send_short(scope: Scope, send: Send, status: int, extra: Mapping[str, str] | None = None, text: str = "") -> None:
    """Sends a short response."""
    response = short_response(scope, status, extra, text)
    await send_whole(send, status, response.raw_headers, bytes(response.body))


async def send_options(scope: Scope, send: Send) -> None:
    """Answers OPTIONS and CORS preflights: scripts of any site may GET public feeds."""
    headers = {
        "allow": ALLOWED,
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "If-None-Match, If-Modified-Since",
        "access-control-max-age": "86400",
    }
    await send_short(scope, send, 200, headers, text="\n")


def has_body(scope: Scope) -> bool:
    """Whether a request has a body (RFC 9112 6)."""
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in scope["headers"])
