"""A feed by weight from a config to what a subscriber reads, and the same order in a search."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.flow.command import Command

HOUR = 3600.0
FERRY, TRAM = "Ferry sinks off the northern islands", "Tram strike ends after nine days of talks"
LATEST = ("Opera names a conductor", "Bees return to the airfield", "Baker wins the lottery", "Mill grinds again")
TOLD = {
    "one": [(FERRY, 9.0), (TRAM, 6.0), *((title, hours / 10) for hours, title in enumerate(LATEST, 1))],
    "two": [(FERRY, 8.5), (TRAM, 5.5)],
    "three": [(FERRY, 8.0)],
}
"""Source → what it tells, each with the hours since."""
CONFIG = """
site: {{url: "https://news.example.org"}}
network: {{allow: [127.0.0.0/8]}}
publish: {{websub: false}}
sources: [{sources}]
outputs:
  - {{slug: top, title: Top, sort: {sort}, items: 3}}
"""


def document(source: str) -> bytes:
    rows = [
        {
            "id": f"{source}-{title}",
            "url": f"https://{source}.example/{title.replace(' ', '-').lower()}",
            "title": title,
            "content_text": f"{title}, as the harbour master and two witnesses said on the phone in the night.",
            "date_published": datetime.fromtimestamp(time.time() - hours * HOUR, UTC).isoformat(),
        }
        for title, hours in TOLD[source]
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": source, "items": rows}).encode()


@contextmanager
def served() -> Iterator[str]:
    """The sources' documents on loopback; yields their address."""
    documents = {f"/{source}.json": document(source) for source in TOLD}

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/feed+json")
            self.end_headers()
            self.wfile.write(documents[self.path])

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_front_page_shows_the_widest_of_all_stories(tmp_path: Path) -> None:
    command = Command(tmp_path / "feeds.yaml")

    def poll(base: str, sort: str) -> list[dict[str, Any]]:
        sources = ", ".join(f'{{id: {source}, url: "{base}/{source}.json", outlet: {source}.example}}' for source in TOLD)
        command.config.write_text(CONFIG.format(sources=sources, sort=sort), "utf-8")
        command.run("poll", "--all")
        rows: list[dict[str, Any]] = json.loads((tmp_path / "data/public/feeds/top.json").read_bytes())["items"]
        return rows

    with served() as base:
        stream = poll(base, "newest")
        assert stream[0]["title"] == LATEST[0] and FERRY not in [row["title"] for row in stream]
        front = poll(base, "weight")
        assert [row["title"] for row in front] == [FERRY, TRAM, LATEST[0]]
        dates = {row["id"]: (row["date_published"], row["date_modified"]) for row in front}
        before = {row["id"]: (row["date_published"], row["date_modified"]) for row in stream}
        kept = dates.keys() & before.keys()
        assert kept and all(dates[id] == before[id] for id in kept)
        atom = (tmp_path / "data/public/feeds/top.atom").read_bytes()
        assert b"prev-archive" not in atom
        found = command.rows("search", "--sort", "weight", "--limit", "2", "age<1d")
        assert [row["title"] for row in found] == [FERRY, TRAM]
        assert [row["title"] for row in poll(base, "weight")] == [FERRY, TRAM, LATEST[0]]
        assert (tmp_path / "data/public/feeds/top.atom").read_bytes() == atom
