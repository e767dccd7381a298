"""Serves the demo's newsroom on loopback like real sites: validators and 304s, gzip, caching hints, a feed that has moved.

`POST /advance` starts the second day. Articles have pages, so that links in a feed reader work.
"""

from __future__ import annotations

import gzip
import html
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b
from importlib.resources import files

import uvicorn
from msgspec import Struct, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from aggregator.demo.feed_formats import Place, paragraphs, write_feed
from aggregator.demo.newsroom import Article, Day, FeedFile, Newsroom, Outlet, open_newsroom
from aggregator.errors import AggregatorError
from aggregator.model import Instant

_TYPES = {"json feed 1.1": "application/feed+json", "atom 1.0": "application/atom+xml", "atom 0.3": "application/atom+xml"}


class Document(Struct, frozen=True):
    """A feed as served on one day. changed: when its bytes last changed."""

    body: bytes
    type: str
    etag: str
    changed: Instant


class Asked(Struct, frozen=True):
    """A request for a feed, recorded so that tests can check how the poller behaves."""

    path: str
    status: int


class Origin(Struct):
    """The newsroom as a web server. start: the instant of the first day (seconds, UTC); reader: the folder of who reads it."""

    place: Place
    start: Instant
    newsroom: Newsroom
    documents: dict[str, Document] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    reader: str = ""

    @classmethod
    def for_port(cls, port: int, start: Instant, day: Day = 1) -> Origin:
        """An origin for a port; it doesn't listen yet."""
        origin = cls(Place(port), start, open_newsroom(day, start))
        origin._write_all(start)
        return origin

    def advance(self, now: Instant) -> list[str]:
        """Starts the second day. Returns the titles of the feeds that changed, none if it was the second day already."""
        self.newsroom = open_newsroom(2, self.start)
        return self._write_all(now)

    def _write_all(self, now: Instant) -> list[str]:
        changed = []
        for outlet, feed in self.newsroom.feeds():
            body = write_feed(outlet, feed, self.place)
            before = self.documents.get(f"{outlet.id}/{feed.path}")
            if before is None or before.body != body:
                self.documents[f"{outlet.id}/{feed.path}"] = _document(body, feed, now)
                changed.append(feed.title)
        return changed

    def application(self) -> Starlette:
        """The routes, in the order in which they are tried."""
        return Starlette(
            routes=[
                Route("/advance", self._answer_advance, methods=["POST"]),
                Route("/gazette/feed.xml", self._answer_moved_away, methods=["GET"]),
                Route("/pictures/{name}", _answer_picture, methods=["GET"]),
                Route("/{outlet}/{path}", self._answer_feed, methods=["GET"]),
                Route("/{path:path}", self._answer_page, methods=["GET"]),
            ]
        )

    async def _answer_advance(self, request: Request) -> Response:
        return JSONResponse({"day": 2, "reader": self.reader, "changed": self.advance(time.time())})

    async def _answer_feed(self, request: Request) -> Response:
        found = self._feed(request.path_params["outlet"], request.path_params["path"])
        if found is None:
            return await self._answer_page(request)
        outlet, feed = found
        if feed.moved_from == request.path_params["path"]:
            return self._record(request, RedirectResponse(f"/{outlet.id}/{feed.path}", status_code=301))
        document = self.documents[f"{outlet.id}/{feed.path}"]
        return self._record(request, _answer(request, document, feed))

    def _record(self, request: Request, response: Response) -> Response:
        self.asked.append(Asked(request.url.path, response.status_code))
        return response

    def _feed(self, outlet_id: str, path: str) -> tuple[Outlet, FeedFile] | None:
        feeds = (pair for pair in self.newsroom.feeds() if pair[0].id == outlet_id)
        return next((pair for pair in feeds if path in (pair[1].path, pair[1].moved_from)), None)

    async def _answer_moved_away(self, request: Request) -> Response:
        """A feed that ended as many do: replaced by a web page that names another feed."""
        page = '<link rel="alternate" type="application/rss+xml" href="/harbourpost/world.xml">'
        return self._record(request, HTMLResponse(_page("The Gazette is now part of the Harbour Post", page)))

    async def _answer_page(self, request: Request) -> Response:
        host = request.url.hostname or ""
        outlet = next((o for o in self.newsroom.outlets if f"{o.host}.localhost" == host), None)
        if outlet is None:
            return HTMLResponse(_page("The demo's newsroom", self._list_of_feeds()), 200 if request.url.path == "/" else 404)
        article = next((a for a in outlet.articles if a.path == request.url.path), None)
        if article is None:
            return HTMLResponse(_page(outlet.name, html.escape(outlet.about)), 200 if request.url.path == "/" else 404)
        return HTMLResponse(_page(article.title, _article(outlet, article)))

    def _list_of_feeds(self) -> str:
        addresses = ((feed.title, self.place.feed(outlet, feed)) for outlet, feed in self.newsroom.feeds())
        return "".join(f'<p><a href="{url}">{html.escape(title)}</a></p>' for title, url in addresses)


async def _answer_picture(request: Request) -> Response:
    """A drawing that stands for the photo of an article."""
    folder = files("aggregator.demo") / "pictures"
    found = next((one for one in folder.iterdir() if one.name == request.path_params["name"]), None)
    if found is None:
        return Response(status_code=404)
    return Response(found.read_bytes(), media_type="image/png", headers={"Cache-Control": "max-age=86400"})


def _document(body: bytes, feed: FeedFile, now: Instant) -> Document:
    kind = _TYPES.get(feed.format, "text/xml" if feed.format == "rss 0.91" else "application/rss+xml")
    charset = "" if feed.format == "json feed 1.1" else f"; charset={feed.charset}"
    tag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
    return Document(body, kind + charset, f"W/{tag}" if feed.validators == "weak" else tag, float(int(now)))


def _answer(request: Request, document: Document, feed: FeedFile) -> Response:
    headers = {"Vary": "Accept-Encoding", "Content-Type": document.type}
    if feed.validators in ("both", "etag", "weak"):
        headers["ETag"] = document.etag
    if feed.validators in ("both", "modified"):
        headers["Last-Modified"] = formatdate(document.changed, usegmt=True)
    if feed.max_age is not None:
        headers["Cache-Control"] = f"max-age={feed.max_age}"
    if _is_known(request, document, feed):
        return Response(status_code=304, headers=headers)
    body = document.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers)


def _is_known(request: Request, document: Document, feed: FeedFile) -> bool:
    """True for a 304. `If-None-Match` decides if it is sent, else `If-Modified-Since` (RFC 9110 13.2.2)."""
    asked_tag = request.headers.get("if-none-match")
    if asked_tag is not None:
        return feed.validators in ("both", "etag", "weak") and document.etag in asked_tag
    asked_date = request.headers.get("if-modified-since")
    if asked_date is None or feed.validators not in ("both", "modified"):
        return False
    try:
        return parsedate_to_datetime(asked_date).timestamp() >= document.changed
    except ValueError:
        return False


def _article(outlet: Outlet, article: Article) -> str:
    return f"<p><i>{html.escape(outlet.name)}</i></p>{paragraphs(article.text) or '<p>(The text is on paper only.)</p>'}"


def _page(title: str, body: str) -> str:
    style = "body{font:1.1em/1.5 serif;max-width:38em;margin:3em auto;padding:0 1em}"
    name = html.escape(title)
    return f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{style}</style><h1>{name}</h1>{body}"


def _listen(port: int) -> socket.socket:
    """Listens on 127.0.0.1; early connections wait until the server runs. Raises AggregatorError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise AggregatorError(
            f"port {port} can't be used for the demo's newsroom ({error.strerror}, it takes the one behind the daemon's); "
            "choose another with --port"
        ) from error
    listener.listen(64)
    return listener


@contextmanager
def serving(port: int, start: Instant, day: Day = 1, reader: str = "") -> Iterator[Origin]:
    """A context that serves a newsroom in its own thread. Port 0 takes a free one (`origin.place.port`). reader: see `Origin`."""
    with _listen(port) as listener:
        origin = Origin.for_port(listener.getsockname()[1], start, day)
        origin.reader = reader
        config = uvicorn.Config(origin.application(), log_level="warning", access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="newsroom", daemon=True)
        thread.start()
        try:
            yield origin
        finally:
            server.should_exit = True
            thread.join(timeout=5)
