"""What holds for every history, hint and fault."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.cadence import after_poll
from aggregator.model import (
    Auto,
    Cron,
    Every,
    Fault,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Fixed,
    Hints,
    NotModified,
    Source,
    SourceId,
    SourceState,
    Validators,
)
from aggregator.settings import Polling

DAY, WEEK = 86_400.0, 7 * 86_400.0
NOW = 1_686_830_400.0
URL = "https://wire.example/feed.xml"

seconds = st.floats(min_value=1, max_value=30 * DAY)
hints = st.builds(
    Hints,
    ttl=st.none() | st.floats(min_value=-1e6, max_value=1e12),
    max_age=st.none() | st.floats(min_value=0, max_value=1e12),
    update_period=st.none() | seconds,
    skip_hours=st.lists(st.integers(0, 23), max_size=24).map(tuple),
    skip_days=st.lists(st.integers(0, 6), max_size=7).map(tuple),
)
everies: st.SearchStrategy[Every] = st.one_of(
    st.just(Auto()),
    st.builds(Fixed, seconds, st.booleans()),
    st.builds(Cron, st.sampled_from(["0 6 * * *", "*/5 * * * *", "0 0 29 2 *", "15 3 * * 1"]), st.booleans()),
)
pollings = st.builds(
    lambda low, factor: Polling(min=low, max=low * factor),
    st.floats(min_value=1, max_value=3600),
    st.floats(min_value=1, max_value=5000),
)
histories = st.lists(st.floats(min_value=NOW - 400 * DAY, max_value=NOW + 1e7), max_size=60).map(tuple)
retries = st.none() | st.floats(min_value=NOW - DAY, max_value=NOW + 1e9)
outcomes: st.SearchStrategy[FetchOutcome] = st.one_of(
    st.builds(lambda hint, at: Fetched(URL, 200, (), b"x", hints=hint, retry_at=at), hints, retries),
    st.builds(lambda hint, at: NotModified(URL, Validators('"v"'), hints=hint, retry_at=at), hints, retries),
    st.builds(
        lambda kind, at: FetchFailed(Fault(kind, "it failed", retry_at=at)),
        st.sampled_from([kind for kind in FaultKind if kind is not FaultKind.GONE]),
        retries,
    ),
)
chances = st.floats(min_value=0, max_value=1, exclude_max=True)


def poll(
    every: Every,
    before: SourceState,
    outcome: FetchOutcome,
    history: tuple[float, ...],
    hint: Hints,
    polling: Polling,
    rng: float,
) -> SourceState:
    return after_poll(
        Source(SourceId("wire"), URL, every=every),
        before,
        outcome,
        new=len(history),
        arrivals=history,
        feed=Feed("rss 2.0", (), hints=hint) if isinstance(outcome, Fetched) else None,
        now=NOW,
        polling=polling,
        rng=rng,
        timezone="Europe/Brussels",
    )


@given(everies, outcomes, histories, hints, pollings, st.integers(0, 100), chances)
@settings(max_examples=200, deadline=None)
def test_bounds_always_hold(
    every: Every, outcome: FetchOutcome, history: tuple[float, ...], hint: Hints, polling: Polling, failures: int, rng: float
) -> None:
    """Never sooner than polling.min, never before what the server asked for, and never later than can be explained."""
    after = poll(every, SourceState(SourceId("wire"), URL, failures=failures), outcome, history, hint, polling, rng)
    assert after.due >= NOW + polling.min - 1e-6
    assert after.due >= after.not_before
    assert after.not_before <= NOW + WEEK
    own = every.seconds * 1.1 if isinstance(every, Fixed) else 5 * 366 * DAY if isinstance(every, Cron) else 0.0
    assert after.due <= NOW + max(polling.max, polling.min, DAY, own, WEEK) + 3600 + polling.min * 0.1
    assert after.reason


@given(st.floats(min_value=1, max_value=30 * DAY), st.booleans(), hints, pollings, chances)
def test_an_interval_is_never_undercut(seconds: float, strict: bool, hint: Hints, polling: Polling, rng: float) -> None:
    """Chance prolongs, and never shortens, what the config or the server says."""
    document = Fetched(URL, 200, (), b"x", hints=hint)
    wait = poll(Fixed(seconds, strict), SourceState(SourceId("wire"), URL), document, (), hint, polling, rng).due - NOW
    asked = max((value for value in (hint.ttl, hint.max_age, hint.update_period) if value is not None), default=0.0)
    assert wait >= max(seconds, polling.min, 0.0 if strict else min(asked, polling.max)) - 1e-6


@given(st.sampled_from([Auto(), Fixed(900.0), Fixed(2.0), Fixed(30 * DAY)]), pollings, st.lists(chances, min_size=2, max_size=12))
def test_back_off_never_shortens_before_it_has_come_to_its_end(every: Every, polling: Polling, chance: list[float]) -> None:
    """Each wait is at least as long as the one before, until a day (give or take the jitter) is reached."""
    current, last = SourceState(SourceId("wire"), URL), 0.0
    for rng in chance:
        current = poll(every, current, FetchFailed(Fault(FaultKind.STATUS, "500", 500)), (), Hints(), polling, rng)
        wait = current.due - NOW
        assert wait >= min(last, 0.9 * max(DAY, polling.min)) - 1e-6
        last = wait


@given(everies, histories, hints, pollings, chances, chances)
def test_hints_never_speed_up(
    every: Every, history: tuple[float, ...], hint: Hints, polling: Polling, rng: float, other: float
) -> None:
    """With the same chance, a poll with hints is due no sooner than without."""
    document = Fetched(URL, 200, (), b"x")
    state = SourceState(SourceId("wire"), URL)
    plain = poll(every, state, document, history, Hints(), polling, rng)
    hinted = poll(every, state, replace(document, hints=hint), history, hint, polling, rng)
    assert hinted.due >= plain.due - 1e-6
