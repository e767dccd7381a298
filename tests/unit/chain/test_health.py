"""What becomes an event of the health feed, and when it is over."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.model import Cron, Fixed, Source, SourceId, SourceState
from aggregator.run.monitoring.health import CAPS, diff_events, find_conditions
from tests.conftest import CHECKOUT

NOW = 1_700_000_000.0
DAY = 86_400.0
SOURCE = Source(SourceId("one"), "https://one.example/feed", title="The One")
FINE = SourceState(
    SOURCE.id,
    SOURCE.url,
    due=NOW + 600,
    last_poll=NOW - 60,
    last_success=NOW - 60,
    first_success=NOW - 9 * DAY,
    last_new=NOW - 60,
)


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        (FINE, []),
        (replace(FINE, failures=9, last_success=NOW - 3_600, last_error="timeout"), []),
        (replace(FINE, failures=9, last_success=NOW - 2 * DAY, last_error="timeout"), ["broken", "stale"]),
        (replace(FINE, failures=5, last_success=None, last_error="no such host"), ["broken"]),
        (replace(FINE, parse_failures=4, failures=4, last_error="no feed"), []),
        (replace(FINE, parse_failures=5, failures=5, last_error="no feed"), ["broken"]),
        (replace(FINE, gone=True, last_error="410 Gone"), ["gone"]),
        (replace(FINE, url="https://new.example/feed"), ["moved"]),
        (replace(FINE, counters={"cap:entries": 3, "drop": 9}), ["capped"]),
    ],
)
def test_conditions(state: SourceState, kinds: list[str]) -> None:
    assert [one.kind for one in find_conditions([SOURCE], {SOURCE.id: state}, NOW)] == kinds


HOURLY, DAILY = (
    Source(SourceId(name), f"https://{name}.example/", every=Fixed(seconds))
    for name, seconds in (("hourly", 3_600.0), ("daily", DAY))
)
MINUTES = Source(SourceId("minutes"), "https://minutes.example/", every=Fixed(300.0, True))


def read(source: Source, ago: float, every: float, **more: Any) -> SourceState:
    """A source that was read so long ago, and is well unless `more` says something else."""
    at = NOW - ago
    state = SourceState(
        source.id, source.url, due=at + every, last_poll=at, last_success=at, first_success=NOW - 90 * DAY, last_new=at
    )
    return replace(state, **more)


def failing(source: Source, ago: float, failures: int = 1) -> SourceState:
    return read(source, ago, 0.0, failures=failures, last_poll=NOW - 5, due=NOW + 3_600, last_error="no such host")


@pytest.mark.parametrize(
    ("case", "states", "told"),
    [
        ("all fail, and the interval is known all the same", [failing(HOURLY, 7_300)], True),
        ("once the interval is not over twice", [failing(HOURLY, 7_100)], False),
        ("the shortest interval counts", [failing(HOURLY, 1_300), failing(MINUTES, 700)], True),
        ("ten minutes are nothing", [failing(HOURLY, 590), failing(MINUTES, 590)], False),
        ("one that works says that our side is well", [failing(MINUTES, 2_000), read(HOURLY, 1_500, 3_600)], False),
        ("one that is not due yet may still work", [failing(HOURLY, 2_000), read(DAILY, 2_000, DAY)], False),
        ("one that was broken before says nothing", [failing(MINUTES, 3 * DAY, 40), read(DAILY, DAY / 2, DAY)], False),
        ("nor how often it would have been asked", [failing(MINUTES, 3 * DAY, 40), failing(HOURLY, 4_000)], False),
        ("nothing fails, nothing is due", [read(HOURLY, 9_000, 3_600)], False),
        ("a restarted daemon whose polls are under way", [read(MINUTES, 2 * DAY, 300), failing(HOURLY, 9 * DAY, 40)], False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_when_nothing_succeeds_any_more(case: str, states: list[SourceState], told: bool) -> None:
    sources = {one.id: one for one in (HOURLY, DAILY, MINUTES)}
    found = find_conditions([sources[state.id] for state in states], {state.id: state for state in states}, NOW)
    assert ("stale" in [one.kind for one in found]) == told, case


def test_a_cron_line_is_waited_for_twice() -> None:
    nightly = Source(SourceId("nightly"), "https://nightly.example/", every=Cron("0 4 * * *"))
    since_four = NOW % DAY - 4 * 3_600
    for ago, told in ((since_four + DAY, False), (since_four + 2 * DAY, True)):
        states = {nightly.id: failing(nightly, ago)}
        assert ("stale" in [one.kind for one in find_conditions([nightly], states, NOW)]) == told


def test_what_is_cut_short_is_told_in_words() -> None:
    state = replace(FINE, counters={"cap:text": 1, "cap:entries": 3})
    (cut,) = find_conditions([SOURCE], {SOURCE.id: state}, NOW)
    assert cut.title == "The One is cut short"
    assert "too many entries, too long a text" in cut.detail
    assert "cap:" not in cut.detail


def test_each_cap_has_its_words() -> None:
    code = "".join(path.read_text() for path in (CHECKOUT / "aggregator/parse").glob("*.py"))
    assert set(re.findall(r'"(cap:[a-z]+)"', code)) == set(CAPS)


def test_a_silent_source_is_told_by_its_setting() -> None:
    source = replace(SOURCE, silent_after=3_600.0)
    state = replace(FINE, last_new=NOW - 2 * 3_600)
    assert [one.kind for one in find_conditions([source], {SOURCE.id: state}, NOW)] == ["silent"]


def test_a_disabled_source_is_nobodys_trouble() -> None:
    assert not list(find_conditions([replace(SOURCE, enabled=False)], {SOURCE.id: replace(FINE, gone=True)}, NOW))


def test_addresses_are_told_without_their_passwords() -> None:
    source = replace(SOURCE, url="https://me:hunter2@one.example/feed", shown="https://one.example/feed")
    (moved,) = find_conditions([source], {SOURCE.id: FINE}, NOW)
    assert "hunter2" not in moved.detail
    assert "one.example/feed" in moved.detail


def test_an_event_opens_once_and_closes_once() -> None:
    gone = list(find_conditions([SOURCE], {SOURCE.id: replace(FINE, gone=True, last_error="410")}, NOW))
    (opened,) = diff_events([], gone, NOW)
    assert (opened.opened, opened.closed) == (NOW, None)
    assert diff_events([opened], gone, NOW + 60) == []
    (closed,) = diff_events([opened], [], NOW + 120)
    assert (closed.key, closed.opened, closed.closed) == (opened.key, NOW, NOW + 120)
    assert diff_events([closed], [], NOW + 180) == []
    assert len(diff_events([closed], gone, NOW + 240)) == 1, "the same trouble again is another event"
