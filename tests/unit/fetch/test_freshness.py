"""When a server says to come back."""

from __future__ import annotations

import pytest

from aggregator.fetch.freshness import http_date, max_age, retry_after, retry_at

NOW = 1_686_830_400.0  # Thu, 15 Jun 2023 12:00:00 GMT
NOON, TWO = "Thu, 15 Jun 2023 12:00:00 GMT", "Thu, 15 Jun 2023 14:00:00 GMT"
DAY = 86_400.0


@pytest.mark.parametrize(
    ("cache_control", "expires", "date", "age", "seconds"),
    [
        ("max-age=7200", None, None, None, 7200),
        ("public, max-age=7200", TWO, None, None, 7200),
        ('Private, MAX-AGE="7200"', None, None, None, 7200),
        ("max-age=7200", None, None, "1200", 6000),
        ("max-age=60", None, None, "1200", None),
        ("s-maxage=600", None, None, None, None),
        ("max-age=lots", None, None, None, None),
        ("max-age=-5", None, None, None, None),
        ("no-store, max-age=600", None, None, None, None),
        ("no-cache", TWO, NOON, None, None),
        (None, TWO, None, None, 7200),
        (None, TWO, "Thu, 15 Jun 2023 13:00:00 GMT", None, 3600),
        (None, "0", NOON, None, None),
        (None, "Thu, 01 Jan 1970 00:00:00 GMT", NOON, None, None),
        ("max-age=" + "9" * 500, None, None, None, None),
        (None, None, None, None, None),
    ],
)
def test_freshness(
    cache_control: str | None, expires: str | None, date: str | None, age: str | None, seconds: float | None
) -> None:
    assert max_age(cache_control, expires, date, age, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "date", "wait"),
    [
        ("3600", None, 3600),
        (" 15 ", None, 15),
        ("1.5", None, 1),
        ("0", None, None),
        ("-5", None, None),
        ("soon, we hope", None, None),
        (str(7 * 86_400), None, 7 * DAY),
        (str(8 * 86_400), None, DAY),
        (str(10**17), None, DAY),
        ("9" * 400, None, None),
        (TWO, None, 7200),
        (TWO, "Thu, 15 Jun 2023 13:00:00 GMT", 3600),
        ("Wed, 14 Jun 2023 12:00:00 GMT", None, None),
        ("Fri, 15 Jun 2096 12:00:00 GMT", None, DAY),
        (None, None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_not_believed_beyond_a_week(
    value: str | None, date: str | None, wait: float | None
) -> None:
    at = retry_at(retry_after(value, date, NOW), NOW)
    assert (None if at is None else at - NOW) == wait


@pytest.mark.parametrize("text", ["", "x" * 100, "Thu, 99 Jun 2023 12:00:00 GMT", "Thu, 15 Jun 99999 12:00:00 GMT", "15"])
def test_nonsense_is_no_date(text: str) -> None:
    assert http_date(text) is None
