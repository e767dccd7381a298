"""`python -m tests.bench.lane [--feeds 300]`: how busy the one thread that writes is during a first poll.

It sets the pace of a first poll: whatever keeps it waiting (requests, reading workers, the pipes between) costs wall time. Busy
is from the beginning to the end of each piece of work, which includes waiting for the interpreter's lock and for the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.bench.__main__ import origin
from tests.bench.contestants import environment
from tests.bench.stages import run_command
from tests.conftest import CHECKOUT
from tests.flow.command import get

PREFIX = "writer"
"""What the thread's name begins with (store/writer.py)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=300)
    feeds = parser.parse_args().feeds
    with origin(feeds, False) as url, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        (place / "feeds.yaml").write_bytes(get(url + "/feeds.yaml").body)
        line = [sys.executable, "-m", "tests.bench.lane", "--inside", "-c", str(place / "feeds.yaml"), "poll", "--all"]
        began = time.perf_counter()
        out = subprocess.run(
            line, cwd=place, env=environment(place) | {"PYTHONPATH": str(CHECKOUT)}, check=True, capture_output=True
        )
        wall = time.perf_counter() - began
    told = json.loads(out.stderr.splitlines()[-1])
    whole, storing = told["busy"] / wall, told["busy"] / (told["last"] - told["first"])
    print(f"{feeds} feeds on {len(os.sched_getaffinity(0))} cores at a load of {os.getloadavg()[0]:.1f}: first poll {wall:.1f} s")
    print(
        f"the thread that writes: busy {whole:.0%} of it, {storing:.0%} from its first work to its last; CPU {told['cpu']:.1f} s"
    )


class Lane:
    """Watches all work that is given to the thread that writes. Times: in seconds of `time.perf_counter`."""

    def __init__(self) -> None:
        self.first = self.last = self.busy = self.cpu = 0.0

    def watch(self) -> None:
        submit = ThreadPoolExecutor.submit

        def watched(pool: ThreadPoolExecutor, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
            if pool._thread_name_prefix != PREFIX:
                return submit(pool, work, *given, **named)
            return submit(pool, self._timed, work, *given, **named)

        ThreadPoolExecutor.submit = watched  # type: ignore[method-assign, assignment]

    def _timed(self, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        self.first = self.first or began
        try:
            return work(*given, **named)
        finally:
            self.last, self.cpu = time.perf_counter(), time.thread_time()
            self.busy += self.last - began


def _inside() -> None:
    """Runs the command that stands in the arguments; its last line on standard error tells what the lane did."""
    sys.argv.remove("--inside")
    lane = Lane()
    lane.watch()
    try:
        run_command()
    finally:
        print(json.dumps(vars(lane)), file=sys.stderr)


if __name__ == "__main__":
    _inside() if "--inside" in sys.argv else main()
