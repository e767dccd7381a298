"""Follows every link of a published site that leads into it, from pages, feeds and lists, as browsers and feed readers would."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urldefrag, urljoin
from xml.etree import ElementTree

from tests.flow.command import Answer, get

LINKS = {"href", "src", "xmlUrl", "htmlUrl", "data-copy"}
"""Attributes that hold addresses, in HTML, Atom, RSS and OPML."""
MEMBERS = {"home_page_url", "feed_url", "next_url", "url", "page"}
"""Members of JSON Feed that hold addresses, with the page of a story."""


class Page(HTMLParser):
    """The links of a web page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.links += [value for key, value in attrs if key in LINKS and value]
        if named.get("http-equiv") == "refresh":
            self.links.append((named["content"] or "").partition("url=")[2])


def links_of(url: str, body: bytes) -> Iterator[str]:
    if url.endswith((".atom", ".rss", ".xml")):
        for node in ElementTree.fromstring(body).iter():
            yield from (value for key, value in node.attrib.items() if key in LINKS and node.get("rel") != "hub")
            if node.tag == "link" and node.text:
                yield node.text
    elif url.endswith(".json"):
        yield from _members(json.loads(body))
    elif not url.endswith((".png", ".ico")):
        yield from Page(body.decode()).links


def _members(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _members(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in MEMBERS and isinstance(each, str):
                yield each
            elif key != "hubs":
                yield from _members(each)


def fetch(url: str) -> tuple[int, str, bytes]:
    """Status, the address after redirects, and the body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, answer.url, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, url, b""


@dataclass
class Crawl:
    """A walk through a site. served: where it is reached here; site: its `site.url`, which stands in feeds.

    daemon: whether that answers, which alone has threads.
    """

    served: str
    site: str
    daemon: bool = True
    seen: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def run(self, *paths: str) -> Crawl:
        queue = [(self.served + path, "the start") for path in paths]
        while queue:
            url, found_in = queue.pop()
            if url in self.seen:
                continue
            self.seen.add(url)
            status, base, body = fetch(url)
            if status != 200:
                self.broken.append(f"{status} {url} in {found_in}")
                continue
            queue += [(self._here(link, base), url) for link in links_of(base, body) if self._leads_inside(link, base)]
        return self

    def _leads_inside(self, link: str, base: str) -> bool:
        if not self.daemon and self._here(link, base).startswith(self.served + "/threads/"):
            return False
        inside = self._here(link, base).startswith(self.served + "/")
        if not inside:
            self.left.append(f"{link} in {base}")
        return inside

    def _here(self, link: str, base: str) -> str:
        return urldefrag(urljoin(base, link if not link.startswith(self.site) else self.served + link[len(self.site) :])).url

    def paths(self) -> set[str]:
        return {url.removeprefix(self.served) for url in self.seen}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's output."""


@contextmanager
def listening(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def static_host(folder: Path) -> object:
    """`python -m http.server` in a folder: it knows `index.html`, and nothing of other suffixes."""
    return listening(partial(_Quiet, directory=str(folder)))


def proxy(upstream: str, path: str, *, strips: bool) -> object:
    """A proxy that passes on what lies below a path, with the path or without it."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(path + "/"):
                answer = Answer(404, b"")
            else:
                answer = get(upstream + (self.path[len(path) :] if strips else self.path))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the test's output."""

    return listening(Proxy)
