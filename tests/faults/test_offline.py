"""Our own side is off line for a while, under the real daemon: nobody is blamed, and at the end nothing rushes."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from aggregator.fetch.resolver import NAMES_FOR
from tests.faults.isolation import NameServer, no_route, own_network
from tests.faults.presses import Presses, address
from tests.flow.command import Command, eventually, free_port

OUTLETS = 120
EVERY = 3
"""Seconds between polls: two thousand times the pace of a source that is asked each hour or two."""
OUTAGE = 25.0
"""Seconds: five failures in a row, as in a day at the usual pace."""


def most_in_a_second(moments: Sequence[float]) -> int:
    return max((bisect_left(moments, at + 1.0) - number for number, at in enumerate(moments)), default=0)


def states(command: Command, told: str = "") -> list[str]:
    """The state of each source, where its last error holds these words."""
    return [row["state"] for row in command.rows("status") if told in (row["last_error"] or "")]


@pytest.fixture
def network(only_long: None) -> Iterator[None]:
    with own_network():
        yield


def survives(
    directory: Path, outage: Callable[[], AbstractContextManager[None]], told: str, names: Callable[[int], str] = address
) -> None:
    """A daemon goes through an outage. told: what the status says of each source meanwhile."""
    presses, port = Presses(outlets=OUTLETS), free_port()
    presses.tell(40)
    with presses.serving() as origin:
        sources = [{"id": f"news-{n}", "url": f"http://{names(n)}:{origin}/{n}"} for n in range(1, OUTLETS + 1)]
        command = presses.configure(directory, origin, port, sources=sources, defaults={"every": f"{EVERY}s"})
        with command.daemon(port) as process:
            eventually(lambda: len(presses.asked) > 4 * OUTLETS, process, directory / "log", patience=90)
            usual = most_in_a_second(presses.asked[2 * OUTLETS :])
            with outage():
                time.sleep(OUTAGE)
                assert len(states(command, told)) == OUTLETS
                assert process.poll() is None
                presses.asked.clear()
            presses.tell()
            back = time.monotonic()
            eventually(lambda: states(command).count("ok") == OUTLETS, process, directory / "log", patience=120)
            rush = most_in_a_second(presses.asked)
            print(f"usual {usual}, rush {rush} requests a second, all well after {time.monotonic() - back:.0f} s")
            assert rush <= 2 * OUTLETS / EVERY, "twice the usual pace is no rush"
            process.terminate()
            assert process.wait(10) == 0
    assert "Traceback" not in (directory / "log").read_text()


def test_no_route_to_anywhere(tmp_path: Path, network: None) -> None:
    survives(tmp_path, no_route, "no route")


def test_no_name_server(tmp_path: Path, network: None) -> None:
    server = NameServer({f"outlet{n}.example": address(n) for n in range(1, OUTLETS + 1)})
    server.open()

    @contextmanager
    def outage() -> Iterator[None]:
        server.close()
        time.sleep(NAMES_FOR)
        yield
        server.open()

    survives(tmp_path, outage, "no name server", lambda n: f"outlet{n}.example")
    server.close()
