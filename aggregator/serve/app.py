"""The HTTP application: `Front` answers for documents, and Starlette for everything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.errors import AggregatorError
from aggregator.ports import Endpoint
from aggregator.publish.shelf import Shelf
from aggregator.serve import endpoints, ops, site
from aggregator.serve.answers import ALLOWED, short_response
from aggregator.serve.below import BelowPath
from aggregator.serve.feeds import Front
from aggregator.settings import Settings

RETRY = "5"
"""Seconds after which a client may ask again for what can't be answered at the moment."""


def make_app(
    shelf: Shelf,
    *,
    ready: Callable[[], tuple[bool, Mapping[str, object]]],
    metrics: Callable[[], bytes] | None = None,
    administration: ops.Administration | None = None,
    more: Sequence[Endpoint] = (),
    site_url: Callable[[], str] = str,
    settings: Callable[[], Settings] | None = None,
    sitemap: Callable[[], bytes] = bytes,
    pages: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """Makes the application for a shelf, which the publisher keeps up to date.

    ready: whether the service works, with details that are public; metrics: the text of `/metrics`; administration: what only
    the administrator may see; more: further endpoints (the hub's); site_url: `site.url`, whose path is taken off; settings: of
    the config in use, for the icon and the page of what is not there; sitemap: makes `/sitemap.xml`; pages: that are made when
    they are asked for.
    """
    own = [*ops.routes(ready, metrics, administration or ops.Administration()), *pages]
    if settings is not None:
        own += site.routes(settings, sitemap)
    handlers = {HTTPException: _refusing(settings, shelf), AggregatorError: _unavailable}
    behind = Starlette(routes=[*own, *endpoints.routes(more)], exception_handlers=handlers)
    behind.router.redirect_slashes = False  # it would redirect to whatever the request calls our host
    return BelowPath(Front(shelf, behind, _ended(settings)), site_url)


def _ended(settings: Callable[[], Settings] | None) -> ASGIApp:
    """Answers for feeds that have ended: browsers with a page, others with a line of text."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if settings is not None and site.wants_page(request):
            response = site.ended(request, settings())
        else:
            response = short_response(scope, 410, {"vary": "Accept"} if settings is not None else {})
        await response(scope, receive, send)

    return answer


async def _unavailable(request: Request, error: Exception) -> Response:
    """Answers what needs the store while it can't be read, which has logged why."""
    return short_response(request.scope, 503, {"retry-after": RETRY})


def _refusing(settings: Callable[[], Settings] | None, shelf: Shelf) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers errors with a line of text and the usual headers, and browsers that ask for what is not there with a page."""

    async def refuse(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        given = (isinstance(error, HTTPException) and error.headers) or {}
        if status == 404 and not shelf.is_filled:
            return await _unavailable(request, error)
        if status == 404 and settings is not None and site.wants_page(request):
            return site.not_found(request, settings())
        extra = {"allow": given.get("Allow", ALLOWED)} if status == 405 else {}
        extra |= {"retry-after": given["Retry-After"]} if "Retry-After" in given else {}
        extra |= {"vary": "Accept"} if status == 404 and settings is not None else {}
        return short_response(request.scope, status, extra)

    return refuse
