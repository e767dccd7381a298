"""`python -m tests.bench.many [--sources 100000 --form list|opml]`: what many sources cost one machine.

Each figure is of a fresh process of the real command: `check`, a first start, a start on a database that knows the sources, a
daemon of whose sources one alone is due, and a reload after an edit of another one. The one that is due is polled every second,
so that a pause in polling shows from outside; `/healthz` is asked all the time, which tells how long the event loop was held up.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

from tests.bench.daemon import cpu_seconds
from tests.faults.processes import resident
from tests.flow.command import Command, clean_environment, eventually, free_port, get

PATIENCE = 600.0
IDLE = 30.0
"""Seconds over which the cost of ticks is measured."""
SETTLE = 5.0
"""Seconds that a daemon gets to end what a start or a reload leaves behind."""
IN_A_LIST = 50_000
"""Feeds of an OPML list at most."""
WORDS = "world local sport culture science markets health travel".split()
EDITED = "Edited by hand"


class Origin(ThreadingHTTPServer):
    """One feed. asked: when each request came (monotonic)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.asked: list[float] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Asked(BaseHTTPRequestHandler):
    server: Origin

    def do_GET(self) -> None:
        self.server.asked.append(time.monotonic())
        body = b"<rss version='2.0'><channel><title>News</title><link>http://news.example/</link></channel></rss>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class World:
    """A folder with the config of many sources, and what measures a daemon that runs on it."""

    def __init__(self, folder: Path, sources: int, form: str) -> None:
        self.folder, self.sources, self.form = folder, sources, form
        self.origin, self.port = Origin(), free_port()
        self.command = Command(folder / "feeds.yaml")
        self.database = folder / "data" / "aggregator.db"
        self.edited_file = self.command.config if form == "list" else folder / "list0.opml"
        write = self._write_list if form == "list" else self._write_lists
        write()

    def _head(self) -> str:
        return (
            "# Many sources\n"
            f"server: {{port: {self.port}}}\n"
            "network: {allow: [127.0.0.0/8]}\n"
            "polling: {min: 1s}\n"
            "topics:\n  - {slug: sea, title: Sea, query: sea OR ocean}\n  - {slug: cities, query: cit* AND NOT sport}\n"
            f'sources:\n  - id: asked\n    url: "http://127.0.0.1:{self.origin.server_port}/feed"\n    every: 1s\n'
        )

    def _feeds(self) -> Iterator[tuple[str, str, str]]:
        """Address, title and group of each source: three of each site, as outlets with several feeds have."""
        for number in range(self.sources - 1):
            site, word = f"site-{number // 3}.example", WORDS[number % len(WORDS)]
            yield f"https://www.{site}/{word}/feed-{number % 3}.xml", f"Site {number // 3} {word.title()}", word

    def _write_list(self) -> None:
        lines = [f"  - url: {url}\n    title: {title}\n    group: {group}\n" for url, title, group in self._feeds()]
        self.command.config.write_text(self._head() + "".join(lines))

    def _write_lists(self) -> None:
        feeds, inclusions = list(self._feeds()), []
        for part in range(0, len(feeds), IN_A_LIST):
            outlines = "".join(
                f'<outline type="rss" text="{title}" xmlUrl="{url}" category="{group}"/>\n'
                for url, title, group in feeds[part : part + IN_A_LIST]
            )
            name = f"list{len(inclusions)}.opml"
            (self.folder / name).write_text(f"<opml version='2.0'><head/><body>\n{outlines}</body></opml>\n")
            inclusions.append(f"  - opml: {name}\n")
        self.command.config.write_text(self._head() + "".join(inclusions))

    def edit(self, title: str, text: str) -> None:
        """Gives one source in the middle another title."""
        whole = self.edited_file.read_text()
        assert whole.count(title) == 1
        self.edited_file.write_text(whole.replace(title, text))

    def settle_sources(self) -> None:
        """Has all sources but one polled a while ago, as after days of work: none is due for a day."""
        with sqlite3.connect(self.database) as connection:
            then = time.time() - 3600
            connection.execute(
                "UPDATE sources SET due = ?, last_poll = ?, last_success = ?, first_success = ? WHERE id <> 'asked'",
                (time.time() + 86_400, then, then, then),
            )
        connection.close()

    def is_adopted_since(self, mark: str | None) -> bool:
        return self.adopted() != mark

    def adopted(self) -> str | None:
        """What the database says of the config that was adopted last."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as connection:
            row = connection.execute("SELECT value FROM key_values WHERE key = 'adopted'").fetchone()
        connection.close()
        return str(row[0]) if row else None

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[str]]:
        process = self.command.start("run", "--log-format", "json")
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def await_answer(self, process: subprocess.Popen[str]) -> None:
        eventually(lambda: get(f"http://127.0.0.1:{self.port}/healthz").status == 200, process, patience=PATIENCE)


class Watch:
    """Asks `/healthz` all the time. longest: seconds that the slowest answer took since the last look."""

    def __init__(self, port: int) -> None:
        self.longest, self._port, self._ends = 0.0, port, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while not self._ends.is_set():
            began = time.monotonic()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(0.01)
        connection.close()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()


def measure_command(world: World, *arguments: str) -> str:
    """Wall and CPU seconds of one command, and the most memory that it took."""
    program = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime, used.ru_stime, used.ru_maxrss)"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *world.command.line(*arguments)],
        check=True, capture_output=True, text=True, cwd=world.folder, env=clean_environment(),
    )  # fmt: skip
    user, system, peak = map(float, done.stdout.split())
    return f"wall {time.monotonic() - began:.2f} s, CPU {user + system:.2f} s (user {user:.2f}), peak {peak / 1024:.0f} MB"


def measure_start(world: World, name: str) -> None:
    """Until `/healthz` answers, and until the source that is due is asked, so until the first tick."""
    world.origin.asked.clear()
    began = time.monotonic()
    with world.daemon() as process:
        world.await_answer(process)
        answers, cpu = time.monotonic() - began, cpu_seconds(process.pid)
        eventually(lambda: world.origin.asked, process, patience=PATIENCE)
        print(
            f"{name}: answers after {answers:.2f} s, first poll after {world.origin.asked[0] - began:.2f} s, "
            f"CPU {cpu:.2f} s until it answered, {resident(process.pid) / 2**20:.0f} MB",
            flush=True,
        )


def measure_daemon(world: World) -> None:
    """What an idle daemon costs, and two reloads."""
    with world.daemon() as process:
        world.await_answer(process)
        time.sleep(SETTLE)
        before = cpu_seconds(process.pid)
        time.sleep(IDLE)
        spent = cpu_seconds(process.pid) - before
        print(f"idle: {1000 * spent / IDLE:.1f} ms CPU a second, {resident(process.pid) / 2**20:.0f} MB", flush=True)
        middle = f"Site {world.sources // 6} "
        title = next(title for _, title, _ in world._feeds() if title.startswith(middle))
        for name, old, new in (("reload", title, EDITED), ("second reload", EDITED, title)):
            print(f"{name}: {measure_reload(world, process, old, new)}", flush=True)


def measure_reload(world: World, process: subprocess.Popen[str], old: str, new: str) -> str:
    """Edits one source and tells how long it took until the new config was in use, and adopted, and what paused meanwhile."""
    log = world.folder / "log"
    begins, mark = log.stat().st_size, world.adopted()
    with Watch(world.port) as watch:
        before = cpu_seconds(process.pid)
        time.sleep(SETTLE)
        asking, usual = (cpu_seconds(process.pid) - before) / SETTLE, watch.longest
        world.edit(old, new)
        polls, before, watch.longest = len(world.origin.asked), cpu_seconds(process.pid), 0.0
        began = time.monotonic()
        process.send_signal(signal.SIGHUP)
        eventually(lambda: b'"reloaded"' in log.read_bytes()[begins:], process, log, PATIENCE)
        used = time.monotonic() - began
        eventually(lambda: world.is_adopted_since(mark), process, log, PATIENCE)
        adopted = time.monotonic() - began
        time.sleep(SETTLE)
        spent = cpu_seconds(process.pid) - before - asking * (time.monotonic() - began)
    asked = [*world.origin.asked[polls - 1 :], time.monotonic()]
    gap = max(after - before for before, after in pairwise(asked))
    return (
        f"in use after {used:.2f} s, adopted after {adopted:.2f} s, slowest answer {1000 * watch.longest:.0f} ms "
        f"(before: {1000 * usual:.0f}), "
        f"longest time between two polls {gap:.2f} s, CPU {spent:.2f} s, "
        f"{resident(process.pid) / 2**20:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=100_000)
    parser.add_argument("--form", choices=("list", "opml"), default="list")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-many-") as folder:
        world = World(Path(folder), options.sources, options.form)
        print(f"{options.sources} sources ({options.form}), load {os.getloadavg()[0]:.1f}", flush=True)
        print(f"check: {measure_command(world, 'check')}", flush=True)
        measure_start(world, "first start")
        world.settle_sources()
        measure_start(world, "start")
        measure_daemon(world)
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
