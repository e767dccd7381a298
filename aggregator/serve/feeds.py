"""Serves prepared documents straight from the shelf, and passes other requests to the application behind it.

This is plain ASGI: a request for a feed passes no router, middleware, or response object.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.errors import AggregatorError
from aggregator.publish.shelf import Answer, Gone, Moved, Prepared, Representation, Shelf
from aggregator.serve.access import LONGEST_QUERY, Credentials
from aggregator.serve.answers import ALLOWED, RawHeaders, send_options, send_representation, send_short
from aggregator.serve.negotiation import coding, form_of_feed, is_current

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A valid Host header (RFC 9110 7.2)."""
_ON_DEMAND = re.compile(r"/(?:(?:feeds|topics)/[^/]+|stories|threads)/[^/]+\Z")
"""Paths that may be answered from the store."""
_PAGE = re.compile(r"/(?:topics|stories)/[^/]+(?<!\.html)|/topics/[^/]+/[0-9]+|/threads/[^/.]+")
"""Pages are found without their suffix, too."""
_FEED = re.compile(r"/feeds/[^/]+")
"""A feed without a suffix: browsers get the page that says how to subscribe, readers the feed."""
_NOBODY = ""
"""A placeholder token, compared if there is no private document. It opens nothing."""
_SMALL = 64 * 1024
"""Bytes that are compressed at once (about 2 ms). Larger bodies are compressed in a thread, so that other requests don't wait."""
_COMPRESSING = ThreadPoolExecutor(2, thread_name_prefix="compressing")
"""Threads of its own: while a database hangs, it may hold all that ask it."""


class Front:
    """Answers from the shelf. behind: the application for other paths; gone: the one for what was removed for good."""

    def __init__(self, shelf: Shelf, behind: ASGIApp, gone: ASGIApp) -> None:
        self._shelf = shelf
        self._behind = behind
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        asked = _headers(scope)
        if asked is None:
            await send_short(scope, send, 400, {"connection": "close"})
        elif len(scope["query_string"]) > LONGEST_QUERY:
            await send_short(scope, send, 414)
        else:
            await self._route(scope, receive, send, asked)

    async def _route(self, scope: Scope, receive: Receive, send: Send, asked: dict[bytes, str]) -> None:
        path = scope["path"] if scope["path"] != "/" else "/index.html"
        credentials = Credentials(scope["query_string"], asked.get(b"authorization"))
        answer = self._find(path)
        if answer is None and _PAGE.fullmatch(path):
            path += ".html"
            answer = self._find(path)
        if answer is None and _ON_DEMAND.match(path):
            try:
                answer = await asyncio.to_thread(self._shelf.on_demand, path, credentials.know)
            except AggregatorError:  # the store can't be read now, and has logged why
                await send_short(scope, send, 503, {"retry-after": "30"})
                return
        forms = () if answer is not None or not _FEED.fullmatch(path) else _forms(path, asked.get(b"accept"))
        chosen = next((one for one in forms if self._find(one) is not None), None)
        if chosen is not None:
            answer = self._find(chosen)
        whole = self._shelf.whole(path)
        if whole is not None and credentials.know(whole.token or _NOBODY):
            answer = whole
        match _opened(answer, credentials):
            case Prepared() as document:
                await self._answer(scope, send, document, asked, chosen)
            case Moved(to, token):
                carried = f"?token={quote(token, safe='')}" if token is not None and credentials.in_query(token) else ""
                vary = {"vary": "Accept"} if chosen is not None else {}
                await send_short(scope, send, 301, {"location": to + carried, **vary})
            case Gone():
                await self._gone(scope, receive, send)
            case None:
                await self._behind(scope, receive, send)

    def _find(self, path: str) -> Answer | None:
        return self._shelf.get(path) or self._shelf.away(path)

    async def _answer(self, scope: Scope, send: Send, document: Prepared, asked: dict[bytes, str], chosen: str | None) -> None:
        """Answers a request that is allowed to see the document. chosen: its path, if it was chosen by Accept."""
        token = document.token
        if scope["method"] in ("GET", "HEAD"):
            made = await _represent(document, coding(asked.get(b"accept-encoding"), document.codings))
            if chosen is not None:
                made = _chosen_by_accept(made, chosen)
            current = is_current(asked.get(b"if-none-match"), asked.get(b"if-modified-since"), made.etag, document.modified)
            await send_representation(send, made, current=current, head=scope["method"] == "HEAD")
        elif scope["method"] == "OPTIONS" and token is None:
            await send_options(scope, send)
        else:
            await send_short(scope, send, 405, {"allow": ALLOWED})


def _opened(answer: Answer | None, credentials: Credentials) -> Answer | None:
    """The answer, or None if it is private and the request lacks its token.

    A private path then does as much work as an unknown one, so that neither content nor timing reveals that it exists.
    """
    token = answer.token if isinstance(answer, Prepared | Moved) else None
    if answer is not None and token is None:
        return answer
    allowed = credentials.know(token or _NOBODY)
    return answer if allowed and token else None


def _forms(path: str, accepted: str | None) -> tuple[str, ...]:
    """The paths of a feed's forms that suit a request, best first. A private feed has no page."""
    form = form_of_feed(accepted)
    return (f"{path}.{form}",) if form != "html" else (f"{path}.html", f"{path}.atom")


def _chosen_by_accept(made: Representation, path: str) -> Representation:
    """Says in the headers that Accept decided (RFC 9110 12.5.5), and where this form has an address of its own (8.7)."""
    place = (b"content-location", path.rpartition("/")[2].encode("latin-1", "replace"))

    def said(headers: RawHeaders) -> tuple[tuple[bytes, bytes], ...]:
        return (*((name, value + b", Accept" if name == b"vary" else value) for name, value in headers), place)

    return replace(made, headers=said(made.headers), kept=said(made.kept))


async def _represent(document: Prepared, name: str) -> Representation:
    made = document.ready(name)
    if made is not None:
        return made
    if name == "identity" or len(document.body) <= _SMALL:
        return document.make(name)
    return await asyncio.get_running_loop().run_in_executor(_COMPRESSING, document.make, name)


def _headers(scope: Scope) -> dict[bytes, str] | None:
    """The request's headers by name, with repeated ones joined. None if Host is invalid, which is answered 400 (RFC 9112 3.2)."""
    found: dict[bytes, str] = {}
    hosts = 0
    for name, value in scope["headers"]:
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value) and value:
                return None
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    wrong = hosts > 1 or (hosts == 0 and scope["http_version"] == "1.1")
    return None if wrong else found
