"""Several daemons on one database: when the one that leads dies, freezes or is cut off, another follows and nothing is lost."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests import postgres
from tests.faults.network import CuttableProxy
from tests.faults.nodes import Cluster, Node, cluster
from tests.faults.presses import Event, Presses
from tests.flow.command import eventually, free_port

KILLED = 2.0
FROZEN = 5.0
"""Seconds within which the next entry is shown."""
ON_A_BUSY_MACHINE = 20.0
"""The same where other programs want more than the processors have: less than any lease or pause of ours."""


def limit(seconds: float) -> float:
    return seconds if os.getloadavg()[0] < (os.cpu_count() or 1) else ON_A_BUSY_MACHINE


def entries(address: str) -> dict[tuple[str, str], str]:
    """The story of each stored entry. Fails if one is stored twice."""
    with psycopg.connect(address) as connection:
        rows = connection.execute("SELECT source, guid, stories.id FROM items JOIN stories ON key = story").fetchall()
    found = {(source, guid): story for source, guid, story in rows}
    assert len(found) == len(rows), "an entry is stored twice"
    return found


def check_nothing_is_lost(address: str, presses: Presses, nodes: Cluster) -> None:
    listed = presses.entries()
    eventually(lambda: listed <= entries(address).keys(), patience=90)
    found = entries(address)
    assert len(set(found.values())) == len({guid.rpartition("/")[2] for _, guid in found}), "each event is one story"
    for node in nodes.nodes:
        assert "Traceback" not in node.log, node.log[-5000:]


def follow(nodes: Cluster, presses: Presses, follower: Node, since: float) -> float:
    """Seconds until the follower shows what was told after that moment."""
    return nodes.seconds_until_shown([follower], presses.told + 1, since)


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """A server that may be stopped."""
    programs = postgres.find()
    if programs is None:
        pytest.skip(postgres.MISSING)
    started = postgres.Server(programs)
    try:
        yield started
    finally:
        started.end()


def test_a_killed_leader_is_followed_under_load(tmp_path: Path, long: bool) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    with presses.serving() as origin, presses.never_ending(0.4), cluster(tmp_path, presses, origin, [address] * 2) as nodes:
        took = []
        for _ in range(20 if long else 3):
            leader, standby = nodes.leader(), nodes.standby()
            nodes.seconds_until_shown([leader], presses.told, time.monotonic())
            since = time.monotonic()
            leader.kill()
            took.append(follow(nodes, presses, standby, since))
            leader.start()
            eventually(leader.stands_by, leader.process, leader.directory / "log")
        print("seconds until the next entry was shown:", [round(one, 2) for one in took])
        check_nothing_is_lost(address, presses, nodes)
    assert max(took) <= limit(KILLED)


def test_a_frozen_leader_is_followed_and_stands_by_when_it_thaws(tmp_path: Path, long: bool) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    with presses.serving() as origin, presses.never_ending(0.4), cluster(tmp_path, presses, origin, [address] * 2) as nodes:
        took = []
        for _ in range(10 if long else 1):
            leader, standby = nodes.leader(), nodes.standby()
            lost = leader.log.count("leadership_lost")
            nodes.seconds_until_shown([leader], presses.told, time.monotonic())
            since = time.monotonic()
            leader.signal(signal.SIGSTOP)
            took.append(follow(nodes, presses, standby, since))
            leader.signal(signal.SIGCONT)
            eventually(leader.stands_by, leader.process, leader.directory / "log")
            assert leader.log.count("leadership_lost") == lost + 1
        print("seconds until the next entry was shown:", [round(one, 2) for one in took])
        check_nothing_is_lost(address, presses, nodes)
    assert max(took) <= limit(FROZEN)


def test_a_server_that_crashes_and_starts_again(server: postgres.Server, tmp_path: Path) -> None:
    address, presses = server.of_folder(tmp_path), Presses()
    with presses.serving() as origin, presses.never_ending(0.4), cluster(tmp_path, presses, origin, [address] * 2) as nodes:
        nodes.seconds_until_shown([nodes.leader()], presses.told, time.monotonic())
        leader, standby = nodes.leader(), nodes.standby()
        server.stop()
        eventually(lambda: not leader.is_ready() and standby.is_stale())
        assert all(node.answers() and nodes.read(node) for node in nodes.nodes), "they show what they have"
        server.start()
        nodes.seconds_until_shown(nodes.nodes, presses.told + 1, time.monotonic())
        eventually(lambda: all(node.is_ready() and not node.is_stale() for node in nodes.nodes))
        check_nothing_is_lost(address, presses, nodes)
        assert all(node.process is not None and node.process.poll() is None for node in nodes.nodes)


def test_a_leader_that_is_cut_off_from_the_server_stands_by_when_it_is_back(tmp_path: Path) -> None:
    server, presses = postgres.server(), Presses()
    address = server.of_folder(tmp_path)
    with closing(CuttableProxy(server.port)) as first, closing(CuttableProxy(server.port)) as second:
        proxies = {proxy.port: proxy for proxy in (first, second)}
        addresses = [address.replace(f":{server.port}/", f":{port}/") for port in proxies]
        with presses.serving() as origin, presses.never_ending(0.4), cluster(tmp_path, presses, origin, addresses) as nodes:
            leader, standby = nodes.leader(), nodes.standby()
            cut = proxies[first.port if leader is nodes.nodes[0] else second.port]
            nodes.seconds_until_shown([leader], presses.told, time.monotonic())
            cut.cut()
            follow(nodes, presses, standby, time.monotonic())
            assert leader.answers() and not leader.is_ready()
            cut.restore()
            eventually(leader.stands_by, leader.process, leader.directory / "log")
            check_nothing_is_lost(address, presses, nodes)


def test_a_lone_daemon_goes_on_after_a_cut_and_serves_meanwhile(tmp_path: Path) -> None:
    server, presses = postgres.server(), Presses()
    address = server.of_folder(tmp_path)
    with closing(CuttableProxy(server.port)) as proxy:
        through = address.replace(f":{server.port}/", f":{proxy.port}/")
        with presses.serving() as origin, presses.never_ending(0.4), cluster(tmp_path, presses, origin, [through]) as nodes:
            [node] = nodes.nodes
            nodes.seconds_until_shown([node], presses.told, time.monotonic())
            assert b"aggregator_store{" in node.get("/metrics").body
            proxy.cut()
            eventually(lambda: not node.is_ready())
            assert nodes.read(node), "it shows what it has"
            metrics = node.get("/metrics").body
            assert b"aggregator_polls_total{" in metrics
            assert b"aggregator_store{" not in metrics
            proxy.restore()
            nodes.seconds_until_shown([node], presses.told + 1, time.monotonic())
            assert node.log.count('"event": "started"') == 1, "nobody has led meanwhile"
            check_nothing_is_lost(address, presses, nodes)


def test_commands_beside_two_daemons(tmp_path: Path) -> None:
    address, presses = postgres.server().of_folder(tmp_path), Presses()
    presses.tell(5)
    sections = {"defaults": {"every": "1h"}}
    with presses.serving() as origin, cluster(tmp_path, presses, origin, [address] * 2, **sections) as nodes:
        leader, standby = nodes.leader(), nodes.standby()
        nodes.seconds_until_shown([leader], 1, time.monotonic())
        presses.tell()
        assert "12 polled" in standby.command.run("poll", "--all"), "the leader is asked, from any node"
        nodes.seconds_until_shown([standby], 6, time.monotonic())
        story = standby.command.rows("stories")[0]["id"]
        standby.command.run("stories", "drop", story)
        for node in nodes.nodes:
            eventually(lambda node=node: story.encode() not in node.get("/feeds/all.atom").body)  # type: ignore[misc]
        assert b"aggregator_leads 0.0" in standby.get("/metrics").body
        assert b"aggregator_leads 1.0" in leader.get("/metrics").body
        standby.signal(signal.SIGTERM)
        assert standby.process is not None
        assert standby.process.wait(10) == 0
        standby.process = None


UPDATED = re.compile(rb"<updated>[^<]*</updated>")
"""When a daemon saw something change: each database has its own moments."""


def without_moments(feed: bytes) -> bytes:
    """A feed without these, and without its own id, which is random for each database. Dates of the outlets stay."""
    head, _, rest = feed.partition(b"<id>")
    return UPDATED.sub(b"", head + rest.partition(b"</id>")[2])


def test_ids_and_feeds_are_those_of_one_daemon_on_sqlite(tmp_path: Path, long: bool) -> None:
    address, presses, chance = postgres.server().of_folder(tmp_path), Presses(), random.Random(3)
    sections = {"defaults": {"every": "1h"}, "site": {"url": "https://news.example"}}
    alone = tmp_path / "alone"
    alone.mkdir()
    with presses.serving() as origin, cluster(tmp_path, presses, origin, [address] * 2, **sections) as nodes:
        single = presses.configure(alone, origin, free_port(), **sections)
        single.run("poll")
        for step in range(1, 21 if long else 7):
            event = Event(step, 1_700_000_000.0 + step)
            leader = nodes.leader()
            for outlet in chance.sample(range(1, presses.outlets + 1), 2):
                presses.listed[outlet] = [event, *presses.listed.get(outlet, ())]
                for command in (leader.command, single):  # documents reach both in the same order, one after the other
                    assert "1 polled, 1 new entry" in command.run("poll", f"news-{outlet}")
            if step % 3 == 0:
                standby = nodes.standby()
                leader.kill()
                eventually(lambda standby=standby: standby.leads)  # type: ignore[misc]
                leader.start()
        ours, theirs = (
            {story["id"]: (story["title"], sorted(item["guid"] for item in story["items"])) for story in one.rows("stories")}
            for one in (nodes.leader().command, single)
        )
        assert ours == theirs and len(ours) == step
        folders = (nodes.leader().directory, alone)
        published = [without_moments((folder / "data/public/feeds/all.atom").read_bytes()) for folder in folders]
        assert published[0] == published[1]
        assert published[0].count(b"</entry>") == step
