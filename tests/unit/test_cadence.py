"""When a source is due next, and what is remembered of a poll."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.cadence import after_poll, body_hash, may_poll, same_body, why_silent
from aggregator.cadence.rhythm import learn_rhythm, remember_arrivals
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
    Hop,
    NotModified,
    Source,
    SourceId,
    SourceState,
    Validators,
)
from aggregator.ports import Hold
from aggregator.settings import Polling

HOUR, DAY, WEEK = 3600.0, 86_400.0, 7 * 86_400.0
NOW = datetime(2023, 6, 15, 12, 0, tzinfo=UTC).timestamp()  # a Thursday
URL = "https://wire.example/feed.xml"
QUARTER = Fixed(900.0, strict=False)
POLLING = Polling(min=300.0, max=DAY)
TAG = Validators('"v1"', "Thu, 15 Jun 2023 09:00:00 GMT")


def source(every: Every = QUARTER, **more: Any) -> Source:
    return Source(SourceId("wire"), URL, every=every, **more)


def state(**more: Any) -> SourceState:
    return SourceState(SourceId("wire"), URL, **more)


def document(**more: Any) -> Fetched:
    return Fetched(**{"url": URL, "status": 200, "headers": (), "body": b"<rss/>", **more})


def failed(kind: FaultKind = FaultKind.STATUS, status: int | None = 500, **more: Any) -> FetchFailed:
    return FetchFailed(Fault(kind, "it failed", status, **more))


def poll(
    before: SourceState,
    outcome: FetchOutcome,
    of: Source | None = None,
    *,
    new: int = 0,
    arrivals: tuple[float, ...] = (),
    feed: Feed | None = None,
    now: float = NOW,
    polling: Polling = POLLING,
    rng: float = 0.0,
    timezone: str = "UTC",
) -> SourceState:
    """after_poll without jitter, unless one is given."""
    return after_poll(
        of or source(),
        before,
        outcome,
        new=new,
        arrivals=arrivals,
        feed=feed,
        now=now,
        polling=polling,
        rng=rng,
        timezone=timezone,
    )


def wait(after: SourceState, now: float = NOW) -> float:
    return round(after.due - now, 3)


# --- intervals and hints
@pytest.mark.parametrize(
    ("every", "hints", "seconds"),
    [
        (Fixed(900, strict=False), Hints(), 900),
        (Fixed(10, strict=True), Hints(), 300),
        (Fixed(3 * DAY, strict=True), Hints(), 3 * DAY),
        (Fixed(900, strict=False), Hints(max_age=60), 900),
        (Fixed(900, strict=False), Hints(ttl=7200), 7200),
        (Fixed(900, strict=False), Hints(update_period=12 * HOUR), 12 * HOUR),
        (Fixed(900, strict=False), Hints(max_age=WEEK), DAY),
        (Fixed(900, strict=False), Hints(ttl=10 * 365 * DAY), DAY),
        (Fixed(900, strict=True), Hints(ttl=7200, max_age=WEEK), 900),
    ],
)
def test_an_interval_is_slowed_by_hints_within_bounds(every: Every, hints: Hints, seconds: float) -> None:
    answer = document(hints=Hints(max_age=hints.max_age))
    after = poll(state(), answer, source(every), feed=Feed("rss 2.0", (), hints=replace(hints, max_age=None)))
    assert wait(after) == seconds


@pytest.mark.parametrize(
    ("hours", "days", "expected"),
    [
        ((12, 13), (), "2023-06-15T14:00"),
        (tuple(hour for hour in range(24) if hour != 18), (), "2023-06-15T18:00"),
        (tuple(range(24)), (), "2023-06-15T12:15"),
        ((), (3,), "2023-06-16T00:00"),
        ((), (2, 3, 4), "2023-06-16T12:00"),
        ((), tuple(range(7)), "2023-06-15T12:15"),
    ],
)
def test_skipped_hours_and_days_are_waited_for_a_day_at_most(
    hours: tuple[int, ...], days: tuple[int, ...], expected: str
) -> None:
    feed = Feed("rss 2.0", (), hints=Hints(skip_hours=hours, skip_days=days))
    after = poll(state(), document(), feed=feed)
    assert datetime.fromtimestamp(after.due, UTC).isoformat()[:16] == expected


def test_a_document_s_hints_outlive_a_304_and_a_server_s_don_t() -> None:
    first = poll(
        state(), document(hints=Hints(max_age=3 * HOUR), validators=TAG), feed=Feed("rss 2.0", (), hints=Hints(ttl=7200))
    )
    assert "max-age" in first.reason
    again = poll(first, NotModified(URL, TAG), now=NOW + DAY)
    assert wait(again, NOW + DAY) == 7200 and again.reason == "ttl 2h"


@pytest.mark.parametrize(
    ("line", "zone", "hints", "expected"),
    [
        ("0 6 * * *", "UTC", Hints(), "2023-06-16T06:00"),
        ("0 6 * * *", "Europe/Brussels", Hints(), "2023-06-16T04:00"),
        ("*/30 * * * *", "UTC", Hints(), "2023-06-15T12:30"),
        ("*/30 * * * *", "UTC", Hints(ttl=7200), "2023-06-15T14:00"),
        ("* * * * *", "UTC", Hints(), "2023-06-15T12:05"),
    ],
)
def test_a_cron_line_is_kept_in_the_site_s_time_zone(line: str, zone: str, hints: Hints, expected: str) -> None:
    feed = Feed("rss 2.0", (), hints=hints)
    after = poll(state(), document(), source(Cron(line, strict=False)), feed=feed, timezone=zone, rng=0.0)
    assert datetime.fromtimestamp(after.due, UTC).isoformat()[:16] == expected


def test_a_cron_line_of_the_source_is_not_slowed() -> None:
    feed = Feed("rss 2.0", (), hints=Hints(ttl=7200))
    after = poll(state(), document(), source(Cron("*/30 * * * *", strict=True)), feed=feed, rng=0.0)
    assert wait(after) == 1800


# --- the rhythm
def test_auto_follows_the_history_within_bounds() -> None:
    hourly = tuple(NOW - hour * HOUR for hour in range(10, 0, -1))
    assert wait(poll(state(), document(), source(Auto()), new=10, arrivals=hourly)) == pytest.approx(HOUR / 3)
    wire = tuple(NOW - minute * 60 for minute in range(400, 0, -11))
    assert wait(poll(state(), document(), source(Auto()), new=40, arrivals=wire)) == 300
    monthly = tuple(NOW - month * 30 * DAY for month in range(5, 0, -1))
    assert wait(poll(state(), document(), source(Auto()), new=5, arrivals=monthly)) == DAY


def test_an_interval_below_the_least_says_what_holds_it() -> None:
    after = poll(state(), document(), source(Fixed(20.0, strict=True)))
    assert (wait(after), after.reason) == (300.0, "every 20s, held to 5m by polling.min")


def test_auto_says_what_it_learnt() -> None:
    hourly = tuple(NOW - hour * HOUR for hour in range(10, 0, -1))
    assert poll(state(), document(), source(Auto()), new=10, arrivals=hourly).reason == (
        "auto: something new each 1h, so every 20m"
    )
    assert poll(state(), document(), source(Auto()), new=0).reason == "auto: no rhythm learnt yet, so every 1h"


def test_auto_slows_down_in_silence_and_wakes_up_again() -> None:
    hourly = tuple(NOW - hour * HOUR for hour in range(10, 0, -1))
    awake = poll(state(), document(), source(Auto()), new=10, arrivals=hourly)
    later = NOW + 5 * DAY
    asleep = poll(awake, NotModified(URL, TAG), source(Auto()), now=later)
    assert wait(asleep, later) > 3 * wait(awake)
    woken = poll(asleep, document(), source(Auto()), new=8, arrivals=tuple(later - n * HOUR for n in range(8)), now=later)
    assert wait(woken, later) < wait(asleep, later)


def test_articles_published_in_one_go_are_one_appearance() -> None:
    daily = [NOW - day * DAY + second for day in range(1, 6) for second in range(0, 50, 10)]
    rhythm = learn_rhythm(sorted(daily), NOW)
    assert rhythm is not None and rhythm.gap == pytest.approx(DAY, rel=0.01)


def test_the_history_forgets_the_oldest_and_believes_no_future() -> None:
    history = remember_arrivals(tuple(float(n) for n in range(1, 41)), (1e12, 41.0), 50.0)
    assert len(history) == 40 and history[0] == 3.0 and history[-2:] == (41.0, 50.0)


def test_entries_without_dates_teach_by_their_sight() -> None:
    first = poll(state(), document(), source(Auto()), new=5)
    assert first.arrivals == ()
    assert poll(first, document(), source(Auto()), new=1, now=NOW + HOUR).arrivals == (NOW + HOUR,)


# --- failures
def test_failures_back_off_to_a_day_and_a_success_ends_it() -> None:
    current, waits = state(first_success=NOW), []
    for _ in range(12):
        current = poll(current, failed())
        waits.append(wait(current))
    assert waits[:4] == [900, 1800, 3600, 7200] and waits[-1] == DAY
    assert current.reason == "backing off after 12 failures in a row"
    after = poll(current, document())
    assert after.failures == 0 and wait(after) == 900 and after.last_error is None


def test_a_slow_source_is_tried_again_soon_after_a_passing_error() -> None:
    assert wait(poll(state(), failed(), source(Fixed(DAY)))) == 1800


def test_while_we_are_offline_nobody_is_punished_with_a_day() -> None:
    current = state()
    for _ in range(12):
        current = poll(current, failed(FaultKind.OFFLINE, None))
    assert wait(current) == HOUR


def test_an_error_keeps_what_was_known() -> None:
    good = poll(state(), document(validators=TAG), new=3, feed=Feed("rss 2.0", (), title="Wire", url="https://wire.example/"))
    bad = poll(good, failed())
    assert (bad.validators, bad.validators_url, bad.body_hash, bad.entries) == (TAG, URL, good.body_hash, 3)
    assert (bad.last_status, bad.last_error, bad.last_fault, bad.title) == (500, "it failed", "status", "Wire")
    assert bad.last_success == NOW and bad.failures == 1


def test_a_page_in_place_of_a_feed_leaves_no_validators() -> None:
    bad = poll(state(), failed(FaultKind.HTML, 200))
    assert bad.validators == Validators() and bad.parse_failures == 1


def test_410_stops_for_good() -> None:
    gone = poll(state(), failed(FaultKind.GONE, 410))
    assert gone.gone
    assert "gone" in (may_poll(gone, None, NOW + WEEK, forced=True) or "")


def test_410_at_a_remembered_address_gives_the_configured_one_another_chance() -> None:
    moved = state()
    moved = replace(moved, url="https://elsewhere.example/feed")
    after = poll(moved, failed(FaultKind.GONE, 410))
    assert not after.gone and after.url == URL


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_binds_forced_polls_too(status: int) -> None:
    after = poll(state(), failed(status=status, retry_at=NOW + 2 * HOUR, holds_host=True))
    assert after.due >= after.not_before == NOW + 2 * HOUR
    assert may_poll(after, None, NOW + 2 * HOUR - 1, forced=True) == "the server asked to wait 1s more"
    assert may_poll(after, None, NOW + 2 * HOUR, forced=True) is None


def test_retry_after_is_believed_for_a_week() -> None:
    after = poll(state(), failed(status=503, retry_at=NOW + 3650 * DAY))
    assert after.not_before == NOW + WEEK and after.due <= NOW + WEEK + 60


def test_retry_after_on_a_redirect_binds_the_next_poll() -> None:
    after = poll(state(), document(hops=(Hop(302, URL, URL + "?2"),), retry_at=NOW + 2 * HOUR))
    assert after.not_before == after.due == NOW + 2 * HOUR


def test_a_held_host_is_nobody_s_failure() -> None:
    after = poll(state(failures=2), failed(FaultKind.HELD, None, retry_at=NOW + HOUR))
    assert after.failures == 2 and after.due >= NOW + HOUR


# --- permission
def test_who_may_be_polled() -> None:
    hold = Hold("wire.example", NOW + 60, "429 too many requests")
    assert may_poll(state(), None, NOW, forced=False) is None
    assert may_poll(state(due=NOW + 90, reason="every 15m"), None, NOW, forced=False) == "not due for 90s (every 15m)"
    assert may_poll(state(due=NOW + 90), None, NOW, forced=True) is None
    assert may_poll(state(), hold, NOW, forced=True) == "wire.example is left alone for 1m more (429 too many requests)"
    assert may_poll(state(), hold, NOW + 60, forced=False) is None


# --- validators and bodies
def test_validators_are_renewed_by_a_304_and_dropped_by_a_200_without() -> None:
    first = poll(state(), document(validators=TAG))
    second = poll(first, NotModified(URL, Validators('"v2"', None)))
    assert second.validators == Validators('"v2"', None) and second.validators_url == URL and second.last_status == 304
    third = poll(second, document(body=b"other"))
    assert third.validators == Validators() and third.validators_url is None


def test_validators_belong_to_where_the_document_was_found() -> None:
    found = document(url="https://cdn.example/feed", validators=TAG, hops=(Hop(302, URL, "https://cdn.example/feed"),))
    assert poll(state(), found).validators_url == "https://cdn.example/feed"


def test_the_same_bytes_are_known_again_but_a_delta_is_no_document() -> None:
    after = poll(state(), document(body=b"one"))
    assert same_body(after, document(body=b"one")) and not same_body(after, document(body=b"two"))
    assert not same_body(after, document(body=b"one", status=226))
    delta = poll(after, document(body=b"part", status=226))
    assert not same_body(delta, document(body=b"part")) and body_hash(b"one") == after.body_hash


# --- moves
def hops(*statuses: int, to: str = "https://new.example/feed") -> dict[str, Any]:
    places = [URL, *(f"https://hop.example/{n}" for n in range(1, len(statuses))), to]
    pairs = zip(statuses, places, places[1:], strict=False)
    return {"url": to, "hops": tuple(Hop(status, at, location) for status, at, location in pairs)}


def after_polls(*outcomes: FetchOutcome) -> SourceState:
    current = state()
    for number, outcome in enumerate(outcomes):
        current = poll(current, outcome, now=NOW + number * HOUR)
    return current


PERMANENT = document(**hops(301, 308))


@pytest.mark.parametrize(
    ("outcomes", "url"),
    [
        ((PERMANENT,) * 2, URL),
        ((PERMANENT,) * 3, "https://new.example/feed"),
        ((PERMANENT, NotModified(**hops(301), validators=TAG), PERMANENT), "https://new.example/feed"),
        ((PERMANENT, document(), PERMANENT, PERMANENT), URL),
        ((PERMANENT, PERMANENT, document(**hops(301, to="https://third.example/"))), URL),
        ((document(**hops(301, 302)),) * 5, URL),
        ((document(**hops(302)),) * 5, URL),
        ((PERMANENT, failed(), PERMANENT, PERMANENT), "https://new.example/feed"),
    ],
)
def test_a_permanent_move_is_remembered_after_three_agreeing_polls(outcomes: tuple[FetchOutcome, ...], url: str) -> None:
    assert after_polls(*outcomes).url == url


def test_a_remembered_address_that_fails_is_given_up() -> None:
    moved = replace(after_polls(*(PERMANENT,) * 3))
    for _ in range(2):
        moved = poll(moved, failed())
    assert moved.url == "https://new.example/feed"
    assert poll(moved, failed()).url == URL


# --- silence
def test_silence_is_told_by_the_source_s_own_measure() -> None:
    hourly = tuple(NOW - hour * HOUR for hour in range(40, 0, -1))
    heard = state(arrivals=hourly, first_success=NOW - WEEK)
    assert why_silent(heard, source(), NOW + 12 * HOUR) is None
    assert "nothing new for 2d" in (why_silent(heard, source(), NOW + 47 * HOUR) or "")
    assert why_silent(heard, source(silent_after=2 * HOUR), NOW) is None
    assert "silent_after: 2h" in (why_silent(heard, source(silent_after=2 * HOUR), NOW + 2 * HOUR) or "")


def test_a_weekend_is_no_silence_for_who_never_works_on_weekends() -> None:
    workdays = [NOW - day * DAY - hour * HOUR for day in range(14) for hour in range(4) if (3 - day) % 7 < 5]
    heard = state(arrivals=tuple(sorted(workdays)[-40:]), first_success=NOW - WEEK)
    assert why_silent(heard, source(), NOW + 3 * DAY) is None
    assert why_silent(heard, source(), NOW + 7 * DAY) is not None


def test_a_source_without_a_history_is_not_silent() -> None:
    assert why_silent(state(first_success=NOW - 90 * DAY), source(), NOW) is None
    assert why_silent(state(), source(silent_after=60), NOW) is None


def test_a_laptop_that_is_back_is_not_waited_for_half_an_hour() -> None:
    after = poll(state(), failed(FaultKind.OFFLINE, None))
    assert after.due - NOW <= 1.1 * Polling().min
