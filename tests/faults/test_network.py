"""Origins that are gone, hang, or come back: sources back off, the daemon ends in time, nothing rushes."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from aggregator.demo.origin import serving
from tests.faults.network import silent_server
from tests.flow.command import Command, eventually, free_port, get
from tests.flow.conftest import START, newsdesk


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_time_though_origins_hang(tmp_path: Path, number: signal.Signals) -> None:
    with silent_server() as (port, held):
        served = free_port()
        config = tmp_path / "feeds.yaml"
        sources = "\n".join(f"  - {{id: hang-{n}, url: 'http://127.0.0.{n}:{port}/{n}'}}" for n in range(1, 2))
        config.write_text(
            f"server: {{port: {served}}}\nnetwork: {{allow: [127.0.0.0/8]}}\npolling: {{timeout: 60s}}\nsources:\n{sources}\n"
        )
        with Command(config).daemon(served) as process:
            eventually(lambda: held, process)
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(15) == 0
            assert time.monotonic() - began < 10


def test_a_newsroom_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    with serving(0, START) as origin:
        desk, port = newsdesk(tmp_path, origin), origin.place.port
        desk.command.run("poll", "--all")
    desk.command.run("poll", "--all")
    rows = desk.command.rows("status")
    assert {row["state"] for row in rows} == {"fault"}
    assert all(
        "127.0.0.1" in row["last_error"] or "connect" in row["last_error"].lower() for row in rows if row["id"] != "gazette"
    )
    kept = desk.published("ukraine.atom")
    assert b"closer ties" in kept
    with serving(port, START, day=2):
        desk.command.run("poll", "--all")
        assert b"ammunition plan" in desk.published("ukraine.atom")
        states = {row["id"]: row["state"] for row in desk.command.rows("status")}
    assert [name for name, state in states.items() if state != "ok"] == ["gazette"]


def test_many_hangups_are_one_reload_at_a_time(tmp_path: Path) -> None:
    with serving(0, START) as origin:
        desk = newsdesk(tmp_path, origin)
        with desk.command.daemon(desk.port) as process:
            for _ in range(20):
                process.send_signal(signal.SIGHUP)
                time.sleep(0.02)
            url = f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom"
            eventually(lambda: b"closer ties" in get(url).body, process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        log = (desk.directory / "log").read_text()
        assert "Traceback" not in log, log[-3000:]
