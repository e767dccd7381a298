"""What a daemon's polls cost while it runs: its CPU, its workers' included, for each answer that an origin gave."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.processes import children
from tests.flow.command import Command, free_port, get

EVERY = "10s"
"""The rhythm of each source: fast enough for thousands of polls in ten minutes."""
WARM = 60.0
"""Seconds that are not counted: the first poll, and what is loaded once."""
TICK = 10.0
"""Seconds between two changes of a hundredth of the feeds."""


def polls_of_a_daemon(
    origin: str, feeds: int, minutes: float, storage: dict[str, str] | None = None, beside: Callable[[], float] = lambda: 0.0
) -> str:
    """Runs a daemon on the origin's feeds and tells, in a line, what a poll costs it. One in a hundred polls brings news.

    storage: of its config; beside: CPU seconds so far of a server that works for it.
    """
    with tempfile.TemporaryDirectory(prefix="bench-daemon-") as folder:
        config: dict[str, Any] = json.loads(get(origin + "/feeds.yaml").body)
        port = free_port()
        config |= {"polling": {"min": "1s"}, "server": {"port": port}}
        config["sources"] = [source | {"every": EVERY} for source in config["sources"]]  # max-age slows other rhythms down
        config |= {"storage": storage} if storage else {}
        (Path(folder) / "feeds.yaml").write_text(json.dumps(config))
        with Command(Path(folder) / "feeds.yaml").daemon(port) as process:
            time.sleep(WARM)
            get(origin + "/counts")
            before, began = cpu_seconds(process.pid) + beside(), time.monotonic()
            while time.monotonic() < began + 60 * minutes:
                time.sleep(TICK)
                get(origin + "/tick?n=1")
            spent = cpu_seconds(process.pid) + beside() - before
            counts = json.loads(get(origin + "/counts").body)
    polls = sum(counts.values())
    return (
        f"daemon: {feeds} feeds every {EVERY} for {minutes:g} min: {polls} polls ({counts['304']} answered 304), "
        f"{1000 * spent / polls:.2f} ms CPU each"
    )


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and of its children, running and ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    others = sum(sum(_times(child)[:2]) for child in children(pid))  # first: one that ends meanwhile is counted below
    return (others + sum(_times(pid))) / ticks


def _times(pid: int) -> list[int]:
    """User and system time, its own and that of its ended children, in ticks; zeros if it is gone."""
    try:
        return [int(field) for field in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]
    except FileNotFoundError:
        return [0] * 4
