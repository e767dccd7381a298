"""What servers say of their rate limits, in the forms that are in use."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from aggregator.fetch.quota import exhausted_for
from aggregator.fetch.verdict import Answer, judge
from aggregator.model import FaultKind, Fetched, FetchFailed, NotModified, Validators

NOW = 1_686_830_400.0
DAY = 86_400.0
URL = "https://news.example/feed.xml"
RSS = b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>'


def waited(*headers: tuple[str, str], served: float | None = None, refused: bool = False) -> float | None:
    dated = headers if served is None else (*headers, ("date", formatdate(served, usegmt=True)))
    return exhausted_for({name: [value] for name, value in dated}, NOW, refused)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "540")), 540),
        ((("x-ratelimit-remaining", "0.0"), ("x-ratelimit-reset", "540.5")), 540.5),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(int(NOW) + 540))), 540),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str((int(NOW) + 540) * 1000))), 540),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9"), ("x-ratelimit-reset-after", "540")), 540),
        ((("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", str(int(NOW) + 540))), 540),
        ((("x-ratelimit-remaining", "0, 60"), ("x-ratelimit-reset", "540, 9")), 540),
        ((("ratelimit-limit", "10"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "540")), 540),
        ((("ratelimit", "limit=10, remaining=0, reset=540"),), 540),
        ((("ratelimit", '"default";r=0;t=540'),), 540),
        ((("ratelimit", '"burst";r=0;t=5, "day, all";r=0;t=540, "month";r=7;t=9000'),), 540),
        ((("ratelimit", "default; r=0 ; t=540"),), 540),
        ((("ratelimit-policy", '"default";q=100;w=540'), ("ratelimit", '"default";r=0')), 540),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(5 * 86_400))), DAY),  # tried again after a day
        ((("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "540")), None),
        ((("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "540")), None),
        ((("x-ratelimit-reset", "540"),), None),
        ((("x-ratelimit-remaining", "0"),), None),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")), None),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(int(NOW) - 60))), None),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9000000")), None),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9999999999")), None),
        ((("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9" * 400)), None),
        ((("x-ratelimit-remaining", "none"), ("x-ratelimit-reset", "soon")), None),
        ((("ratelimit", '"default";r=9;t=540'),), None),
        ((("ratelimit", '"default'),), None),
        ((("ratelimit", ";;,,=;r"), ("ratelimit-policy", '"" ""')), None),
        ((("ratelimit-policy", '"default";q=100;w=540'),), None),
    ],
)
def test_a_limit_that_is_used_up_is_waited_for(headers: tuple[tuple[str, str], ...], seconds: float | None) -> None:
    assert waited(*headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("x-ratelimit-reset", "540"),), 540),
        ((("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "540")), 540),
        ((("ratelimit", '"burst";r=3;t=5, "day";r=7;t=540'),), 5),
        ((("ratelimit", '"burst";r=0;t=5, "day";r=7;t=540'),), 5),
        ((("ratelimit-policy", "100;w=540, 10;w=60"),), 60),
        ((("x-ratelimit-limit", "100"),), None),
    ],
)
def test_to_a_refused_request_a_reset_counts_whatever_is_said_to_remain(
    headers: tuple[tuple[str, str], ...], seconds: float | None
) -> None:
    assert waited(*headers, refused=True) == seconds


def test_a_unix_time_counts_from_the_server_s_own_clock() -> None:
    headers = ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(int(NOW) + 4000))
    assert waited(*headers, served=NOW + 3600) == 400


@pytest.mark.parametrize("part", ['"', '"\\', ";", ",", "a", " ", "a;", '"a";', "=", ";r=0"])
def test_nonsense_of_any_length_is_passed_over(part: str) -> None:
    waited(("ratelimit", part * 60_000), ("ratelimit-policy", part * 60_000), refused=True)


USED_UP = ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "3600")


def test_a_document_and_a_304_hold_the_host_when_nothing_is_left() -> None:
    document = judge(Answer(URL, 200, USED_UP, RSS), NOW, 300)
    unchanged = judge(Answer(URL, 304, USED_UP, asked=Validators('"v"')), NOW, 300)
    assert isinstance(document, Fetched) and isinstance(unchanged, NotModified)
    assert document.retry_at == unchanged.retry_at == NOW + 3600
    assert document.holds_host and unchanged.holds_host


def test_a_document_with_requests_left_holds_nobody() -> None:
    outcome = judge(Answer(URL, 200, (("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "3600")), RSS), NOW, 300)
    assert isinstance(outcome, Fetched) and outcome.retry_at is None and not outcome.holds_host


@pytest.mark.parametrize(
    ("status", "headers", "wait", "holds"),
    [
        (429, USED_UP, 3600, True),
        (429, (("x-ratelimit-reset", "3600"),), 3600, True),
        (429, (*USED_UP, ("retry-after", "60")), 60, True),
        (429, (("x-ratelimit-reset", "soon"),), 900, True),
        (503, USED_UP, 3600, True),
        (403, USED_UP, 3600, True),
        (404, USED_UP, 3600, True),
        (403, (("x-ratelimit-remaining", "9"), ("x-ratelimit-reset", "3600")), None, False),
    ],
)
def test_errors_wait_for_the_limit(status: int, headers: tuple[tuple[str, str], ...], wait: float | None, holds: bool) -> None:
    outcome = judge(Answer(URL, status, headers), NOW, 300)
    assert isinstance(outcome, FetchFailed)
    until = outcome.fault.retry_at
    assert (until if until is None else until - NOW, outcome.fault.holds_host) == (wait, holds)


def test_a_403_for_a_used_up_limit_does_not_speak_of_credentials() -> None:
    outcome = judge(Answer(URL, 403, USED_UP), NOW, 300)
    assert isinstance(outcome, FetchFailed)
    assert (outcome.fault.kind, outcome.fault.detail) == (FaultKind.STATUS, "403 forbidden: its rate limit is used up")


def test_a_410_is_the_end_whatever_its_limit_says() -> None:
    outcome = judge(Answer(URL, 410, USED_UP), NOW, 300)
    assert isinstance(outcome, FetchFailed) and outcome.fault.kind is FaultKind.GONE
