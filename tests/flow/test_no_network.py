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
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert [event for event in events if event != "published"] == ["started", "network_down", "stopping", "stopped"]


def test_a_single_poll_says_it_in_one_line(command: tuple[Command, int]) -> None:
    made, _ = command
    done = subprocess.run(
        made.line("poll"), cwd=made.config.parent, env=clean_environment(), capture_output=True, text=True, timeout=60
    )
    assert done.stderr == "no source could be read: this machine has no network (no route leads out)\n"
    assert "12 failed" in done.stdout
