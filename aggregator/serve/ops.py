"""Endpoints for operators: `/healthz`, `/readyz`, and `/metrics`.

Anybody may ask whether the service works. Sources, errors, and config keys are shown only to holders of `server.admin.token`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aggregator.serve.access import LONGEST_QUERY, Credentials

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WITHHELD = b"# Metrics count what is private, too: they need the token of server.admin.\n"
"""The answer to strangers: valid in Prometheus' text format, and the same whatever is private."""


class Administration(Struct, frozen=True):
    """What only the administrator may see. token: of the current config, or None; details: the full `/readyz`.

    hides: whether anything is private, which metrics would count.
    """

    token: Callable[[], str | None] = lambda: None
    hides: Callable[[], bool] = lambda: False
    details: Callable[[], Mapping[str, object]] = dict

    def admits(self, request: Request) -> bool:
        """Whether the request carries the token."""
        query: bytes = request.scope["query_string"]
        token = self.token()
        knows = Credentials(query[:LONGEST_QUERY], request.headers.get("authorization")).know(token or "")
        return bool(token) and knows


def routes(
    ready: Callable[[], tuple[bool, Mapping[str, object]]],
    metrics: Callable[[], bytes] | None,
    administration: Administration,
) -> list[Route]:
    """Routes. `/healthz`: the process answers. `/readyz`: the result of `ready`. `/metrics`: Prometheus' text format.

    Metrics count private things, too, so they need the administrator's token if there is one, or if anything is private.
    """

    thread = ThreadPoolExecutor(1, thread_name_prefix="readyz")  # its own: while a database hangs, it may hold all that ask it

    async def healthz(request: Request) -> Response:
        return Response("ok\n", media_type="text/plain", headers=_HEADERS)

    async def readyz(request: Request) -> Response:
        works, details = await asyncio.get_running_loop().run_in_executor(thread, ready)
        if administration.admits(request):
            details = await asyncio.to_thread(administration.details)
        return JSONResponse({"ready": works, **details}, 200 if works else 503, headers=_HEADERS)

    async def numbers(request: Request) -> Response:
        is_open = administration.token() is None and not await asyncio.to_thread(administration.hides)
        if not is_open and not administration.admits(request):
            return Response(_WITHHELD, media_type=METRICS_TYPE, headers=_HEADERS)
        body = await asyncio.to_thread(metrics) if metrics is not None else b""
        return Response(body, media_type=METRICS_TYPE, headers=_HEADERS)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", numbers)]
