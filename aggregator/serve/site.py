"""What a browser asks for beside pages: the icon, the manifest, and the page of an address at which nothing is any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from aggregator.publish.pages import found_pages, pages
from aggregator.publish.pages.templates import FOLDER
from aggregator.publish.site.paths import ICONS
from aggregator.serve.answers import has_body
from aggregator.serve.below import path_of
from aggregator.settings import Settings, Site
from aggregator.text.chars import one_line

WEEK = 604_800
"""Seconds that the icon may be kept."""
HOUR = 3_600
"""Seconds that the manifest, which has the site's title, and the sitemap may be kept."""


def routes(settings: Callable[[], Settings], sitemap: Callable[[], bytes]) -> list[BaseRoute]:
    """settings: of the config in use; sitemap: makes one, which only a site has that lets search engines list its pages."""
    drawn = {f"/{name}": (FOLDER / name).read_bytes() for name in ICONS}

    async def icon(request: Request) -> Response:
        path = request.scope["path"]
        return _kept(drawn[path], ICONS[path[1:]], WEEK)

    async def manifest(request: Request) -> Response:
        return _kept(manifest_of(settings().site), "application/manifest+json", HOUR)

    async def listed(request: Request) -> Response:
        if not settings().site.index:
            raise HTTPException(404)
        return _kept(await asyncio.to_thread(sitemap), "application/xml", HOUR)

    icons = [Route(path, icon) for path in drawn]
    return [*icons, Route("/site.webmanifest", manifest), Route("/sitemap.xml", listed)]


def _kept(body: bytes, type: str, seconds: int) -> Response:
    headers = {"cache-control": f"public, max-age={seconds}", "x-content-type-options": "nosniff"}
    return Response(body, headers=headers, media_type=type)


def manifest_of(site: Site) -> bytes:
    """The web app manifest (W3C), with addresses relative to its own."""
    title = one_line(site.title) or "News"
    made = {
        "name": title,
        "short_name": title,
        "lang": site.language,
        "start_url": ".",
        "display": "minimal-ui",
        "icons": [
            {"src": "favicon.svg", "sizes": "any", "type": "image/svg+xml"},
            {"src": "apple-touch-icon.png", "sizes": "180x180", "type": "image/png"},
        ],
    }
    return json.dumps(made, ensure_ascii=False).encode()


def wants_page(request: Request) -> bool:
    """Whether a browser asks, which shows pages."""
    return "text/html" in request.headers.get("accept", "") and request.method in ("GET", "HEAD")


def not_found(request: Request, settings: Settings) -> Response:
    """The page for 404. Whatever is asked for, it is the same, and so what is hidden is like what is not there."""
    return _page(request, 404, found_pages.not_found(settings.site, _root(settings.site)))


def ended(request: Request, settings: Settings) -> Response:
    """The page for 410, at the addresses of a feed that has ended."""
    return _page(request, 410, found_pages.ended(settings.site, _root(settings.site)))


def _root(site: Site) -> str:
    """The way to the top of the site from anywhere."""
    return quote(path_of(site.url))


def _page(request: Request, status: int, body: bytes) -> Response:
    headers = {**pages.headers(images=False), "cache-control": "no-cache", "x-content-type-options": "nosniff", "vary": "Accept"}
    if has_body(request.scope):
        headers["connection"] = "close"
    response = Response(body, status, headers, media_type="text/html; charset=utf-8")
    if request.method == "HEAD":
        response.body = b""
    return response
