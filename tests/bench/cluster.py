"""`python -m tests.bench.cluster`: what several nodes on one PostgreSQL database do together.

claims: sources claimed, and their states stored, by one node that does nothing else, a second, at several sizes of a batch.
fetchers: polls a second of one node and of four, from an origin that answers each request with 304 after 50 ms. Each node has so
few workers that it waits for answers, not for a processor: what is compared is how well they share.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from aggregator.model import Source, SourceId
from aggregator.store.postgres.store import PostgresStore
from tests import postgres
from tests.flow.command import Command, eventually, free_port, get

SOURCES = 20_000
BATCHES = (50, 200, 500)
ANSWER = 0.05
"""Seconds until the origin answers."""
WORKERS = 1
HOSTS = 240
POLLED = 12_000
"""Sources of the second table: more than are polled while it is measured."""


def claims_a_second(address: str, batch: int, seconds: float) -> float:
    """Sources that one node claims and settles a second."""
    with closing(PostgresStore(address)) as store:
        store.sync_sources([Source(SourceId(f"s{n}"), f"https://paper{n}.example/feed") for n in range(SOURCES)], 0.0)
        attendance = store.cluster.attend("fetch", lambda: "", asks=True)
        settled, began = 0, time.monotonic()
        while (took := time.monotonic() - began) < seconds:
            claimed = attendance.claim(began + took, batch, began + took + 60.0)
            due = began + took
            store.cluster.claims.save_states([(replace(one.state, due=due, last_poll=due), one.turn) for one in claimed])
            for one in claimed:
                attendance.finish(one)
            settled += len(claimed)
        attendance.end()
        return settled / took


@dataclass
class SlowOrigin:
    """Answers 304 to everything. answered: how often."""

    port: int = 0
    answered: int = 0

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(ANSWER)
                writer.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")
                self.answered += 1
        writer.close()

    @contextmanager
    def serving(self) -> Iterator[None]:
        started, over = threading.Event(), threading.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._answer, "0.0.0.0", 0, backlog=1_024)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await asyncio.to_thread(over.wait)

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        started.wait()
        try:
            yield
        finally:
            over.set()
            thread.join()


def polls_a_second(nodes: int, seconds: float) -> float:
    """Polls a second of so many fetchers, once each has its share."""
    origin = SlowOrigin()
    with tempfile.TemporaryDirectory() as folder, origin.serving():
        address = postgres.server().of_folder(Path(folder))
        sources = [
            {"id": f"s{n}", "url": f"http://127.0.{20 + n % HOSTS}.1:{origin.port}/{n}", "every": "1d"} for n in range(POLLED)
        ]
        with closing(PostgresStore(address)) as store:
            store.sync_sources([Source(SourceId(one["id"]), one["url"]) for one in sources], time.time() + 3_600)
        started = [_start(Path(folder) / f"node{number}", address, sources) for number in range(nodes)]
        try:
            eventually(lambda: sum(shards for shards in map(_shards, started)) == 64 and all(map(_shards, started)), patience=90)
            with closing(PostgresStore(address)) as store:
                store.cluster.claims.make_due([SourceId(one["id"]) for one in sources], 1.0)
            time.sleep(2)
            before, began = origin.answered, time.monotonic()
            time.sleep(seconds)
            return (origin.answered - before) / (time.monotonic() - began)
        finally:
            for process, _ in started:
                os.kill(process, signal.SIGKILL)


def _start(folder: Path, address: str, sources: list[dict[str, str]]) -> tuple[int, int]:
    """A fetcher's process and port."""
    folder.mkdir()
    port = free_port()
    config = {
        "server": {"port": port},
        "storage": {"database": address},
        "network": {"allow": ["127.0.0.0/8"]},
        "polling": {"workers": WORKERS, "per_host": 8},
        "sources": sources,
    }
    (folder / "feeds.yaml").write_text(json.dumps(config))
    process = Command(folder / "feeds.yaml").start("run", "--role", "fetch", "--log-level", "error")
    return process.pid, port


def _shards(node: tuple[int, int]) -> int:
    text = get(f"http://127.0.0.1:{node[1]}/metrics").body.decode()
    return next((int(float(line.split()[1])) for line in text.splitlines() if line.startswith("aggregator_shards ")), 0)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=10.0)
    seconds = arguments.parse_args().seconds
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for batch in BATCHES:
        with tempfile.TemporaryDirectory() as folder:
            count = claims_a_second(postgres.server().of_folder(Path(folder)), batch, seconds)
            print(f"claimed and settled, {batch} at a time: {count:,.0f} a second")
    one, four = polls_a_second(1, seconds), polls_a_second(4, seconds)
    what = f"polls a second, 304 after {ANSWER * 1000:.0f} ms, {WORKERS} at a time"
    print(f"{what}: one node {one:.0f}, four {four:.0f}: {four / one:.2f} times")


if __name__ == "__main__":
    main()
