"""Sends requests to an ASGI application without a network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(app: ASGIApp, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """One request; header names with underscores for hyphens. Host is there unless given."""
    return asyncio.run(ask_async(app, target, method, body, **headers))


async def ask_async(app: ASGIApp, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    parts = urlsplit(target)
    raw = [(b"host", b"news.example.org")] if "host" not in headers else []
    raw += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items() if value != ""]
    if body:
        raw.append((b"content-length", str(len(body)).encode()))
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Any] = []
    pieces = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return pieces.pop(0) if pieces else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    found = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))
