"""What a soak would tell of: each way in which a daemon could slowly go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.presses import Presses
from tests.faults.soak import Sample, soak, verdict
from tests.flow.command import free_port

STEADY = [Sample(5.0 * n, 200_000_000 + n % 3 * 1_000_000, 260_000_000, 5, 20, 16_000_000, n / 2, True) for n in range(100)]


def test_nothing_speaks_against_a_steady_one() -> None:
    assert list(verdict(STEADY, [], 0, 0.4)) == []


@pytest.mark.parametrize(
    ("grown", "told"),
    [
        (lambda s: replace(s, memory=s.memory + int(s.seconds * 60_000)), "memory went"),
        (lambda s: replace(s, memory=s.memory - int(s.seconds * 60_000)), "memory went"),
        (lambda s: replace(s, threads=5 + int(s.seconds / 50)), "threads"),
        (lambda s: replace(s, files=20 + int(s.seconds / 10)), "files"),
        (lambda s: replace(s, wal=90_000_000 if s.seconds == 400 else s.wal), "WAL"),
        (lambda s: replace(s, ready=s.seconds != 300), "not ready"),
    ],
)
def test_what_grows_is_told(grown: Callable[[Sample], Sample], told: str) -> None:
    problems = list(verdict([grown(sample) for sample in STEADY], [], 0, 0.4))
    assert len(problems) == 1
    assert told in problems[0]


def test_errors_and_a_bad_end_are_told() -> None:
    assert len(list(verdict(STEADY, ["{}"], 0, 0.4))) == 1
    assert len(list(verdict(STEADY, [], 1, 0.4))) == 1
    assert len(list(verdict(STEADY, [], 0, 11.0))) == 1


def test_it_watches_a_real_daemon(tmp_path: Path, only_long: None) -> None:
    presses, port, seen = Presses(outlets=5), free_port(), list[Sample]()
    presses.tell(10)
    with presses.serving() as origin, presses.never_ending(0.5):
        found = soak(presses.configure(tmp_path, origin, port), port, 21, seen.append)
    assert not [problem for problem in found if not problem.startswith("memory")]  # it is not warm yet
    assert len(seen) >= 3
    assert seen[-1].with_worker > seen[-1].memory > 30_000_000
    assert seen[-1].cpu > seen[0].cpu > 0
