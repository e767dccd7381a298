"""Answers below the path of `site.url`, too (`https://me.example/news`), so that a proxy may strip the path or pass it on."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.publish.site.paths import is_answered
from aggregator.serve.answers import send_short


class BelowPath:
    """Takes the path of the site off a request. site_url: returns `site.url`, which a reload may change."""

    def __init__(self, app: ASGIApp, site_url: Callable[[], str]) -> None:
        self._app = app
        self._site_url = site_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        url = self._site_url()
        prefix = path_of(url)
        if prefix and scope["type"] == "http" and scope["path"].startswith(prefix):
            rest = scope["path"][len(prefix) :]
            if not rest and scope["method"] in ("GET", "HEAD"):  # relative links of the front page need the slash
                await send_short(scope, send, 301, {"location": url + "/"})
                return
            if is_answered(rest):
                scope = {**scope, "path": rest}
        await self._app(scope, receive, send)


@lru_cache(maxsize=4)
def path_of(url: str) -> str:
    """The path of the site's address, decoded, without a slash at its end."""
    return unquote(urlsplit(url).path).rstrip("/")
