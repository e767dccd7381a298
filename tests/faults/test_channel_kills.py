"""A daemon that is killed while it tells channels: each story is told, at most twice, and once where the server knows."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.flow.command import Command, eventually, free_port
from tests.unit.channels.receivers import Receiver, Request, receiver

CONFIG = """site: {{url: "http://127.0.0.1:{port}"}}
server: {{port: {port}}}
network: {{allow: [127.0.0.0/8]}}
defaults: {{every: 1d}}
sources: [{{id: paper, url: "{feed}/feed.json", budget: 5000}}]
dedup: {{never: ["title:story"]}}
publish: {{items: 500}}
outputs:
  - slug: desk
    notify:
      - {{url: "ntfy://{host}/harbour", template: "{{title}}", limit: 1000/m}}
      - {{url: "mastodon://harbourtoken@{host}", template: "{{title}}", limit: 1000/m}}
"""


@dataclass
class Paper:
    """A feed that has as many stories as it is told to."""

    count: int = 1
    base: str = ""

    def document(self) -> bytes:
        items = [
            {"id": f"{number}", "title": f"Story number {number}", "url": f"{self.base}/{number}",
             "date_published": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            for number in range(self.count)
        ]  # fmt: skip
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Paper", "items": items}).encode()


@pytest.fixture
def paper() -> Iterator[Paper]:
    paper = Paper()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = paper.document()
            self.send_response(200)
            self.send_header("Content-Type", "application/feed+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        paper.base = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield paper
        server.shutdown()


@dataclass
class Killer:
    """Kills the daemon: when a message arrives, or a moment later."""

    chance: random.Random = field(default_factory=lambda: random.Random(11))
    process: subprocess.Popen[str] | None = None
    armed: bool = False
    kills: int = 0

    def strike(self) -> None:
        process, self.armed = self.process, False
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            self.kills += 1


def titles(server: Receiver, path: str) -> list[str]:
    """The headlines that came to a path, each message by itself or in a message of several."""
    told = [one for one in server.got if one.path == path]
    texts = [one.json["message" if path == "/" else "status"] for one in told]
    return [line for text in texts for line in text.split("\n") if line.startswith("Story number")]


def posts(server: Receiver) -> int:
    """The posts that a Mastodon server would show: a repeated key is no second one."""
    return len({one.headers["idempotency-key"] for one in server.got if one.path == "/api/v1/statuses"})


def test_each_story_is_told_once_or_twice_whenever_it_is_killed(tmp_path: Path, paper: Paper, long: bool) -> None:
    killer, rounds = Killer(), 50 if long else 3
    with receiver() as server:

        def answer(request: Request) -> tuple[int, bytes]:
            if killer.armed:
                delay = killer.chance.choice((0.0, 0.0, 0.001, 0.01, 0.05)) if killer.kills else 0.0
                if delay:
                    threading.Timer(delay, killer.strike).start()
                    killer.armed = False
                else:
                    killer.strike()
            return 200, b"{}"

        server.answer = answer
        port = free_port()
        (tmp_path / "feeds.yaml").write_text(CONFIG.format(port=port, feed=paper.base, host=server.host))
        command = Command(tmp_path / "feeds.yaml")
        command.run("poll", "--all")
        paper.count += 2 * rounds
        command.run("poll", "--all")
        for _ in range(rounds):
            killer.armed = True
            killer.process = command.start("run")
            killer.process.wait(60)
        killer.armed = False
        killer.process = None
        told = {f"Story number {number}" for number in range(1, paper.count)}
        with command.daemon(port):
            eventually(lambda: waiting(tmp_path) == 0, patience=400)
        assert killer.kills == rounds
        ntfy, mastodon = Counter(titles(server, "/")), Counter(titles(server, "/api/v1/statuses"))
        print(f"{rounds} kills, {len(told)} stories: told {ntfy.total()} and {mastodon.total()} times, {posts(server)} posts")
        assert set(ntfy) == set(mastodon) == told
        assert ntfy.total() + mastodon.total() > 2 * len(told), "no kill came between a message and its record"
        assert max(ntfy.values()) <= 2
        assert max(mastodon.values()) <= 2
        assert posts(server) == len(told)


def waiting(directory: Path) -> int:
    """How many deliveries are left."""
    with closing(sqlite3.connect(directory / "data" / "aggregator.db")) as database:
        [left] = database.execute("SELECT count(*) FROM deliveries").fetchone()
    return int(left)
