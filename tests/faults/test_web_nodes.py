"""Nodes that serve what another one publishes: the same bytes everywhere, nothing goes back, and old ones while it is away."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path

import psycopg

from tests import postgres
from tests.faults.network import CuttableProxy
from tests.faults.nodes import Cluster, Node, cluster
from tests.faults.presses import Event, Presses
from tests.faults.presses import address as loopback
from tests.faults.test_leaders import limit
from tests.flow.command import Command, eventually, free_port, get

TOKEN, ADMIN = "for-the-desk-alone", "for-the-one-who-runs-it"
SECTIONS = {
    "defaults": {"every": "1h"},
    "site": {"url": "https://news.example", "index": True},
    "server": {"admin": {"token": ADMIN}},
    "topics": [
        {"slug": "ka", "title": "Ka", "query": "ka*"},
        {"slug": "new", "title": "New", "query": "ra*", "formerly": ["old"]},
    ],
    "outputs": [{"slug": "desk", "access": {"token": TOKEN}}],
}
FEW = {"publish": {"directory": "data/public", "private": "data/private", "items": 30}}
CODINGS = ("br", "gzip", "identity")


def ask(node: Node, path: str, method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers (but for those of the moment and the connection), and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)) as connection:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in ("date", "server")}
        return answer.status, told, answer.read()


def paths(address: str) -> list[str]:
    """Everything that nodes are asked for: what is published, pages made on demand, and what is not there."""
    with psycopg.connect(address) as connection:
        published = [path for (path,) in connection.execute("SELECT DISTINCT path FROM published ORDER BY path")]
        stories = [f"/stories/{id}.html" for (id,) in connection.execute("SELECT id FROM stories ORDER BY id LIMIT 3")]
    archive = ["/feeds/all/1.atom", "/topics/all/1.html", "/feeds/all/9.atom"]
    made = ["/", "/search?q=ka*", "/sitemap.xml", "/favicon.svg", "/feeds/all", "/feeds/nothing.atom", "/nowhere"]
    return [*published, *stories, *archive, *made]


@contextmanager
def read_by_many(nodes: Cluster) -> Iterator[list[AssertionError]]:
    """A reader at each node, all the time. Gives what any of them found wrong."""
    over, wrong = threading.Event(), list[AssertionError]()

    def read(node: Node) -> None:
        while not over.is_set():
            try:
                nodes.read(node)
            except AssertionError as error:
                wrong.append(error)
            time.sleep(0.05)

    threads = [threading.Thread(target=read, args=(node,)) for node in nodes.nodes]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_every_node_answers_with_the_same_bytes(tmp_path: Path) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    presses.tell(30)
    roles = ["all", "web", "web"]
    with presses.serving() as origin, cluster(tmp_path, presses, origin, [address] * 3, roles, **SECTIONS, **FEW) as nodes:
        leader, *others = nodes.nodes
        eventually(lambda: nodes.read(leader) > 0)
        for more in (30, 0):  # an archive page is closed; in the end, nothing is under way any more
            presses.tell(more)
            leader.command.run("poll", "--all")
        settled(nodes)
        listed = paths(address)
        assert ask(leader, "/feeds/all/1.atom")[0] == 200
        assert len(listed) > 30 and "/feeds/desk.atom" in listed and "/feeds/old.atom" in listed
        for path, coding, token in product(listed, CODINGS, ("", TOKEN, ADMIN)):
            asked = f"{path}{'&' if '?' in path else '?'}token={token}" if token else path
            ours = ask(leader, asked, Accept_Encoding=coding)
            for node in others:
                assert ask(node, asked, Accept_Encoding=coding) == ours, (asked, coding)
        for path, coding in product(("/feeds/all.atom", f"/feeds/desk.rss?token={TOKEN}", "/topics/ka.html"), CODINGS):
            status, told, body = ask(leader, path, Accept_Encoding=coding)
            assert (status, len(body)) == (200, int(told["content-length"]))
            for node in others:
                known = ask(node, path, Accept_Encoding=coding, If_None_Match=told["etag"])
                assert (known[0], known[2]) == (304, b""), "who has it of one node has it for all"
                assert ask(node, path, Accept_Encoding=coding, If_Modified_Since=told["last-modified"])[0] == 304
                assert ask(node, path, "HEAD", Accept_Encoding=coding) == (200, told, b"")
        for node in nodes.nodes:
            assert ask(node, "/feeds/desk.atom")[0] == ask(node, "/feeds/desk.atom?token=wrong")[0] == 404
            assert ask(node, f"/feeds/desk.atom?token={TOKEN}")[0] == 200
            assert ask(node, "/feeds/old.atom")[1]["location"] == "https://news.example/feeds/new.atom"
            assert ask(node, f"/status?token={ADMIN}")[0] == 200 and ask(node, "/status")[0] == 404


def settled(nodes: Cluster) -> None:
    """Waits until all have what the leader has published last."""
    leader, *others = nodes.nodes

    def look() -> bool:
        wanted = [ask(leader, path)[2] for path in ("/index.html", "/feeds/all.atom")]
        return all([ask(node, path)[2] for path in ("/index.html", "/feeds/all.atom")] == wanted for node in others)

    eventually(look)


def test_no_reader_sees_a_feed_go_back_while_leaders_are_killed(tmp_path: Path, long: bool) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    roles = ["all", "all", "web"]
    with (
        presses.serving() as origin,
        presses.never_ending(0.2),
        cluster(tmp_path, presses, origin, [address] * 3, roles, **FEW) as nodes,
        read_by_many(nodes) as wrong,
    ):
        for _ in range(30 if long else 4):
            leader, told = nodes.leader(), presses.told
            eventually(lambda told=told: all(nodes.read(node) > told for node in nodes.nodes))  # type: ignore[misc]
            leader.kill()  # something is published several times a second
            leader.start()
            eventually(leader.answers)
        told = presses.told
        eventually(lambda: all(nodes.read(node) > told for node in nodes.nodes))
        assert not wrong, wrong[0]
        assert not any("Traceback" in node.log for node in nodes.nodes)


def test_a_node_that_is_cut_off_serves_what_it_has(tmp_path: Path) -> None:
    server, presses = postgres.server(), Presses()
    address = server.of_folder(tmp_path)
    with closing(CuttableProxy(server.port)) as proxy:
        addresses = [address, address.replace(f":{server.port}/", f":{proxy.port}/")]
        with (
            presses.serving() as origin,
            presses.never_ending(0.4),
            cluster(tmp_path, presses, origin, addresses, ["all", "web"]) as nodes,
        ):
            leader, web = nodes.nodes
            nodes.seconds_until_shown([web], presses.told, time.monotonic())
            with psycopg.connect(address) as connection:
                story = connection.execute("SELECT id FROM stories LIMIT 1").fetchone()
            assert story is not None and ask(web, f"/stories/{story[0]}.html")[0] == 200
            assert b"aggregator_led 1.0" in ask(web, "/metrics")[2]
            assert b'aggregator_role{role="web"} 1.0' in ask(web, "/metrics")[2]
            eventually(lambda: "config_differs" in web.log)  # its port and its address of the database are its own
            proxy.cut()
            eventually(web.is_stale)
            assert web.is_ready() and nodes.read(web)
            for path in (f"/stories/{story[0]}.html", "/search?q=ka*"):
                status, told, _ = ask(web, path)
                assert status == 503 and told["retry-after"], path
            assert b"aggregator_led 0.0" in ask(web, "/metrics")[2]
            proxy.restore()
            nodes.seconds_until_shown([web], presses.told + 1, time.monotonic())
            eventually(lambda: not web.is_stale() and b"aggregator_led 1.0" in ask(web, "/metrics")[2])
            assert ask(web, f"/stories/{story[0]}.html")[0] == 200
            leader.kill()
            eventually(lambda: b'"leader":"none"' in ask(web, "/readyz")[2])
            assert web.is_ready() and not web.is_stale() and nodes.read(web)


def test_a_node_says_of_no_feed_that_it_is_not_there_before_it_knows(tmp_path: Path) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    presses.tell(5)
    with presses.serving() as origin, cluster(tmp_path, presses, origin, [address], ["web"]) as nodes:
        [web] = nodes.nodes
        status, told, _ = ask(web, "/feeds/all.atom")
        assert (status, "retry-after" in told, web.is_ready()) == (503, True, False)
        web.command.run("poll")  # there is no daemon that leads
        eventually(lambda: nodes.read(web) == 5)
        assert web.is_ready() and ask(web, "/feeds/nothing.atom")[0] == 404


def test_a_node_takes_tokens_from_its_own_config(tmp_path: Path) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    presses.tell(5)
    roles = ["all", "web"]
    with presses.serving() as origin, cluster(tmp_path, presses, origin, [address] * 2, roles, **SECTIONS) as nodes:
        leader, web = nodes.nodes
        for node in nodes.nodes:
            eventually(lambda node=node: ask(node, f"/feeds/desk.atom?token={TOKEN}")[0] == 200)  # type: ignore[misc]

        def edit(node: Node) -> None:
            node.command.config.write_text(node.command.config.read_text().replace(TOKEN, "another-one-for-the-desk"))

        edit(leader)
        eventually(lambda: ask(web, f"/feeds/desk.atom?token={TOKEN}")[0] == 404)
        assert ask(web, "/feeds/desk.atom?token=another-one-for-the-desk")[0] == 404
        edit(web)
        eventually(lambda: ask(web, "/feeds/desk.atom?token=another-one-for-the-desk")[0] == 200)


SOON = 0.5
"""Seconds from a source's answer until another node serves what is new in it, in 19 of 20 cases."""


def test_what_a_source_answers_is_soon_served_by_another_node(tmp_path: Path, long: bool) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    with presses.serving() as origin, cluster(tmp_path, presses, origin, [address] * 2, ["all", "web"], **FEW) as nodes:
        _, web = nodes.nodes
        took = []
        for _ in range(200 if long else 20):
            presses.tell()
            nodes.seconds_until_shown([web], presses.told, time.monotonic())
            took.append(time.monotonic() - presses.answered[presses.told])
        took.sort()
        p95 = took[len(took) * 19 // 20 - 1]
        print(f"seconds: median {took[len(took) // 2]:.2f}, p95 {p95:.2f}, most {took[-1]:.2f}; load {os.getloadavg()[0]:.1f}")
        assert p95 <= limit(SOON)


def desk(folder: Path, port: int, source: str, every: str) -> Command:
    """An aggregator of somebody else, which subscribes to hubs and has one."""
    folder.mkdir()
    path = folder / "feeds.yaml"
    path.write_text(
        f"site: {{url: 'http://127.0.0.1:{port}'}}\nserver: {{port: {port}}}\npolling: {{min: 1s}}\n"
        f"network: {{allow: [127.0.0.0/8], websub: true}}\nsources:\n  - {{id: upstream, url: '{source}', every: {every}}}\n"
    )
    return Command(path)


def test_a_node_takes_pushes_and_subscribers(tmp_path: Path) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    presses.tell(3)
    above, below = free_port(), free_port()
    with presses.serving() as origin:
        upstream = desk(tmp_path / "above", above, f"http://{loopback(1)}:{origin}/1", "1s")
        sections = {
            "network": {"allow": ["127.0.0.0/8"], "websub": True},
            "sources": [{"id": "upstream", "url": f"http://127.0.0.1:{above}/feeds/all.atom", "every": "1h"}],
        }
        with upstream.daemon(above), cluster(tmp_path, presses, origin, [address] * 2, ["all", "web"], **sections) as nodes:
            leader, web = nodes.nodes
            for node in nodes.nodes:  # the site's address leads to the node that only serves
                text = json.loads(node.command.config.read_text()) | {"site": {"url": f"http://127.0.0.1:{web.port}"}}
                node.command.config.write_text(json.dumps(text))
            eventually(lambda: f"127.0.0.1:{web.port}/hub".encode() in ask(web, "/feeds/all.atom")[2])
            leader.command.run("poll", "--all")
            eventually(lambda: '"hub_verified"' in web.log, web.process, web.directory / "log", patience=60)
            downstream = desk(tmp_path / "below", below, f"http://127.0.0.1:{web.port}/feeds/all.atom", "1h")
            with downstream.daemon(below):
                eventually(lambda: '"subscribed"' in web.log, web.process, web.directory / "log", patience=60)
                presses.listed[1] = [Event(99, time.time()), *presses.listed.get(1, ())]
                for port in (web.port, leader.port, below):
                    feed = f"http://127.0.0.1:{port}/feeds/all.atom"
                    eventually(lambda feed=feed: b" 99</title>" in get(feed).body)  # type: ignore[misc]
                assert '"push_done"' in web.log and '"push_done"' not in leader.log, "no node but the one that was asked"
                assert '"event": "delivery"' in leader.log and '"event": "delivery"' not in web.log
