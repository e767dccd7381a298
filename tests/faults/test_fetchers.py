"""One leader and two nodes that ask sources: whatever happens to them, nothing is lost, and hosts are asked politely."""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import postgres
from tests.faults.network import CuttableProxy
from tests.faults.nodes import Cluster, Node, cluster
from tests.faults.presses import Presses, address
from tests.faults.test_leaders import check_nothing_is_lost, entries
from tests.flow.command import eventually

ROLES = ("lead", "fetch", "fetch")
GAP, SLOW = 1.0, 0.05
"""Seconds between two requests to one outlet, as its config says, and until an outlet answers."""
LATE = 0.5
"""Seconds that a request may be under way on a busy machine: the gap is kept where it is sent, and seen where it arrives."""


@dataclass
class Room:
    """The nodes, each behind a proxy that can be cut."""

    nodes: Cluster
    proxies: list[CuttableProxy]
    presses: Presses
    chance: random.Random

    @property
    def leader(self) -> Node:
        return self.nodes.nodes[0]

    def wait_for_news(self) -> None:
        self.nodes.seconds_until_shown([self.leader], self.presses.told + 1, time.monotonic())

    def disturb(self) -> None:
        """Kills, freezes or cuts off a random fetcher while news come, and brings it back."""
        place = self.chance.choice([1, 2])
        node, proxy = self.nodes.nodes[place], self.proxies[place]
        match self.chance.choice(["kill", "freeze", "cut"]):
            case "kill":
                node.kill()
                self.wait_for_news()
                node.start()
                eventually(node.is_ready, node.process, node.directory / "log")
            case "freeze":
                node.signal(signal.SIGSTOP)
                time.sleep(self.chance.choice([1.0, 4.0]))  # shorter and longer than a node may be silent
                self.wait_for_news()
                node.signal(signal.SIGCONT)
            case "cut":
                proxy.cut()
                self.wait_for_news()
                proxy.restore()
        eventually(node.is_ready, node.process, node.directory / "log")


@contextmanager
def room(folder: Path, seed: int) -> Iterator[Room]:
    server, presses = postgres.server(), Presses(slow=SLOW)
    address_of_server = server.of_folder(folder)
    proxies = [CuttableProxy(server.port) for _ in ROLES]
    addresses = [address_of_server.replace(f":{server.port}/", f":{proxy.port}/") for proxy in proxies]
    with closing(proxies[0]), closing(proxies[1]), closing(proxies[2]):
        hosts = {address(outlet): {"gap": f"{GAP:g}s"} for outlet in range(1, presses.outlets + 1)}
        polling = {"min": "1s", "workers": 8, "per_host": 1, "timeout": "5s"}
        sections = {"polling": polling, "hosts": hosts}
        with (
            presses.serving() as origin,
            presses.never_ending(0.4),
            cluster(folder, presses, origin, addresses, ROLES, **sections) as nodes,
        ):
            eventually(lambda: all(node.is_ready() for node in nodes.nodes))
            yield Room(nodes, proxies, presses, random.Random(seed))


def check_politeness(presses: Presses) -> None:
    """Each outlet has an address of its own here: it is asked by one node at a time, with the gap between two requests."""
    by_outlet = sorted(presses.requests, key=lambda one: (one.outlet, one.began))
    for before, after in itertools.pairwise(by_outlet):
        if before.outlet == after.outlet:
            assert after.began >= before.began + GAP - LATE, (before, after)


def test_nothing_is_lost_while_fetchers_are_killed_frozen_and_cut_off(tmp_path: Path, long: bool) -> None:
    server = postgres.server()
    with room(tmp_path, seed=5) as one:
        one.wait_for_news()
        for _ in range(60 if long else 4):
            one.disturb()
        check_nothing_is_lost(server.of_folder(tmp_path), one.presses, one.nodes)
        check_politeness(one.presses)


def test_the_sources_of_a_killed_fetcher_are_asked_by_the_other_at_once(tmp_path: Path) -> None:
    with room(tmp_path, seed=6) as one:
        one.wait_for_news()
        one.nodes.nodes[1].kill()
        killed = time.monotonic()
        asked = lambda: {request.outlet for request in one.presses.requests if request.began > killed}  # noqa: E731
        eventually(lambda: len(asked()) == one.presses.outlets)
        assert time.monotonic() - killed < 30, "it does not wait for the end of a lease"


def test_a_poll_that_is_asked_for_is_made_by_whoever_has_the_source(tmp_path: Path) -> None:
    server, presses = postgres.server(), Presses()
    presses.tell(5)
    addresses, sections = [server.of_folder(tmp_path)] * len(ROLES), {"defaults": {"every": "1h"}}
    with presses.serving() as origin, cluster(tmp_path, presses, origin, addresses, ROLES, **sections) as nodes:
        leader = nodes.nodes[0]
        nodes.seconds_until_shown([leader], 5, time.monotonic())
        eventually(lambda: presses.entries() <= entries(addresses[0]).keys() and len(presses.requests) == presses.outlets)
        presses.tell()
        assert "12 polled, 3 new entries" in leader.command.run("poll", "--all")
        assert nodes.read(leader) == 6
