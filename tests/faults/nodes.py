"""Several daemons on one PostgreSQL database, each with a config and published files of its own, as on machines of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from tests.faults.presses import Presses
from tests.flow.command import Answer, Command, eventually, free_port, get

ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(slots=True)
class Node:
    """One of them. process: None while it is not running; updated: of the feed as a reader saw it here last."""

    command: Command
    port: int
    role: str = "all"
    updated: str = ""
    reading: threading.Lock = field(default_factory=threading.Lock)
    process: subprocess.Popen[str] | None = None

    @property
    def directory(self) -> Path:
        return self.command.config.parent

    @property
    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        self.process = self.command.start("run", "--role", self.role)

    def get(self, path: str) -> Answer:
        return get(f"http://127.0.0.1:{self.port}{path}")

    def answers(self) -> bool:
        return self.get("/healthz").status == 200

    @property
    def leads(self) -> bool:
        return b'"tick"' in self.get("/readyz").body

    def is_ready(self) -> bool:
        return self.get("/readyz").status == 200

    def stands_by(self) -> bool:
        return b"standing by" in self.get("/readyz").body

    def is_stale(self) -> bool:
        return b'"documents":"stale"' in self.get("/readyz").body

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None


@dataclass(slots=True)
class Cluster:
    """Nodes, and the ids of entries that readers saw of them."""

    nodes: list[Node]
    ids: dict[str, str] = field(default_factory=dict)

    def leader(self) -> Node:
        """The node that leads, once there is one."""
        found: list[Node] = []

        def look() -> bool:
            found[:] = [node for node in self.nodes if node.process is not None and node.leads]
            return bool(found)

        eventually(look)
        return found[0]

    def standby(self) -> Node:
        found: list[Node] = []

        def look() -> bool:
            found[:] = [node for node in self.nodes if node.process is not None and node.stands_by()]
            return bool(found)

        eventually(look)
        return found[0]

    def read(self, node: Node) -> int:
        """The number of the newest event that the node shows; 0 if it shows nothing. Checks what a reader relies on."""
        with node.reading:
            return self._read(node)

    def _read(self, node: Node) -> int:
        answer = node.get("/feeds/all.atom")
        if answer.status != 200:
            assert answer.status in (0, 503), answer
            return 0
        feed = etree.fromstring(answer.body)
        updated = feed.findtext(f"{ATOM}updated") or ""
        assert updated >= node.updated, "the feed went back"
        node.updated = updated
        newest, titles = 0, set[str]()
        for entry in feed.iter(f"{ATOM}entry"):
            title, story = entry.findtext(f"{ATOM}title") or "", entry.findtext(f"{ATOM}id") or ""
            assert title not in titles, "a story is shown twice"
            titles.add(title)
            assert self.ids.setdefault(title, story) == story, f"{title} has another id"
            newest = max(newest, int(title.rpartition(" ")[2]))
        return newest

    def seconds_until_shown(self, nodes: Sequence[Node], number: int, since: float, patience: float = 30.0) -> float:
        """Seconds from a moment (monotonic) until one of these nodes shows an event with at least this number."""
        while time.monotonic() - since < patience:
            if any(self.read(node) >= number for node in nodes):
                return time.monotonic() - since
            time.sleep(0.02)
        raise AssertionError(f"event {number} was not shown in {patience:.0f} s\n" + nodes[0].log[-3000:])


@contextmanager
def cluster(
    folder: Path, presses: Presses, origin: int, addresses: Sequence[str], roles: Sequence[str] = (), **sections: object
) -> Iterator[Cluster]:
    """Nodes, one for each address of the one database (which may lead through a proxy). Killed at the end.

    roles: of the nodes; by default all of them may lead.
    """
    nodes = []
    for number, (address, role) in enumerate(zip(addresses, roles or ["all"] * len(addresses), strict=True), start=1):
        directory = folder / f"node{number}"
        directory.mkdir()
        port = free_port()
        command = presses.configure(directory, origin, port, storage={"database": address}, **sections)
        nodes.append(Node(command, port, role))
    try:
        for node in nodes:
            node.start()
            eventually(node.answers, node.process, node.directory / "log")
        yield Cluster(nodes)
    finally:
        for node in nodes:
            if node.process is not None and node.process.poll() is None:
                node.signal(signal.SIGCONT)
                node.kill()
