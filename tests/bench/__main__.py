"""`python -m tests.bench`: what this product costs its user, beside its peers in one run. Two tables:

`start`: what one command costs, however many feeds there are: wall and CPU of `--help`, `status` and a `poll` with nothing due.

`per feed`: what one feed more costs: the slope between the smallest and the largest number of feeds, so that the start, which
a daemon pays once, is not in it. Each contestant polls everything for the first time, then with nothing changed (for the second
time, for some remember validators only then), then with a tenth of the feeds changed; contestants take turns, rounds are
repeated, medians are taken. CPU is user and system time with children; wall is beside it, with the cores of this machine.
`--daemon MINUTES` adds what a daemon's polls cost over that time.

    --feeds 300,3000   --rounds 3 (up to 300 feeds; beyond, a third of them)
    --world (the synthetic internet beside the checkout)   --profile   --alone
    --peers newsboat,reader (of those that are installed: newsboat, sfeed and miniflux on the PATH, reader where READER_PYTHON
      says; miniflux has its data on the same server as --postgres, whose CPU is counted for both)
    --postgres (the product with its data on a PostgreSQL server, too; that server's CPU is counted)
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import servers
from tests.bench.contestants import POSTGRES, Contestant, Cost, contestants
from tests.bench.daemon import polls_of_a_daemon
from tests.bench.stages import profiled
from tests.conftest import CHECKOUT
from tests.flow.command import get

PHASES = ("first", "304", "changed")
MOST = {"newsboat": 1_000}
"""Feeds up to which a peer takes part: newsboat's polls grow with the square of their number."""
STARTS = 7
"""Times that each command of the `start` table is run."""


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
        program = CHECKOUT.parent / "shared" / "lab" / "world.py"
        line = [sys.executable, str(program), "--port", "0", "--feeds", str(feeds), "--seed", "7"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1].rstrip("/")
    finally:
        process.terminate()
        process.wait(10)


def one_round(feeds: int, world: bool, peers: frozenset[str], starts: bool) -> tuple[list[Measured], dict[str, Cost]]:
    """Every contestant through all phases, taking turns in each; then, where `starts` says so, what their commands cost."""
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
                    attempt(contestant, contestant.poll)
                costs[contestant.name][phase] = attempt(contestant, contestant.poll)
        commands = [(contestant, label) for contestant in running for label in contestant.starts] if starts else []
        started = {
            f"{one.name} {label}": _median([attempt(one, one.starts[label]) for _ in range(STARTS)]) for one, label in commands
        }
        return [Measured(name, found) for name, found in costs.items()], started


def attempt(contestant: Contestant, line: Sequence[str]) -> Cost:
    try:
        return contestant.run(line)
    except subprocess.CalledProcessError as error:
        log = (contestant.directory / "log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{contestant.name} failed with {error.returncode}:\n{log}") from error


def _median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure; of memory, the most."""
    return Cost(median(cost.cpu for cost in costs), median(cost.wall for cost in costs), max(cost.rss for cost in costs))


def medians(rounds: Sequence[Sequence[Measured]]) -> dict[str, dict[str, Cost]]:
    """Contestant to phase to its median cost over the rounds."""
    names = [measured.name for measured in rounds[0]]
    mine = {name: [measured.costs for one in rounds for measured in one if measured.name == name] for name in names}
    return {name: {phase: _median([costs[phase] for costs in found]) for phase in PHASES} for name, found in mine.items()}


def start_table(started: Mapping[str, Cost], feeds: int) -> Iterator[str]:
    """What one command costs."""
    yield f"start: one command, {feeds} feeds configured, median of {STARTS}"
    yield f"{'':34} {'wall s':>8} {'CPU s':>8} {'MB':>6}"
    for label, cost in started.items():
        yield f"{label:34} {cost.wall:8.3f} {cost.cpu:8.3f} {cost.rss:6.0f}"


def feed_table(by_size: Mapping[int, Mapping[str, Mapping[str, Cost]]]) -> Iterator[str]:
    """What one feed more costs: the slope between the sizes, and of a contestant that was there at one size alone, the mean."""
    sizes = sorted(by_size)
    yield f"per feed: ms that one feed more costs, from {' and '.join(map(str, sizes))} feeds, on {os.cpu_count()} cores"
    header = " ".join(f"{phase:>9}" for phase in PHASES)
    yield f"{'':12} {'CPU':^29}   {'wall':^29}  peak MB"
    yield f"{'':12} {header}   {header}"
    for name in by_size[sizes[0]]:
        at = [size for size in sizes if name in by_size[size]]
        cpu = [_slope(at, [by_size[size][name][phase].cpu for size in at]) for phase in PHASES]
        wall = [_slope(at, [by_size[size][name][phase].wall for size in at]) for phase in PHASES]
        peak = max(by_size[size][name][phase].rss for size in at for phase in PHASES)
        figures = "   ".join(" ".join(f"{value:9.2f}" for value in some) for some in (cpu, wall))
        yield f"{name:12} {figures}  {peak:7.0f}" + ("" if len(at) > 1 else f"  (mean of {at[0]}, start included)")


def _slope(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """Milliseconds that one feed more costs."""
    if len(sizes) == 1:
        return 1000 * seconds[0] / sizes[0]
    return 1000 * (seconds[-1] - seconds[0]) / (sizes[-1] - sizes[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default="300,3000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--world", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--peers", default="newsboat,sfeed,reader,miniflux")
    parser.add_argument("--postgres", action="store_true", help="the product on PostgreSQL, too")
    parser.add_argument("--daemon", type=float, default=0, help="minutes that a daemon of 300 feeds is watched")
    parser.add_argument("--profile", action="store_true", help="where the time goes, by stage, at the first number of feeds")
    options = parser.parse_args()
    peers = frozenset() if options.alone else frozenset(options.peers.split(","))
    if options.postgres:
        peers |= {POSTGRES}
    sizes = sorted(int(size) for size in options.feeds.split(","))
    if options.profile:
        with origin(sizes[0], options.world) as url:
            profiled(url, sizes[0])
        return
    by_size: dict[int, dict[str, dict[str, Cost]]] = {}
    for feeds in sizes:
        count = options.rounds if feeds <= 300 else max(1, options.rounds // 3)
        rounds = []
        for number in range(count):
            measured, started = one_round(feeds, options.world, peers, starts=feeds == sizes[0] and number == 0)
            rounds.append(measured)
            if started:
                print("\n".join(start_table(started, feeds)) + "\n", flush=True)
        by_size[feeds] = medians(rounds)
    print("\n".join(feed_table(by_size)), flush=True)
    if options.daemon:
        with origin(300, options.world) as url:
            print(f"\n{polls_of_a_daemon(url, 300, options.daemon)}", flush=True)
        if options.postgres:
            storage = {"database": servers.server().address("daemon")}
            with origin(300, options.world) as url:
                print(f"on postgres: {polls_of_a_daemon(url, 300, options.daemon, storage, servers.cpu_now)}")


if __name__ == "__main__":
    main()
