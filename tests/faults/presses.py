"""Outlets on loopback whose news never end: each event is told by several of them, and every request is remembered."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.bench.origin import SYLLABLES
from tests.flow.command import Command

TELLERS = 3
"""Outlets that tell each event, in the same words: one story."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. at: when, seconds, UTC."""

    number: int
    at: float

    @property
    def title(self) -> str:
        return f"{self._words(0, 6).capitalize()} {self.number}"

    @property
    def text(self) -> str:
        return f"{self._words(1, 40)}."

    def _words(self, salt: int, count: int) -> str:
        chance = random.Random(self.number * 2 + salt)
        return " ".join("".join(chance.choices(SYLLABLES, k=3)) for _ in range(count))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to an outlet. began, ended: when it came and when it was answered (monotonic)."""

    outlet: int
    began: float
    ended: float


@dataclass(slots=True)
class Presses:
    """The outlets `news-1` … and what each lists, newest first. asked: the moment (monotonic) of each request.

    answered: when each event was told first. requests: as `asked`, with when each was answered, which takes `slow` seconds.

    window: entries in a document at most; more than come between two looks, or entries are lost by right.
    """

    outlets: int = 12
    window: int = 120
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    listed: dict[int, list[Event]] = field(default_factory=dict)
    asked: list[float] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)
    slow: float = 0.0
    answered: dict[int, float] = field(default_factory=dict)
    told: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, events: int = 1) -> None:
        """So many events more, each in the documents of a few outlets."""
        with self.lock:
            for _ in range(events):
                self.told += 1
                event = Event(self.told, time.time())
                for outlet in self.chance.sample(range(1, self.outlets + 1), TELLERS):
                    self.listed[outlet] = [event, *self.listed.get(outlet, ())][: self.window]

    def entries(self) -> set[tuple[str, str]]:
        """(source, guid) of everything that is listed now."""
        with self.lock:
            return {(f"news-{outlet}", guid(outlet, event)) for outlet, events in self.listed.items() for event in events}

    def document(self, outlet: int, known: str | None = None) -> tuple[str, bytes]:
        """The outlet's feed with its ETag; no bytes if it is the known one."""
        with self.lock:
            self.asked.append(time.monotonic())
            events = self.listed.get(outlet, [])
        tag = f'"{events[0].number if events else 0}"'
        if tag == known:
            return tag, b""
        for event in events:
            self.answered.setdefault(event.number, time.monotonic())
        items = "".join(_item(outlet, event) for event in events)
        about = "news" if outlet % 4 else "news<image><url>x</image>"  # not closed: a worker has to read it
        head = f"<title>Outlet {outlet}</title><link>http://outlet{outlet}.example/</link><description>{about}</description>"
        return tag, f'<rss version="2.0"><channel>{head}<language>en</language>{items}</channel></rss>'.encode()

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[int]:
        """Serves until the block ends; gives the port. It can be opened again at the same one."""
        presses = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                began, outlet = time.monotonic(), int(self.path.strip("/"))
                time.sleep(presses.slow)
                try:
                    self._answer(outlet)
                finally:
                    presses.requests.append(Asked(outlet, began, time.monotonic()))

            def _answer(self, outlet: int) -> None:
                tag, body = presses.document(outlet, self.headers["If-None-Match"])
                self.send_response(200 if body else 304)
                self.send_header("Content-Type", "application/rss+xml")
                self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            request_queue_size = 512

            def handle_error(self, *_: object) -> None: ...  # who asks may be killed before it is answered

        with Server(("0.0.0.0", port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join(5)

    @contextmanager
    def never_ending(self, gap: float) -> Iterator[None]:
        """An event each `gap` seconds while the block lasts."""
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(gap):
                self.tell()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(5)

    def configure(self, directory: Path, origin: int, port: int, **sections: object) -> Command:
        """The command over a config that reads these outlets each second. sections: of the config, in place of what is here."""
        config = {
            "storage": {"database": "data/aggregator.db"},
            "publish": {"directory": "data/public", "private": "data/private", "items": 100},
            "network": {"allow": ["127.0.0.0/8"]},
            "polling": {"min": "1s", "workers": 8, "per_host": 8, "timeout": "5s"},
            "defaults": {"every": "1s"},
            "sources": [
                {"id": f"news-{outlet}", "url": f"http://{address(outlet)}:{origin}/{outlet}"}
                for outlet in range(1, self.outlets + 1)
            ],
            "topics": [{"slug": "ka", "title": "Ka", "query": "ka*"}],
        }
        path = directory / "feeds.yaml"
        server = {"server": {"port": port, **sections.get("server", {})}}  # type: ignore[dict-item]
        path.write_text(json.dumps(config | sections | server), "utf-8")
        return Command(path)


def guid(outlet: int, event: Event) -> str:
    return f"http://outlet{outlet}.example/{event.number}"


def address(outlet: int) -> str:
    """Outlets live on some loopback addresses: a limit for one host must not decide what is tested."""
    return f"127.0.3.{1 + outlet % 32}"


def _item(outlet: int, event: Event) -> str:
    url = guid(outlet, event)
    date = formatdate(event.at, usegmt=True)
    return (
        f"<item><title>{event.title}</title><link>{url}</link><guid>{url}</guid><pubDate>{date}</pubDate>"
        f"<description>{event.text}</description></item>"
    )
