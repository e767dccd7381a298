"""What a node answers that serves no readers: the operator's addresses. All else is answered 503."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from aggregator.serve import ops
from aggregator.serve.answers import short_response
from aggregator.serve.below import BelowPath

RETRY = "2"
"""Seconds after which a client may ask again, by then maybe another node."""


def make_operator_app(
    ready: Callable[[], tuple[bool, Mapping[str, object]]],
    metrics: Callable[[], bytes],
    administration: ops.Administration,
    site_url: Callable[[], str],
    why: str,
) -> ASGIApp:
    """Makes the application. why: nothing else is served. Other arguments: see `serve.app.make_app`."""

    async def refuse(request: Request, error: Exception) -> Response:
        return short_response(request.scope, 503, {"retry-after": RETRY}, f"503 Service Unavailable: {why}\n")

    behind = Starlette(routes=ops.routes(ready, metrics, administration), exception_handlers={HTTPException: refuse})
    behind.router.redirect_slashes = False
    return BelowPath(behind, site_url)
