"""A cluster under faults: `python -m tests.faults.chaos --rounds 200 --seed 1`, which is `make cluster`.

One lead and one standby, two fetchers and two web nodes read the synthetic internet that is kept beside the project (world.py).
In each round something fails: a process is killed or stands still, the database's server stops at once, a node's connections
are cut. One fetcher's clock is an hour off. A reader asks the web nodes all the time. At the end:

- every entry that was ever listed is stored, once; no node's feed went back;
- stories, ids, tags and documents equal those of one process with SQLite that is given the same documents in the same order;
- no host was asked by more requests at a time than `per_host`, nor sooner than its gap, by the log of the world.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from lxml import etree

from tests import postgres
from tests.conftest import CHECKOUT
from tests.faults.network import CuttableProxy
from tests.faults.nodes import ATOM
from tests.faults.replaying import LOG, compare, replay
from tests.flow.command import Answer, Command, clean_environment, eventually, free_port, get

WORLD = CHECKOUT.parent / "shared" / "lab" / "world.py"
PER_HOST = 2
GAP = 2.0
"""Seconds that one host wants between two requests."""
SLOW = "127.0.0.2"
"""That host."""
ROLES = ("lead", "lead", "fetch", "fetch", "web", "web")
TICK = 3.0
"""Seconds between two moments at which a tenth of the feeds has news. A feed lists 30 entries: within the lease of a source whose
node was killed, fewer come."""
PATIENCE = 60.0
"""Seconds after a fault within which the newest entry is shown on each web node."""


@dataclass(slots=True)
class Member:
    """A node with a config, a folder and a way to the database of its own. is_off: whether its clock is an hour ahead."""

    role: str
    command: Command
    port: int
    proxy: CuttableProxy
    is_off: bool
    process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        return self.command.config.parent / "log"

    def start(self) -> None:
        environment = clean_environment()
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
        if self.is_off and library is not None:
            environment |= {"LD_PRELOAD": str(library), "FAKETIME": "+3600", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with self.log.open("a") as log:
            line = self.command.line("run", "--role", self.role)
            self.process = subprocess.Popen(
                line, cwd=self.log.parent, env=environment, stdout=log, stderr=log, text=True, start_new_session=True
            )

    def get(self, path: str) -> Answer:
        return get(f"http://127.0.0.1:{self.port}{path}")

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)


@dataclass(slots=True)
class Reader:
    """Asks web nodes and keeps what must never change.

    updated: by node, since one that is cut off serves what it holds, and a balancer keeps a reader at one node.
    """

    members: list[Member]
    updated: dict[int, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, member: Member) -> set[str]:
        """The links that a node shows. The feed of one answer may not be older than that of an answer before it was asked."""
        with self.lock:
            before = self.updated.get(member.port, "")
        answer = member.get("/feeds/all.atom")
        if answer.status != 200:
            return set()
        feed = etree.fromstring(answer.body)
        updated = feed.findtext(f"{ATOM}updated") or ""
        links = {}
        for entry in feed.iter(f"{ATOM}entry"):
            link, id = entry.find(f"{ATOM}link").get("href"), entry.findtext(f"{ATOM}id")
            if id in links.values():
                self.wrong.append(f"{member.role}: {id} is shown twice")
            links[link] = id
        with self.lock:
            self.asked += 1
            if updated < before:
                self.wrong.append(f"{member.role}: the feed went back from {before} to {updated}")
            self.updated[member.port] = max(before, updated)
            for link, id in links.items():
                self.ids.setdefault(link, id)
        return set(links)


@contextmanager
def world(feeds: int, hosts: int) -> Iterator[str]:
    """The synthetic internet; its address."""
    line = [
        sys.executable,
        str(WORLD),
        "--port",
        "0",
        "--feeds",
        str(feeds),
        "--seed",
        "7",
        "--hosts",
        str(hosts),
        "--delay",
        "0.02",
    ]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].rstrip("/")
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def every(seconds: float, work: Any) -> Iterator[None]:
    """Does something again and again while the block lasts."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(seconds):
            with suppress(OSError):
                work()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def configure(folder: Path, origin: str, address: str, port: int) -> Command:
    config = json.loads(get(f"{origin}/feeds.yaml").body)
    config |= {
        "server": {"port": port},
        "storage": {"database": address},
        "publish": {"directory": "public", "private": "private", "items": 1_000, "settle": "0s"},
        "polling": {"min": "1s", "workers": 8, "per_host": PER_HOST, "timeout": "5s"},
        "sources": [source | {"every": "1s"} for source in config["sources"]],  # whatever its feed says
        "hosts": {SLOW: {"gap": f"{GAP:g}s"}},
    }
    folder.mkdir()
    path = folder / "feeds.yaml"
    path.write_text(json.dumps(config))
    return Command(path)


@contextmanager
def members(folder: Path, origin: str, server: postgres.Server) -> Iterator[list[Member]]:
    address, made = server.of_folder(folder), list[Member]()
    for number, role in enumerate(ROLES):
        proxy, port = CuttableProxy(server.port), free_port()
        own = address.replace(f":{server.port}/", f":{proxy.port}/")
        command = configure(folder / f"{role}{number}", origin, own, port)
        made.append(Member(role, command, port, proxy, is_off=role == "fetch" and ROLES[number - 1] == "fetch"))
    try:
        made[0].start()
        eventually(lambda: made[0].get("/readyz").status == 200, made[0].process, made[0].log)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(LOG.encode())
        for member in made[1:]:
            member.start()
            eventually(lambda member=member: member.get("/healthz").status == 200, member.process, member.log)
        yield made
    finally:
        for member in made:
            if member.process is not None and member.process.poll() is None:
                member.signal(signal.SIGCONT)
                member.kill()
            member.proxy.close()


def fail(chance: random.Random, made: list[Member], server: postgres.Server) -> str:
    """Something fails, and is well again at the end. Says what it was."""
    member, kind = chance.choice(made), chance.choice(("kill", "kill", "freeze", "cut", "server"))
    seconds = chance.uniform(0.1, 8.0)
    if kind == "kill":
        member.kill()
        time.sleep(min(seconds, 2.0))
        member.start()
    elif kind == "freeze":
        member.signal(signal.SIGSTOP)
        time.sleep(seconds)
        member.signal(signal.SIGCONT)
    elif kind == "cut":
        member.proxy.cut()
        time.sleep(seconds)
        member.proxy.restore()
    else:
        server.stop()
        time.sleep(min(seconds, 2.0))
        server.start()
        return f"server stopped at once for {min(seconds, 2.0):.1f} s"
    return f"{kind} {member.role}{made.index(member)} for {seconds:.1f} s"


def seconds_until_stored(address: str, origin: str) -> float:
    """Seconds until what the world tells now is stored."""
    made = json.loads(get(f"{origin}/tick?n=30&gone=0").body)
    wanted, began = {(f"news-{one['feed']}", one["guid"]) for one in made["new"]}, time.monotonic()
    while time.monotonic() - began < PATIENCE:
        with suppress(psycopg.Error), psycopg.connect(address, connect_timeout=2) as connection:
            if wanted <= set(connection.execute("SELECT source, guid FROM items").fetchall()):
                return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"not stored in {PATIENCE:.0f} s: {sorted(wanted)[:5]}")


def check_entries(address: str, origin: str) -> int:
    """Every entry that was ever listed is stored, once. Returns how many."""
    ever = json.loads(get(f"{origin}/truth?ever=1").body)["entries"]
    with psycopg.connect(address) as connection:
        stored = connection.execute("SELECT source, guid FROM items").fetchall()
    assert len(stored) == len(set(stored)), "an entry is stored twice"
    missing = {(one["source"], one["guid"]) for one in ever} - set(stored)
    assert not missing, f"{len(missing)} of {len(ever)} entries are lost: {sorted(missing)[:5]}"
    return len(stored)


def check_manners(origin: str) -> str:
    """No host was asked by too many at a time, or too soon. Says what the log has."""
    by_host: dict[str, list[tuple[float, float]]] = {}
    for line in get(f"{origin}/log").body.decode().splitlines():
        one = json.loads(line)
        if one["took"] is not None:
            by_host.setdefault(one["host"].partition(":")[0], []).append((one["time"], one["time"] + one["took"]))
    peaks, shortest = {}, None
    for host, spans in by_host.items():
        spans.sort()
        moments = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
        now = peak = 0
        for _, step in moments:
            now += step
            peak = max(peak, now)
        peaks[host] = peak
        if host == SLOW:
            shortest = min(after[0] - before[0] for before, after in pairwise(spans))
    assert max(peaks.values()) <= PER_HOST, f"too many requests at a time: {peaks}"
    assert shortest is None or shortest > GAP - 0.1, f"{SLOW} was asked after {shortest:.2f} s"
    requests = sum(map(len, by_host.values()))
    return f"{requests:,} requests, at most {max(peaks.values())} at a time to a host, shortest gap {shortest or 0:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--feeds", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="a folder for configs, logs and files; by default they are removed")
    options = parser.parse_args()
    programs = postgres.find()
    if programs is None or not WORLD.exists():
        raise SystemExit(postgres.MISSING if programs is None else f"{WORLD} is not there: nothing to read")
    with tempfile.TemporaryDirectory() as temporary:
        run(options.keep or Path(temporary), programs, options)


def run(folder: Path, programs: Path, options: argparse.Namespace) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    chance, took = random.Random(options.seed), list[float]()
    server = postgres.Server(programs)
    address = server.of_folder(folder)
    print(f"seed {options.seed}, in {folder}", flush=True)
    try:
        with world(options.feeds, 16) as origin, members(folder, origin, server) as made:
            reader = Reader([member for member in made if member.role == "web"])
            with (
                every(1.0, lambda: get(f"{origin}/tick?n=10&gone=0")),
                every(0.05, lambda: reader.read(chance.choice(reader.members))),
            ):
                seconds_until_stored(address, origin)
                for number in range(1, options.rounds + 1):
                    what = fail(chance, made, server)
                    took.append(seconds_until_stored(address, origin))
                    print(f"{number}: {what}; stored {took[-1]:.1f} s after", flush=True)
            seconds_until_stored(address, origin)
            stored = check_entries(address, origin)
            assert not reader.wrong, reader.wrong[:5]
            print(f"{stored:,} entries, each once; {reader.asked:,} answers read, none older than one before")
            print(check_manners(origin))
            for member in made:
                text = member.log.read_text()
                assert "Traceback" not in text, f"{member.log}: {text[text.index('Traceback') :][:3000]}"
            config = made[0].command.config
        database = folder / "replayed.db"
        documents = replay(config, address, database)
        print(f"{documents:,} documents given to one process with SQLite: {compare(config, address, database, time.time())}")
        took.sort()
        print(f"after a fault: median {took[len(took) // 2]:.1f} s, longest {took[-1]:.1f} s")
    finally:
        server.end()


if __name__ == "__main__":
    main()
