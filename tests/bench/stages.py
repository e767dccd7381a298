"""Where the time of a poll goes, by stage: `python -m tests.bench --profile`."""

from __future__ import annotations

import cProfile
import pstats
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.bench.contestants import environment
from tests.conftest import CHECKOUT
from tests.flow.command import get


def profiled(url: str, feeds: int) -> None:
    """Polls three times (first, unchanged, changed) under cProfile and prints the share of each stage.

    The parser's worker is a process of its own: its CPU is printed beside.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        (place / "feeds.yaml").write_bytes(get(url + "/feeds.yaml").body)
        for phase in ("first", "304", "changed"):
            if phase == "changed":
                get(url + "/tick?n=10")
            _one(place, phase, feeds)


def _one(place: Path, phase: str, feeds: int) -> None:
    out = place / f"{phase}.stats"
    line = [sys.executable, __file__, str(out), "-c", str(place / "feeds.yaml"), "poll", "--all"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(line, cwd=place, env=environment(place) | {"PYTHONPATH": str(CHECKOUT)}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shares = by_stage(pstats.Stats(str(out)))
    inside = sum(shares.values())
    everywhere, here = 1000 * whole / feeds, 1000 * inside / feeds
    print(f"\n{phase}: {everywhere:.2f} ms CPU a feed under the profiler in all processes, {here:.2f} in the main one:")
    for stage, seconds in shares.most_common(16):
        print(f"  {stage:28} {1000 * seconds / feeds:8.3f} ms a feed  {100 * seconds / inside:5.1f} %")


WAITS = ("epoll", "_queue.SimpleQueue")
"""Functions that only wait. One that is still waiting at the end would be charged by another thread's clock."""


def by_stage(stats: pstats.Stats) -> Counter[str]:
    """Own time of all functions by stage; what C functions took is charged to the stages that called them."""
    shares: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if any(wait in name for wait in WAITS):
            continue
        if file != "~":
            shares[stage_of(file)] += own
            continue
        for (caller, _, _), (_, _, part, _) in callers.items():
            shares[stage_of(caller)] += part
    return shares


def stage_of(file: str) -> str:
    """`aggregator/fetch`, the name of a library, or `python`."""
    if own := re.search(r"/aggregator/([^/]+?)(?:\.py|/)", file.replace(str(Path(sys.prefix)), "")):
        return f"aggregator/{own[1]}"
    if library := re.search(r"/site-packages/([^/]+?)(?:\.py|/)", file):
        return library[1]
    return "python"


def _inside() -> None:
    """Runs the command under the profiler, each thread with its own CPU clock; the first argument is where the figures go."""
    out = sys.argv.pop(1)
    profiles = [cProfile.Profile(timer=time.thread_time)]
    plain = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        mine = cProfile.Profile(timer=time.thread_time)
        profiles.append(mine)
        mine.runcall(plain, thread)

    threading.Thread.run = run  # type: ignore[method-assign]
    try:
        profiles[0].runcall(run_command)
    finally:
        stats = pstats.Stats(profiles[0])
        for profile in profiles[1:]:
            if profile.getstats():
                stats.add(profile)
        stats.dump_stats(out)


def run_command() -> None:
    from aggregator.cli import main

    sys.argv[0] = "aggregator"
    try:
        main()
    except SystemExit:
        pass


if __name__ == "__main__":
    _inside()
