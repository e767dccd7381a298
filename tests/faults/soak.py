"""Runs the daemon for a while against outlets that never stop, and judges whether it could go on like that for a year.

    python -m tests.faults.soak [--minutes 30] [--feeds 300] [--every 1]

A sample each few seconds; after the warm-up memory, threads, open files and the WAL must stay where they are. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.faults.presses import Presses
from tests.faults.processes import children, resident
from tests.flow.command import Command, clean_environment, eventually, free_port, get

STEP = 5.0
"""Seconds between two samples."""
WARM = 0.4
"""Share of the samples, from the start, that are not judged: caches and the window of grouping fill."""
WINDOW = {"within": "1m", "at_most": "2m"}
"""How long grouping looks back: the index of stories is full before the warm-up is over, as it is after three days in use."""
DRIFT = 0.05
"""Share that memory may change by from the first quarter of the judged time to the last."""
WAL_LIMIT = 80_000_000
"""Bytes: cut at 64 MiB (store.connect), with room for what is written while it is copied back."""
END = 10.0
"""Seconds from SIGTERM to the end."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The daemon at one moment. seconds: since its start; memory: resident bytes without and with its worker; cpu: seconds."""

    seconds: float
    memory: int
    with_worker: int
    threads: int
    files: int
    wal: int
    cpu: float
    ready: bool

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  {self.memory / 1e6:6.1f} MB  with its worker {self.with_worker / 1e6:6.1f}  "
            f"threads {self.threads}  files {self.files}  WAL {self.wal / 1e6:5.1f} MB  CPU {self.cpu:7.1f} s"
        )


def verdict(samples: Sequence[Sample], errors: Sequence[str], code: int | None, ended: float) -> Iterator[str]:
    """What speaks against a year. ended: seconds that the end took; code: its exit code."""
    judged = samples[int(len(samples) * WARM) :]
    size = max(1, len(judged) // 4)
    first, last = judged[:size], judged[-size:]
    before, after = (median(one.memory for one in some) for some in (first, last))
    if abs(after - before) > DRIFT * before:
        yield f"memory went from {before / 1e6:.1f} to {after / 1e6:.1f} MB"
    if max(one.threads for one in last) > max(one.threads for one in first) + 2:
        yield "threads become more"
    if max(one.files for one in last) > 1.25 * max(one.files for one in first) + 10:
        yield "open files become more"
    if (most := max(one.wal for one in judged)) > WAL_LIMIT:
        yield f"the WAL grew to {most / 1e6:.0f} MB"
    if not all(one.ready for one in judged):
        yield "it was not ready all the time"
    if errors:
        yield f"{len(errors)} errors in the log, the first: {errors[0][:500]}"
    if code != 0 or ended > END:
        yield f"told to end, it did so with {code} after {ended:.1f} s"


@dataclass(slots=True)
class Watched:
    """A daemon whose log is read as it is written. errors: its lines that tell of one."""

    process: subprocess.Popen[str]
    database: Path
    port: int
    began: float = field(default_factory=time.monotonic)
    errors: list[str] = field(default_factory=list)
    polls: int = 0

    def read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.polls += '"poll_done"' in line
            if not line.startswith("{") or json.loads(line)["level"] in ("error", "critical"):
                self.errors.append(line.rstrip())

    def sample(self) -> Sample:
        pid, wal = self.process.pid, self.database.with_name(f"{self.database.name}-wal")
        memory = resident(pid)
        ready = get(f"http://127.0.0.1:{self.port}/readyz").status == 200
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return Sample(
            time.monotonic() - self.began,
            memory,
            memory + sum(map(resident, children(pid))),
            len(list(Path(f"/proc/{pid}/task").iterdir())),
            len(list(Path(f"/proc/{pid}/fd").iterdir())),
            wal.stat().st_size if wal.exists() else 0,
            (int(user) + int(system)) / os.sysconf("SC_CLK_TCK"),
            ready,
        )


def soak(command: Command, port: int, seconds: float, tell: Callable[[Sample], None]) -> list[str]:
    """Runs the daemon for so long. Returns what speaks against it."""
    process = subprocess.Popen(
        command.line("run", "--log-format", "json"), stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    watched = Watched(process, command.config.parent / "data" / "aggregator.db", port)
    reader = threading.Thread(target=watched.read_log, daemon=True)
    reader.start()
    samples: list[Sample] = []
    try:
        eventually(lambda: get(f"http://127.0.0.1:{port}/healthz").status == 200, process)
        while time.monotonic() < watched.began + seconds and process.poll() is None:
            time.sleep(STEP)
            samples.append(watched.sample())
            tell(samples[-1])
        process.terminate()
        began = time.monotonic()
        code = process.wait(60)
        ended = time.monotonic() - began
    finally:
        process.kill()
    reader.join(10)
    print(f"{watched.polls} polls, {samples[-1].cpu / max(1, watched.polls) * 1000:.2f} ms CPU each; ended in {ended:.1f} s")
    return list(verdict(samples, watched.errors, code, ended))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--every", type=int, default=1, help="seconds between two polls of a feed")
    given = parser.parse_args()
    presses, port = Presses(outlets=given.feeds, window=30), free_port()
    presses.tell(10 * given.feeds)
    with tempfile.TemporaryDirectory() as folder, presses.serving() as origin, presses.never_ending(0.5):
        command = presses.configure(Path(folder), origin, port, defaults={"every": f"{given.every}s"}, dedup=WINDOW)
        found = soak(command, port, given.minutes * 60, lambda sample: print(sample, flush=True))
    for problem in found:
        print(f"PROBLEM: {problem}")
    print("not fit for a year" if found else "fit for a year, as far as this can tell")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
