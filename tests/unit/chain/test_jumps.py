"""A clock that was wrong for a while leaves nothing behind that would be waited for."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.fetch.hosts import HostGate
from aggregator.model import SourceId, SourceState
from aggregator.ports import Delivery
from aggregator.run import clock_jumps
from aggregator.settings import Settings

NOW, DAY, YEAR = 1_700_000_000.0, 86_400.0, 365 * 86_400.0
FINE = SourceState(
    SourceId("one"), "https://one.example/feed", due=NOW + 600, last_poll=NOW - 60, last_success=NOW - 60, first_success=NOW - DAY
)
AHEAD = replace(FINE, due=NOW + YEAR + 660, last_poll=NOW + YEAR, last_success=NOW + YEAR, not_before=NOW + YEAR + 300)


@pytest.mark.parametrize(
    "state",
    [
        FINE,
        replace(FINE, last_poll=NOW + 30),
        replace(FINE, due=NOW + 4 * YEAR),
        replace(FINE, last_poll=None, due=NOW + 7 * DAY),
    ],
    ids=["usual", "a small correction", "a rare cron line", "a new source of a host on hold"],
)
def test_what_is_possible_stays(state: SourceState) -> None:
    assert clock_jumps.correct_state(state, NOW) is None


def test_a_poll_of_the_future_is_one_of_now_with_the_same_interval() -> None:
    after = clock_jumps.correct_state(AHEAD, NOW)
    assert after is not None
    assert (after.due, after.not_before, after.last_poll, after.last_success) == (NOW + 660, NOW + 300, NOW, NOW)
    assert after.first_success == FINE.first_success
    assert clock_jumps.correct_state(after, NOW) is None, "it is done once"


def test_sources_stay_spread() -> None:
    states = [replace(AHEAD, due=AHEAD.due + n * 60) for n in range(50)]
    assert len({after.due for state in states if (after := clock_jumps.correct_state(state, NOW))}) == 50


def test_a_source_that_came_while_the_clock_was_ahead_is_due_now() -> None:
    after = clock_jumps.correct_state(replace(FINE, last_poll=None, due=NOW + YEAR), NOW)
    assert after is not None
    assert after.due == NOW


def test_deliveries_are_brought_forward() -> None:
    far, near = (Delivery("webhook", "all", "https://x.example/", "s", "1", at, at) for at in (NOW + YEAR, NOW + 3_600))
    assert clock_jumps.correct_deliveries([far, near], NOW) == [replace(far, created=NOW, due=NOW)]


def test_a_hold_of_the_future_holds_nobody(tmp_path: Path) -> None:
    gate = HostGate(Settings(tmp_path, ()))
    gate.hold("https://one.example/feed", NOW + YEAR)
    gate.hold("https://two.example/feed", NOW + DAY)
    assert gate.held("https://one.example/feed", NOW) is None
    assert gate.held("https://two.example/feed", NOW) is not None


def test_a_clock_set_forward_is_doubted_for_hours_unless_it_is_set_back() -> None:
    doubt = clock_jumps.Doubt(NOW, 100.0)
    assert not doubt.lasts(NOW + 300, 400.0)
    assert not doubt.lasts(NOW + 600 + 30, 700.0), "the time service moves the clock a little"
    assert doubt.lasts(NOW + YEAR, 701.0)
    assert doubt.lasts(NOW + YEAR + 5 * 3_600, 701.0 + 5 * 3_600)
    assert not doubt.lasts(NOW + YEAR + 7 * 3_600, 701.0 + 7 * 3_600), "the clock was right, it seems"
    assert doubt.lasts(NOW + 2 * YEAR, 702.0 + 7 * 3_600)
    assert not doubt.lasts(NOW + 7 * 3_600, 703.0 + 7 * 3_600)
