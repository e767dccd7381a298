"""`python -m tests.bench`: what a poll costs, this product and its peers side by side in one run.

For each number of feeds, each contestant polls everything for the first time, then with nothing changed (for the second
time, for some remember validators only then), then with a tenth of the feeds changed; contestants take turns, rounds are
repeated, medians are shown. Costs are CPU milliseconds a feed, user and system, children and the process's own start included.

    --feeds 100,300,1000,3000   --rounds 3 (up to 300 feeds; beyond, a third of them)
    --world (the synthetic internet beside the checkout)   --profile   --alone
    --peers newsboat,reader (of those that are installed: newsboat and sfeed on the PATH, reader where READER_PYTHON says)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.contestants import Contestant, Cost, contestants
from tests.bench.stages import profiled
from tests.conftest import CHECKOUT
from tests.flow.command import get

PHASES = ("first", "304", "changed")
MOST = {"newsboat": 1_000}
"""Feeds up to which a peer takes part: newsboat's polls grow with the square of their number."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One contestant's costs of one round, by phase."""

    name: str
    costs: dict[str, Cost]


@contextmanager
def origin(feeds: int, world: bool) -> Iterator[str]:
    """An origin in a process of its own; its address."""
    line = [sys.executable, "-m", "tests.bench.origin", "--feeds", str(feeds)]
    if world:
        line = [
            sys.executable,
            str(CHECKOUT.parent / "shared" / "lab" / "world.py"),
            "--port",
            "0",
            "--feeds",
            str(feeds),
            "--seed",
            "7",
        ]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].rstrip("/")
    finally:
        process.terminate()
        process.wait(10)


def one_round(feeds: int, world: bool, peers: frozenset[str]) -> list[Measured]:
    """Every contestant through all phases, taking turns in each."""
    with origin(feeds, world) as url, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        urls = get(url + "/urls").body.decode().split()
        able = {peer for peer in peers if feeds <= MOST.get(peer, feeds)}
        running = contestants(Path(folder), urls, get(url + "/feeds.yaml").body, able)
        for contestant in running:
            contestant.prepare()
        costs: dict[str, dict[str, Cost]] = {contestant.name: {} for contestant in running}
        for phase in PHASES:
            if phase == "changed":
                get(url + "/tick?n=10")
            for contestant in running:
                if phase == "304":
                    attempt(contestant)
                costs[contestant.name][phase] = attempt(contestant)
        return [Measured(name, found) for name, found in costs.items()]


def attempt(contestant: Contestant) -> Cost:
    try:
        return contestant.run()
    except subprocess.CalledProcessError as error:
        log = (contestant.directory / "log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{contestant.name} failed with {error.returncode}:\n{log}") from error


def rows(feeds: int, rounds: list[list[Measured]]) -> Iterator[str]:
    """The lines of the table for one number of feeds."""
    for name in [measured.name for measured in rounds[0]]:
        mine = [measured.costs for round_ in rounds for measured in round_ if measured.name == name]
        cpu = [1000 * median(costs[phase].cpu for costs in mine) / feeds for phase in PHASES]
        wall = [median(costs[phase].wall for costs in mine) for phase in PHASES]
        peak = max(costs[phase].rss for costs in mine for phase in PHASES)
        figures = " ".join(f"{value:9.2f}" for value in cpu) + "  " + " ".join(f"{value:7.1f}" for value in wall)
        yield f"{feeds:6} {name:12} {figures}  {peak:7.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="100,300,1000,3000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--world", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--peers", default="newsboat,sfeed,reader")
    parser.add_argument("--profile", action="store_true", help="where the time goes, by stage, at the first number of feeds")
    options = parser.parse_args()
    peers = frozenset() if options.alone else frozenset(options.peers.split(","))
    sizes = [int(size) for size in options.feeds.split(",")]
    if options.profile:
        with origin(sizes[0], options.world) as url:
            profiled(url, sizes[0])
        return
    print(f"{'':6} {'':12} {'CPU ms a feed':^29}  {'wall seconds':^23}  peak MB")
    print(
        f"{'feeds':>6} {'':12} "
        + " ".join(f"{phase:>9}" for phase in PHASES)
        + "  "
        + " ".join(f"{phase:>7}" for phase in PHASES)
    )
    for feeds in sizes:
        count = options.rounds if feeds <= 300 else max(1, options.rounds // 3)
        rounds = [one_round(feeds, options.world, peers) for _ in range(count)]
        print("\n".join(rows(feeds, rounds)), flush=True)


if __name__ == "__main__":
    main()
