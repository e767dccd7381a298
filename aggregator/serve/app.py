"""The HTTP application: what is asked for in front, everything else behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from aggregator.ports import Endpoint
from aggregator.publish.shelf import Shelf
from aggregator.serve import endpoints, ops
from aggregator.serve.answers import ALLOWED, short_response
from aggregator.serve.feeds import Front


def make_app(
    shelf: Shelf,
    *,
    ready: Callable[[], tuple[bool, Mapping[str, object]]],
    metrics: Callable[[], bytes] | None = None,
    administration: ops.Administration | None = None,
    more: Sequence[Endpoint] = (),
) -> ASGIApp:
    """Makes the application over a shelf, which the publisher goes on filling.

    ready: whether the service works, and what anybody may know of it; metrics: the text of `/metrics`; administration: what
    only the administrator is told; more: what else has an
    address (the hub).
    """
    own = ops.routes(ready, metrics, administration or ops.Administration())
    behind = Starlette(routes=[*own, *endpoints.routes(more)], exception_handlers={HTTPException: _refuse})
    return Front(shelf, behind)


async def _refuse(request: Request, error: Exception) -> Response:
    """Errors as one line of text, with the headers of every answer."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    extra = {"allow": (error.headers or {}).get("Allow", ALLOWED)} if isinstance(error, HTTPException) and status == 405 else {}
    return short_response(request.scope, status, extra)
