"""What those who run the service ask: is it alive, is it working, how much of what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def routes(ready: Callable[[], tuple[bool, Mapping[str, object]]], metrics: Callable[[], bytes] | None) -> list[Route]:
    """`/healthz`: the process answers. `/readyz`: `ready()` says yes, with its details as JSON. `/metrics`: Prometheus' text."""

    async def healthz(request: Request) -> Response:
        return Response("ok\n", media_type="text/plain", headers=_HEADERS)

    async def readyz(request: Request) -> Response:
        well, details = await asyncio.to_thread(ready)
        return JSONResponse({"ready": well, **details}, 200 if well else 503, headers=_HEADERS)

    async def numbers(request: Request) -> Response:
        body = await asyncio.to_thread(metrics) if metrics is not None else b""
        return Response(body, media_type=METRICS_TYPE, headers=_HEADERS)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", numbers)]
