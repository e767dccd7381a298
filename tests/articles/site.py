"""A site on loopback: what it serves, and a log of what was asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from msgspec import Struct

from tests.articles.pages import Page


class Served(Struct):
    """hangs: nothing is sent until the site is closed."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    hangs: bool = False


def served(page: Page) -> Served:
    headers = {"Content-Type": page.content_type} | ({"Content-Encoding": page.encoding} if page.encoding else {})
    return Served(page.body, headers=headers)


def html(markup: str) -> Served:
    return Served(markup.encode(), headers={"Content-Type": "text/html; charset=utf-8"})


class Site:
    """`pages` by path; what isn't there is a 404. log: the paths asked for, in order; received: their headers."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.pages: dict[str, Served] = {}
        self.log: list[str] = []
        self.received: list[Mapping[str, str]] = []
        self._closed = threading.Event()
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer((host, 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Site:
        threading.Thread(target=lambda: self._server.serve_forever(0.02), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, *paths: str) -> None:
        """Returns once one of these was asked for. Raises TimeoutError after 20 seconds."""
        with self._news:
            if not self._news.wait_for(lambda: any(map(self.asked, paths)), 20.0):
                raise TimeoutError(paths)

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return self.log.count(path)

    def feed(self, path: str, entries: Iterable[Mapping[str, Any]]) -> str:
        """Serves a JSON Feed with these entries. Returns its address."""
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Example News", "items": list(entries)}
        self.pages[path] = Served(json.dumps(feed).encode(), headers={"Content-Type": "application/feed+json"})
        return self.url + path

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with site._news:
                    site.log.append(self.path)
                    site.received.append(dict(self.headers.items()))
                    site._news.notify_all()
                page = site.pages.get(self.path, Served(b"not found", 404))
                if page.hangs:
                    site._closed.wait()
                    return
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: tests read `log`."""

        return Handler
