"""What those who run the service ask: is it alive, is it working, how much of what.

Anybody may ask whether it works. What names sources, errors and keys of the config is for a holder of `server.admin.token`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aggregator.serve.access import LONGEST_QUERY, Credentials

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Administration(Struct, frozen=True):
    """What only the administrator is told. token: of the config in use, None if it has none; details: all of `/readyz`."""

    token: Callable[[], str | None] = lambda: None
    details: Callable[[], Mapping[str, object]] = dict

    def admits(self, request: Request) -> bool:
        """Whether the request knows the token."""
        query: bytes = request.scope["query_string"]
        token = self.token()
        credentials = Credentials(query[:LONGEST_QUERY], request.headers.get("authorization"))
        return token is not None and credentials.know(token)


def routes(
    ready: Callable[[], tuple[bool, Mapping[str, object]]],
    metrics: Callable[[], bytes] | None,
    administration: Administration,
) -> list[Route]:
    """`/healthz`: the process answers. `/readyz`: `ready()` says yes, with what anybody may know. `/metrics`: Prometheus' text.

    Counters tell how much of everything there is, private or not: where there is an administrator, they are for him.
    """

    async def healthz(request: Request) -> Response:
        return Response("ok\n", media_type="text/plain", headers=_HEADERS)

    async def readyz(request: Request) -> Response:
        well, told = await asyncio.to_thread(ready)
        if administration.admits(request):
            told = await asyncio.to_thread(administration.details)
        return JSONResponse({"ready": well, **told}, 200 if well else 503, headers=_HEADERS)

    async def numbers(request: Request) -> Response:
        if administration.token() is not None and not administration.admits(request):
            raise HTTPException(404)
        body = await asyncio.to_thread(metrics) if metrics is not None else b""
        return Response(body, media_type=METRICS_TYPE, headers=_HEADERS)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", numbers)]
