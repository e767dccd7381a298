"""The HTTP application: `Front` answers for documents, and Starlette for everything else."""

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
from aggregator.serve.below import BelowPath
from aggregator.serve.feeds import Front


def make_app(
    shelf: Shelf,
    *,
    ready: Callable[[], tuple[bool, Mapping[str, object]]],
    metrics: Callable[[], bytes] | None = None,
    administration: ops.Administration | None = None,
    more: Sequence[Endpoint] = (),
    site_url: Callable[[], str] = str,
) -> ASGIApp:
    """Makes the application for a shelf, which the publisher keeps up to date.

    ready: whether the service works, with details that are public; metrics: the text of `/metrics`; administration: what only
    the administrator may see; more: further endpoints (the hub's); site_url: `site.url`, whose path is taken off.
    """
    own = ops.routes(ready, metrics, administration or ops.Administration())
    behind = Starlette(routes=[*own, *endpoints.routes(more)], exception_handlers={HTTPException: _refuse})
    behind.router.redirect_slashes = False  # it would redirect to whatever the request calls our host
    return BelowPath(Front(shelf, behind), site_url)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answers errors with a line of text and the usual headers."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    extra = {"allow": (error.headers or {}).get("Allow", ALLOWED)} if isinstance(error, HTTPException) and status == 405 else {}
    return short_response(request.scope, status, extra)
