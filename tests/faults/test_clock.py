"""The machine's clock jumps while the daemon runs: it goes on at its pace, and no id or entry suffers. Needs libfaketime."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.presses import Presses
from tests.faults.processes import resident
from tests.faults.test_kills import Subscriber
from tests.flow.command import eventually, free_port, get

DAY = 86_400


@pytest.fixture
def set_clock(only_long: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Moves the clock of every command that is started from now on, and of those that run. In seconds from the true time.

    The monotonic clock goes on, as it does when a clock is set.
    """
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        pytest.skip("needs libfaketime (Debian: faketime)")
    offset = tmp_path / "offset"

    def move(seconds: int) -> None:
        offset.with_suffix(".new").write_text(f"{seconds:+d}\n")
        offset.with_suffix(".new").rename(offset)

    move(0)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return move


def test_a_clock_that_jumps_both_ways(tmp_path: Path, set_clock: Callable[[int], None]) -> None:
    presses, subscriber, port = Presses(outlets=6), Subscriber(tmp_path), free_port()
    with presses.serving() as origin:
        command = presses.configure(tmp_path, origin, port)
        with command.daemon(port) as process:
            for offset in (0, 40 * DAY, -2 * DAY, 0):
                set_clock(offset)
                presses.tell(5)
                asked, began = len(presses.asked), time.monotonic()
                eventually(lambda: all_taken(presses, subscriber), process, tmp_path / "log", patience=150)
                print(f"at {offset:+d} s: all taken after {time.monotonic() - began:.0f} s")
                pace = (len(presses.asked) - asked) / (time.monotonic() - began) / presses.outlets
                assert pace < 5, "asked far more often than each second"
            process.terminate()
            assert process.wait(10) == 0
    log = (tmp_path / "log").read_text()
    assert "clock_set_back" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("days", [30, 365, 20 * 365])
def test_a_clock_that_is_set_far_ahead_costs_nothing(
    tmp_path: Path, set_clock: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """As on a board without a clock when the time service has answered, or in a virtual machine that is restored."""
    monkeypatch.delenv("FAKETIME_NO_CACHE")  # reading its file each time takes libfaketime seconds, in which nothing answers
    monkeypatch.setenv("FAKETIME_CACHE_DURATION", "1")
    presses, port = Presses(outlets=3), free_port()
    with presses.serving() as origin:
        command = presses.configure(tmp_path, origin, port)
        with command.daemon(port) as process:
            presses.tell(5)
            eventually(lambda: get(f"http://127.0.0.1:{port}/readyz").status == 200, process, tmp_path / "log")
            memory = resident(process.pid)
            set_clock(days * DAY)
            slowest, end = 0.0, time.monotonic() + 15
            while time.monotonic() < end:
                began = time.monotonic()
                assert get(f"http://127.0.0.1:{port}/healthz").status == 200
                slowest = max(slowest, time.monotonic() - began)
                time.sleep(0.1)
            grown = resident(process.pid) - memory
            print(f"{days} days: slowest answer {slowest:.2f} s, {grown / 1e6:.0f} MB more")
            assert slowest < 2
            assert grown < 50_000_000
            process.terminate()
            assert process.wait(10) == 0
    assert '"swept"' not in (tmp_path / "log").read_text(), "nothing expires by a clock that may be wrong"


def all_taken(presses: Presses, subscriber: Subscriber) -> bool:
    time.sleep(1)
    if subscriber.database.exists():
        subscriber.look()
    return presses.entries() <= subscriber.stored.keys()
