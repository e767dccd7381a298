"""The first hour of somebody whose machine has no network: what the real commands say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.isolation import own_network
from tests.flow.command import Command, clean_environment, eventually, free_port, get

SOURCES = "".join(f"  - https://paper{n}.example.org/feed.xml\n" for n in range(12))


@pytest.fixture
def command(tmp_path: Path) -> Iterator[tuple[Command, int]]:
    with own_network():
        port = free_port()
        (tmp_path / "feeds.yaml").write_text(f"server: {{port: {port}}}\nsources:\n{SOURCES}")
        yield Command(tmp_path / "feeds.yaml"), port


def test_a_daemon_says_in_one_line_and_on_its_page_that_there_is_no_network(command: tuple[Command, int]) -> None:
    made, port = command
    log = made.config.parent / "log"
    with made.daemon(port) as process:
        eventually(lambda: get(f"http://127.0.0.1:{port}/readyz").status == 503, process, log)
        eventually(lambda: b"this machine has no network" in get(f"http://127.0.0.1:{port}/").body, process, log)
        assert json.loads(get(f"http://127.0.0.1:{port}/readyz").body)["network"] == "no source can be read"
        assert len(made.rows("status")) == 12
        process.terminate()
        assert process.wait(10) == 0
    with made.daemon(port) as process:
        eventually(lambda: get(f"http://127.0.0.1:{port}/readyz").status in (200, 503), process, log)
        told = get(f"http://127.0.0.1:{port}/readyz")
        assert told.status == 503, "a restart without a network makes nothing well"
        assert json.loads(told.body)["network"] == "no source can be read"
        process.terminate()
        assert process.wait(10) == 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    first, second = ["started", "network_down"], ["network_down", "started"]
    end = ["stopping", "stopped"]
    assert [event for event in events if event != "published"] == [*first, *end, *second, *end]


def test_a_single_poll_says_it_in_one_line(command: tuple[Command, int]) -> None:
    made, _ = command
    with made.config.open("a") as config:
        config.write("  - {id: nas, url: 'http://192.168.7.7/feed'}\n")
    done = subprocess.run(
        made.line("poll"), cwd=made.config.parent, env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    why, of_nas = done.stderr.splitlines()
    assert why == "no source could be read: this machine has no network (no route leads out)"
    assert of_nas.startswith("nas: private address 192.168.7.7 not allowed"), "what is in the own network is told by itself"
    assert "13 failed" in done.stdout
