"""`python -m tests.bench.visible [--feeds 100 --minutes 2]`: seconds from a source's answer to its entry in the feed we serve.

A daemon polls each of many small sources every second; now and then one has an entry more. Its feed of everything is asked for
all the time, as a subscriber with much patience would. Both ends are this process: one clock tells both times.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles

from tests.bench.origin import FREQUENT
from tests.flow.command import Command, eventually, free_port, get

LOOK = 0.02
"""Seconds between two looks at the feed: a bound on what the figures are worth."""
NEWS = 0.02
"""Share of the polls that find an entry more."""
_MARK = re.compile(r"report-(\d+)x")


class Newsroom(ThreadingHTTPServer):
    """Sources of a few entries. served: when each entry left for the first time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.entries: dict[str, list[str]] = {}
        self.served: dict[int, float] = {}
        self.turn = threading.Lock()
        self.chance = random.Random(3)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def document(self, path: str) -> str:
        with self.turn:
            entries = self.entries.setdefault(path, [])
            if not entries or self.chance.random() < NEWS:
                number = len(self.served) + 1
                words = " ".join(self.chance.choices(FREQUENT, k=40))
                entries.append(
                    f"<item><title>report-{number}x {words[:40]}</title><link>http://news.example{path}/{number}</link>"
                    f"<guid>{number}</guid><description>{words}</description></item>"
                )
                self.served[number] = time.monotonic()
            shown = "".join(reversed(entries[-20:]))
        return f"<rss version='2.0'><channel><title>News</title><link>http://news.example/</link>{shown}</channel></rss>"


class _Asked(BaseHTTPRequestHandler):
    server: Newsroom

    def do_GET(self) -> None:
        body = self.server.document(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def measured(feeds: int, minutes: float) -> list[float]:
    """Seconds that each entry of the judged time took to be visible."""
    with tempfile.TemporaryDirectory(prefix="visible-") as folder:
        room, port, command = Newsroom(), free_port(), Command(Path(folder) / "feeds.yaml")
        sources = [{"id": f"s{one}", "url": f"http://127.0.0.1:{room.server_port}/{one}"} for one in range(feeds)]
        config = {
            "network": {"allow": ["127.0.0.0/8"]},
            "server": {"port": port},
            "polling": {"min": "1s", "per_host": 50},
            "defaults": {"every": "1s"},
            "sources": sources,
        }
        command.config.write_text(json.dumps(config))
        process = command.start("run")
        address = f"http://127.0.0.1:{port}/feeds/all.json"
        try:
            eventually(lambda: get(address).status == 200, process, command.config.parent / "log")
            seen: dict[int, float] = {}
            begins = time.monotonic() + 15
            while time.monotonic() < begins + 60 * minutes:
                found = {int(number) for number in _MARK.findall(get(address).body.decode())}
                now = time.monotonic()
                for number in found - seen.keys():
                    seen[number] = now
                time.sleep(LOOK)
            judged = [number for number, at in room.served.items() if begins < at < begins + 60 * minutes - 5]
            missing = [number for number in judged if number not in seen]
            if missing:
                raise SystemExit(f"{len(missing)} of {len(judged)} entries were never seen in the feed")
            return [seen[number] - room.served[number] for number in judged]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            room.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=2.0)
    options = parser.parse_args()
    took = measured(options.feeds, options.minutes)
    cuts = quantiles(took, n=100)
    print(f"{len(took)} entries of {options.feeds} sources: median {cuts[49]:.3f} s, p95 {cuts[94]:.3f}, slowest {max(took):.3f}")


if __name__ == "__main__":
    main()
