"""The cluster of deploy/cluster as processes: PostgreSQL, two nodes of each role, Caddy with its Caddyfile; a reader reads on."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from lxml import etree

from tests import postgres
from tests.faults.presses import Presses
from tests.flow.command import PATIENCE, Answer, Command, eventually, free_port, get
from tests.interop.proxies import Caddy, ask, find, logs, running

ATOM = "{http://www.w3.org/2005/Atom}"
TOKEN = "the-desk-token"
ROLES = ("lead", "lead", "fetch", "fetch", "web", "web")


@dataclass(slots=True)
class Node:
    command: Command
    port: int
    role: str
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = self.command.start("run", "--role", self.role)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None

    @property
    def readiness(self) -> Answer:
        return get(f"http://127.0.0.1:{self.port}/readyz")

    @property
    def is_ready(self) -> bool:
        return self.readiness.status == 200

    @property
    def leads(self) -> bool:
        answer = self.readiness
        return answer.status == 200 and b"standing by" not in answer.body


@dataclass(slots=True)
class Reader:
    """Reads a feed over and over, and keeps what no reader should see. seen: titles with their ids."""

    port: int
    faults: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    updated: str = ""

    def look(self) -> None:
        reply = ask(self.port, "/feeds/all.atom")
        if reply.status != 200:
            self.faults.append(f"{reply.status}")
            return
        feed = etree.fromstring(reply.body)
        updated = feed.findtext(f"{ATOM}updated") or ""
        if updated < self.updated:
            self.faults.append(f"from {self.updated} back to {updated}")
        self.updated = updated
        for entry in feed.iter(f"{ATOM}entry"):
            title, id = entry.findtext(f"{ATOM}title") or "", entry.findtext(f"{ATOM}id") or ""
            if self.seen.setdefault(title, id) != id:
                self.faults.append(f"{title} has another id")

    def shows(self, number: int) -> bool:
        return any(title.endswith(f" {number}") for title in self.seen)

    @contextmanager
    def reading(self) -> Iterator[None]:
        over = threading.Event()

        def work() -> None:
            while not over.wait(0.05):
                self.look()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(PATIENCE)


@dataclass(slots=True)
class Cluster:
    nodes: list[Node]
    presses: Presses
    proxy: Caddy
    address: str

    def of_role(self, role: str) -> list[Node]:
        return [node for node in self.nodes if node.role == role]

    def leader(self) -> Node:
        eventually(lambda: any(node.leads for node in self.of_role("lead")))
        return next(node for node in self.of_role("lead") if node.leads)

    def entries(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.address) as connection:
            return connection.execute("SELECT source, guid FROM items").fetchall()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    program = find("caddy")
    if program is None:
        pytest.skip("caddy is not installed")
    folder = tmp_path_factory.mktemp("cluster")
    address, presses = postgres.server().of_folder(folder), Presses()
    ports = [free_port() for _ in ROLES]
    (folder / "caddy").mkdir()
    serving = [port for port, role in zip(ports, ROLES, strict=True) if role == "web"]
    proxy = Caddy(program, folder / "caddy", *serving, file="cluster/Caddyfile")
    presses.tell(20)
    with presses.serving() as origin, ExitStack() as ending:
        nodes = []
        for number, (role, port) in enumerate(zip(ROLES, ports, strict=True)):
            own = folder / f"node{number}"
            own.mkdir()
            command = presses.configure(
                own,
                origin,
                port,
                site={"title": "News", "url": f"http://127.0.0.1:{proxy.port}"},
                storage={"database": address},
                outputs=[{"slug": "desk", "query": "source:news-1", "access": {"token": TOKEN}}],
            )
            nodes.append(Node(command, port, role))
        for node in nodes:
            node.start()
            ending.callback(lambda node=node: node.process and node.kill())
        ending.enter_context(running(proxy))
        made = Cluster(nodes, presses, proxy, address)
        eventually(lambda: all(node.is_ready for node in nodes), patience=60)
        yield made


def test_readers_notice_nothing_while_nodes_of_each_role_are_killed(cluster: Cluster) -> None:
    presses, reader = cluster.presses, Reader(cluster.proxy.port)
    eventually(lambda: reader.look() or reader.shows(presses.told), patience=60)
    eventually(lambda: len({ask(node.port, "/feeds/all.atom").etag for node in cluster.of_role("web")}) == 1)
    took = {}
    with reader.reading(), presses.never_ending(0.4):
        for victim in (cluster.leader(), cluster.of_role("fetch")[0], cluster.of_role("web")[0]):
            victim.kill()
            since, number = time.monotonic(), presses.told + 1
            eventually(lambda number=number: reader.shows(number))
            took[victim.role] = round(time.monotonic() - since, 2)
            victim.start()
            eventually(lambda victim=victim: victim.is_ready, victim.process)
    print("\nkilled, then the next entry shown after seconds:", took)
    assert reader.faults == []
    eventually(lambda: presses.entries() <= set(cluster.entries()))
    assert len(cluster.entries()) == len(set(cluster.entries())), "an entry is stored twice"
    for node in cluster.nodes:
        assert "Traceback" not in (node.command.config.parent / "log").read_text()


def test_what_is_private_stays_so(cluster: Cluster) -> None:
    port = cluster.proxy.port
    eventually(lambda: ask(port, f"/feeds/desk.atom?token={TOKEN}").status == 200)
    assert ask(port, "/feeds/desk.atom").status in (401, 403, 404)
    assert [ask(port, path).status for path in ("/metrics", "/readyz")] == [404, 404]
    eventually(lambda: "/feeds/desk.atom" in logs(cluster.proxy))
    assert TOKEN not in logs(cluster.proxy)
