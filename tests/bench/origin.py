"""A synthetic origin for benchmarks: N feeds of 30 entries, 48 KB each, with validators, on a few loopback addresses.

    python -m tests.bench.origin --feeds 1000 [--port 0]

`/urls` lists the feeds, `/feeds.yaml` is a config of them, `/tick?n=10` gives ten in a hundred of them two new entries,
`/counts` tells how many answers were given since it was last asked.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import signal
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import parse_qs, urlsplit

ENTRIES = 30
HOSTS = 32
"""Addresses 127.0.2.1 … : a limit of requests to one host must not decide a benchmark."""
SYLLABLES = ("ka", "lo", "mer", "tin", "sol", "bra", "ven", "du", "ris", "pol", "nor", "fi", "gan", "hel", "stu", "wex")


FREQUENT = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you "
    "were her all she there would their we him been has when who will more no if out so said what up its about into than "
    "them can only"
).split()
"""A third of the words of any English text: without them nothing could tell the language."""


def vocabulary(chance: random.Random) -> list[str]:
    """The frequent words of English and five thousand invented ones, the front ones short."""
    words = {"".join(chance.choices(SYLLABLES, k=2 + rank // 2200)) for rank in range(9000)}
    return FREQUENT + sorted(words, key=lambda word: (len(word), word))[:5000]


@dataclass(slots=True)
class Feed:
    """One feed: its entries as XML, newest first, and its document as it is now."""

    number: int
    entries: list[str]
    serial: int
    body: bytes = b""
    etag: str = ""


@dataclass(slots=True)
class Origin:
    """All feeds. The same number of feeds and ticks gives the same bytes."""

    feeds: int
    port: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    words: list[str] = field(default_factory=list)
    known: dict[str, Feed] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: {"200": 0, "304": 0})

    def fill(self) -> None:
        self.words = vocabulary(self.chance)
        for number in range(1, self.feeds + 1):
            feed = Feed(number, [], 0)
            for _ in range(ENTRIES):
                self.add(feed)
            self.write(feed)
            self.known[f"/{number}.xml"] = feed

    def text(self, count: int) -> str:
        """Words with about the frequencies of a language: a power of a uniform number favours the front ones."""
        size = len(self.words)
        return " ".join(self.words[int(size * self.chance.random() ** 4)] for _ in range(count))

    def add(self, feed: Feed) -> None:
        """One entry more in front, the last one out."""
        feed.serial += 1
        minute, hour, day = feed.serial % 60, feed.serial // 60 % 24, 1 + feed.serial // 1440 % 28
        paragraphs = "".join(f"&lt;p&gt;{self.text(43)}.&lt;/p&gt;" for _ in range(4))
        url = f"http://site{feed.number}.example/{feed.serial}"
        entry = (
            f"<item><title>{self.text(9).capitalize()}</title><link>{url}</link><guid>{url}</guid>"
            f"<pubDate>Thu, {day:02} Jun 2023 {hour:02}:{minute:02}:00 GMT</pubDate><category>{self.text(1)}</category>"
            f"<description>{paragraphs}</description></item>"
        )
        feed.entries = [entry, *feed.entries[: ENTRIES - 1]]

    def write(self, feed: Feed) -> None:
        head = f"<title>Site {feed.number}</title><link>http://site{feed.number}.example/</link><description>news</description><language>en</language>"
        feed.body = f'<?xml version="1.0"?>\n<rss version="2.0"><channel>{head}{"".join(feed.entries)}</channel></rss>'.encode()
        feed.etag = f'"{blake2b(feed.body, digest_size=8).hexdigest()}"'

    def tick(self, percent: float) -> list[int]:
        """This share of the feeds gets two entries each. Returns their numbers."""
        count = max(1, round(self.feeds * percent / 100))
        chosen = sorted(self.chance.sample(range(1, self.feeds + 1), count))
        for number in chosen:
            feed = self.known[f"/{number}.xml"]
            self.add(feed)
            self.add(feed)
            self.write(feed)
        return chosen

    def urls(self) -> list[str]:
        return [f"http://127.0.2.{1 + number % HOSTS}:{self.port}/{number}.xml" for number in range(1, self.feeds + 1)]

    def config(self) -> str:
        topics = [
            {"slug": "first", "title": "First", "query": f"{self.words[140]} OR {self.words[141]}"},
            {"slug": "second", "title": "Second", "query": f"({self.words[160]} OR {self.words[161]}*) -{self.words[162]}"},
        ]
        sources = [{"id": f"news-{number}", "url": url} for number, url in enumerate(self.urls(), 1)]
        return json.dumps({"network": {"allow": ["127.0.0.0/8"]}, "sources": sources, "topics": topics})

    def answer(self, target: str, headers: dict[str, str]) -> tuple[str, list[str], bytes]:
        """Status, header lines and body for a GET."""
        if (feed := self.known.get(target)) is not None:
            lines = [
                f"ETag: {feed.etag}",
                "Content-Type: application/rss+xml",
                "Cache-Control: max-age=300",
                "Vary: Accept-Encoding",
            ]
            if headers.get("if-none-match") == feed.etag:
                self.counts["304"] += 1
                return "304 Not Modified", lines, b""
            self.counts["200"] += 1
            if "gzip" in headers.get("accept-encoding", ""):
                return "200 OK", [*lines, "Content-Encoding: gzip"], gzip.compress(feed.body, 1, mtime=0)
            return "200 OK", lines, feed.body
        parts = urlsplit(target)
        match parts.path:
            case "/urls":
                return "200 OK", [], "\n".join(self.urls()).encode()
            case "/feeds.yaml":
                return "200 OK", [], self.config().encode()
            case "/counts":
                counts, self.counts = self.counts, {"200": 0, "304": 0}
                return "200 OK", [], json.dumps(counts).encode()
            case "/tick":
                return "200 OK", [], json.dumps({"feeds": self.tick(float(parse_qs(parts.query)["n"][0]))}).encode()
        return "404 Not Found", [], b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP/1.1 with kept connections: as much of it as pollers need."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                status, lines, body = self.answer(head[0].split(" ")[1], headers)
                length = [] if status.startswith("304") else [f"Content-Length: {len(body)}"]
                writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, *length, "", ""]).encode("latin-1") + body)
                await writer.drain()
                if headers.get("connection", "").lower() == "close" or head[0].endswith("HTTP/1.0"):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main() -> None:
    """Serves until SIGTERM; prints its address when it is ready."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=100)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    origin = Origin(options.feeds)
    origin.fill()
    first = await asyncio.start_server(origin.serve, "127.0.0.1", options.port, backlog=512)
    origin.port = first.sockets[0].getsockname()[1]
    others = [await asyncio.start_server(origin.serve, f"127.0.2.{1 + n}", origin.port, backlog=512) for n in range(HOSTS)]
    print(f"{options.feeds} feeds at http://127.0.0.1:{origin.port}/", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    for server in (first, *others):
        server.close()


if __name__ == "__main__":
    asyncio.run(main())
