"""`/status`: all that `aggregator status` and `/health.atom` tell, and a query to try. Read-only; to others it does not exist."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from aggregator.publish.pages import pages, status_page
from aggregator.publish.pages.found_pages import BUSY
from aggregator.publish.pages.status_page import Status, Trial
from aggregator.serve.ops import Administration
from aggregator.serve.search import HTML, BusyError, SearchPages
from aggregator.settings import Settings

LONGEST_FORM = 4_096
"""Bytes of the form: a query, each character of which may take twelve when it is encoded."""


class StatusPage:
    """administration: who may see it; status: what it tells, read anew each time."""

    def __init__(
        self,
        administration: Administration,
        settings: Callable[[], Settings],
        status: Callable[[], Status],
        search: SearchPages,
    ) -> None:
        self._administration = administration
        self._settings = settings
        self._status = status
        self._search = search

    def routes(self) -> list[BaseRoute]:
        return [Route("/status", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes every method, so that without the token all are answered as anywhere else where nothing is."""
        await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if not self._administration.admits(request):
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD", "POST"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD, POST"})
        text = await _query_of(request) if request.method == "POST" else ""
        trial = await self._try(text) if text else None
        status = await asyncio.to_thread(self._status)
        headers = {**pages.headers(images=False), "cache-control": "no-store", "x-content-type-options": "nosniff"}
        body = status_page.render(self._settings().site, status, trial)
        return Response(b"" if request.method == "HEAD" else body, 200, headers, HTML)

    async def _try(self, text: str) -> Trial:
        try:
            return await self._search.try_query(text)
        except BusyError:
            return Trial(text, said=BUSY)


async def _query_of(request: Request) -> str:
    """The query in the form. Raises HTTPException (413) if more is sent."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            raise HTTPException(413)
    return parse_qs(body.decode("utf-8", "replace")).get("q", [""])[0].strip()
