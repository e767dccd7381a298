"""Dates: what feeds write, and the instant they mean."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text import dates

TEN = "2026-02-03T10:00:00"

FORMS = [
    ("Tue, 03 Feb 2026 10:00:00 GMT", TEN),
    ("Tue, 03 Feb 2026 12:00:00 +0200", TEN),
    ("Tue, 3 Feb 26 10:00 Z", TEN),
    ("3 Feb 2026 05:00 EST", TEN),
    ("03-Feb-2026 10:00:00", TEN),
    ("Tue,03 Feb 2026 10:00:00 GMT", TEN),
    ("Mon, 03 Feb 2026 10:00:00 GMT", TEN),  # a Tuesday
    ("Tue, 03 Feb 2026 10:00:00 -0000", TEN),
    ("Tue, 03 Feb 2026 12:00:00 CEST", TEN),
    ("Tue, 03 Feb 2026 15:30:00 IST", TEN),
    ("Tue, 03 Feb 2026 10:00:00 +9999", TEN),  # an offset that no place has
    ("Tue, 03 Feb 2026 10:00:00 J", TEN),
    ("Tue, 03 Feb 2026 11:00:00 GMT+1", TEN),
    ("Tue, 03 Feb 2026 11:00:00 (GMT+01:00)", TEN),
    ("Tue, 03 Feb 2026 10:00:60 GMT", "2026-02-03T10:01:00"),
    ("Mon, 02 Feb 2026 24:00:00 GMT", "2026-02-03T00:00:00"),
    ("2026-02-03T10:00:00Z", TEN),
    ("2026-02-03T10:00:00.25+00:00", "2026-02-03T10:00:00.250000"),
    ("2026-02-03t10:00:00z", TEN),
    ("2026-02-03 10:00:00", TEN),
    ("2026-02-03 10:00:00 UTC", TEN),
    ("2026-02-03T11:00:00+0100", TEN),
    ("2026-02-03T10:00", TEN),
    ("2026-02-03T10:00:00 PM", "2026-02-03T22:00:00"),
    ("2026-2-3", "2026-02-03T00:00:00"),
    ("20260203T100000Z", TEN),
    ("20260203", "2026-02-03T00:00:00"),
    ("2026-W06-2", "2026-02-03T00:00:00"),
    ("2026-034", "2026-02-03T00:00:00"),
    ("2026-02", "2026-02-01T00:00:00"),
    ("1770112800", TEN),
    ("1770112800000", TEN),
    ("Tue Feb  3 10:00:00 2026", TEN),
    ("Tue Feb 03 11:00:00 CET 2026", TEN),
    ("Feb 3, 2026 10:00 AM", TEN),
    ("February 3, 2026, 5:00 am EST", TEN),
    ("Tuesday, February 3rd, 2026 at 10:00", TEN),
    ("03/02/2026 10:00", TEN),
    ("02/13/2026", "2026-02-13T00:00:00"),
    ("3.2.2026 10:00", TEN),
    ("2026/02/03 10:00:00", TEN),
    ("Di, 03 Feb 2026 11:00:00 +0100", TEN),
    ("3. Februar 2026, 10:00 Uhr", TEN),
    ("mar., 03 févr. 2026 11:00:00 +0100", TEN),  # mardi, not March
    ("mar 3 feb 2026 10:00:00 GMT", TEN),
    ("Wt, 03 lut 2026 10:00:00 GMT", TEN),
    ("3 listopada 2026 10:00", "2026-11-03T10:00:00"),
    ("вт, 03 фев 2026 13:00:00 +0300", TEN),
    ("Τρι, 03 Φεβ 2026 10:00:00 GMT", TEN),
    ("2026年2月3日 10:00", TEN),
    ("2026년 2월 3일 10시 00분", TEN),
    ("  Tue,\n 03 Feb\t2026 10:00:00   GMT ", TEN),
]

NONSENSE = [
    *(None, "", " ", "yesterday", "NaN", "Infinity", "-1", "1e308", "99999999999999999999"),
    *("Thu, 01 Jan 1970 00:00:00 GMT", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "1989-12-31"),
    *("2026-02-30T10:00:00Z", "2026-13-01", "Tue, 32 Feb 2026 10:00:00 GMT", "2026-02-03T25:00:00Z", "2026-02-03T10:61:00Z"),
    *("12026-02-03T10:00:00Z", "-2026-02-03T10:00:00Z", "2026-400", "2026-W60-1", "\u0662\u0660\u0662\u0666-02-03", "x" * 5000),
]


@pytest.mark.parametrize(("written", "meant"), FORMS)
def test_forms(written: str, meant: str) -> None:
    assert dates.parse(written) == datetime.fromisoformat(meant).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("written", NONSENSE)
def test_nonsense_is_no_date(written: str | None) -> None:
    assert dates.parse(written) is None


@given(st.one_of(st.text(max_size=120), st.text(alphabet="0123456789-:/.T +ZGMTJanFeb,년월", max_size=120)))
def test_never_raises_and_never_before_1990(text: str) -> None:
    found = dates.parse(text)
    assert found is None or found >= dates.EARLIEST


@given(st.integers(631_152_000, 253_370_764_799))
def test_both_honest_forms_of_an_instant_come_back(instant: int) -> None:
    moment = datetime.fromtimestamp(instant, UTC)
    assert dates.parse(moment.strftime("%Y-%m-%dT%H:%M:%SZ")) == instant
    assert dates.parse(moment.strftime("%a, %d %b %Y %H:%M:%S GMT")) == instant


@pytest.mark.parametrize("part", ["1", "1:", "a ", "1 a ", "(", "1/", "Feb ", "\u5e74", "1-1-", " "])
def test_long_rubbish_costs_nothing(part: str) -> None:
    started = time.process_time()
    for length in (90, 400, 100_000):
        dates.parse(part * (length // len(part)))
    assert time.process_time() - started < 0.1
