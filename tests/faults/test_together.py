"""Several of it at a time, and all that can hold up the end at once."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from aggregator.demo.origin import Origin
from tests.faults.test_network import silent_server
from tests.flow.command import Command, eventually, free_port
from tests.flow.conftest import newsdesk


def test_two_polls_at_once_both_end_well(tmp_path: Path, origin: Origin) -> None:
    desk = newsdesk(tmp_path, origin)
    began = time.monotonic()
    polls = [desk.command.start("poll", "--all") for _ in range(2)]
    assert [poll.wait(60) for poll in polls] == [0, 0], (tmp_path / "log").read_text()[-3000:]
    assert time.monotonic() - began < 60
    assert b"closer ties" in desk.published("ukraine.atom")


def test_it_ends_in_time_though_an_origin_a_reader_and_a_hangup_are_under_way(tmp_path: Path) -> None:
    served = free_port()
    with silent_server() as (port, held), socket.socket() as reader:
        config = tmp_path / "feeds.yaml"
        config.write_text(
            f"server: {{port: {served}}}\nnetwork: {{allow: [127.0.0.0/8]}}\npolling: {{timeout: 60s}}\n"
            f"sources:\n  - {{id: hangs, url: 'http://127.0.0.1:{port}/1'}}\n"
        )
        with Command(config).daemon(served) as process:
            eventually(lambda: held, process)
            reader.connect(("127.0.0.1", served))
            reader.sendall(b"POST /hub HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")  # and the form never comes
            process.send_signal(signal.SIGHUP)
            time.sleep(0.2)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
            assert time.monotonic() - began < 10
        assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_tick_that_is_cut_off_at_the_end_is_no_failure(tmp_path: Path, origin: Origin) -> None:
    desk = newsdesk(tmp_path, origin)
    with desk.command.daemon(desk.port) as process, closing(sqlite3.connect(tmp_path / "data" / "aggregator.db")) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")  # so that something waits for the database when the end comes
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        other.execute("ROLLBACK")
        assert process.wait(15) == 0
    events = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert not [event for event in events if event["level"] not in ("info", "warning")]


def test_an_address_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "feeds.yaml").write_text(f"server: {{port: {port}}}\nsources: []\n")
        assert Command(tmp_path / "feeds.yaml").start("run").wait(15) not in (0, None)
    told = (tmp_path / "log").read_text()
    assert f"127.0.0.1:{port}" in told
    assert "server.port" in told
    assert "Traceback" not in told
