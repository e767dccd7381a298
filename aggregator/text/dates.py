"""Parses dates of feeds: RFC 822, RFC 3339, and the many wrong forms that feeds use.

Every pattern is anchored or bounded and input is at most MAX_LENGTH characters, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from aggregator.text.months import MONTHS
from aggregator.text.zones import offset_of

MAX_LENGTH = 100
"""Characters. The longest honest date (long names of month and zone) has about 50."""

EARLIEST = 631_152_000.0
"""1990-01-01. No feed is older; an earlier date is a default value (1970, 1904, year 1)."""

_LAST_YEAR = 9998

_RFC3339 = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?)?\s*(\S.*)?", re.A | re.I
)
_RFC822 = re.compile(
    r"(?:[^\W\d]{2,14}\.?,?\s+)?(\d{1,2})[\s-]([^\W\d]{3,12})[\s-](\d{4}|\d{2})"
    r"(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s*(.*))?"
)
_CLOCK = re.compile(r"(?<![\d:.])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(?![\d:])\s*(.*)")
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2})(\d{2})(\d{2})?(?:\.\d{1,9})?)?\s*(\D.*)?", re.A)
_EPOCH = re.compile(r"(\d{9,10}|\d{12,13})(?:\.\d{1,9})?", re.A)
_WEEK = re.compile(r"(\d{4})-?W(\d{2})(?:-?([1-7]))?", re.A)
_ORDINAL = re.compile(r"(\d{4})-(\d{3})(?:[T ](.*))?", re.A)
_MONTH_ONLY = re.compile(r"(\d{4})(?:-(\d{2}))?", re.A)
_NUMERIC = re.compile(r"(?<![\d-])(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4})(?!\d)[,T]?", re.A)
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_CJK_CLOCK = re.compile(r"(\d{1,2})\s*[時时시點点]\s*(\d{1,2})\s*[分분](?:\s*(\d{1,2})\s*[秒초])?")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")
_AFTERNOON = re.compile(r"\s*([ap])\.?m\.?(?![a-z])", re.I)


def parse(text: str | None) -> float | None:
    """The instant of a date, or None if it is no date or before 1990. Never raises.

    Without a zone, or with an impossible one, it is UTC; without a time it is midnight. 24:00 is midnight of the next day, a
    leap second the next second. Two-digit years are 1990 to 2089. A wrong day of the week is ignored.
    """
    if not text or len(text) > 4 * MAX_LENGTH:
        return None
    return _parse(text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> float | None:
    line = " ".join(text.split())
    if not 4 <= len(line) <= MAX_LENGTH:
        return None
    for reader in _READERS:
        try:
            instant = reader(line)
        except (ValueError, OverflowError):
            return None
        if instant is not None:
            return instant if instant >= EARLIEST else None
    return None


def _instant(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, zone: str | None = None) -> float:
    """Raises ValueError for a day or time that doesn't exist."""
    if not 1 <= year <= _LAST_YEAR:
        raise ValueError(year)
    later = 0
    if hour == 24 and minute == 0 and second == 0:
        hour, later = 0, 86_400
    if second == 60:
        second, later = 59, later + 1
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return moment.timestamp() + later - offset_of(zone)


def _year(digits: str) -> int:
    """Two digits as in RFC 2822 4.3, but from 1990 on: no feed is older."""
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (2000 if year < 90 else 1900)


def _of_clock(rest: str) -> tuple[int, int, int, str | None]:
    """Hour, minute, second and zone of the text after a day; midnight if it has no time."""
    found = _CLOCK.search(rest)
    if found is None:
        return 0, 0, 0, None
    hour, minute, second, zone = int(found[1]), int(found[2]), int(found[3] or 0), found[4]
    half = _AFTERNOON.match(zone)
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half[1] in "pP" else 0)
        zone = zone[half.end() :]
    return hour, minute, second, zone.strip()


def _rfc3339(line: str) -> float | None:
    found = _RFC3339.fullmatch(line)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if hour is None:
        return _instant(int(year), int(month), int(day), *(_of_clock(zone or "")))
    half = _AFTERNOON.match(zone) if zone else None
    if half:
        return _instant(int(year), int(month), int(day), *_of_clock(line[found.start(4) :]))
    part = float(f"0.{fraction}") if fraction else 0.0
    return _instant(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), zone) + part


def _rfc822(line: str) -> float | None:
    found = _RFC822.fullmatch(line)
    if found is None:
        return None
    day, name, year, hour, minute, second, zone = found.groups()
    month = MONTHS.get(name.casefold().rstrip("."))
    if month is None or (zone and _AFTERNOON.match(zone)):
        return None
    return _instant(_year(year), month, int(day), int(hour or 0), int(minute or 0), int(second or 0), zone)


def _epoch(line: str) -> float | None:
    found = _EPOCH.fullmatch(line)
    if found is None:
        return None
    value = float(line)
    return value / 1000 if len(found[1]) >= 12 else value


def _basic(line: str) -> float | None:
    """ISO 8601 without separators: 20260203T100000Z."""
    found = _BASIC.fullmatch(line)
    if found is None:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    return _instant(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), zone)


def _week(line: str) -> float | None:
    found = _WEEK.fullmatch(line)
    if found is None:
        return None
    day = date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1))
    return _instant(day.year, day.month, day.day)


def _ordinal(line: str) -> float | None:
    found = _ORDINAL.fullmatch(line)
    if found is None:
        return None
    day = date(int(found[1]), 1, 1) + timedelta(days=int(found[2]) - 1)
    if day.year != int(found[1]):
        raise ValueError(line)
    return _instant(day.year, day.month, day.day, *_of_clock(found[3] or ""))


def _month_only(line: str) -> float | None:
    found = _MONTH_ONLY.fullmatch(line)
    return _instant(int(found[1]), int(found[2] or 1), 1) if found else None


def _numeric(line: str) -> float | None:
    """03/02/2026, 3.2.26, 2026/02/03. Day first, unless only month first is possible (02/13/2026)."""
    found = _NUMERIC.search(line)
    if found is None or _WORD.search(line[: found.start()].split(" ")[-1]):
        return None
    first, second, third = found.groups()
    if len(first) == 4:
        year, month, day = int(first), int(second), int(third)
    elif len(third) in (2, 4) and len(first) <= 2:
        year, month, day = _year(third), int(second), int(first)
        if month > 12 >= day:
            month, day = day, month
    else:
        return None
    return _instant(year, month, day, *_of_clock(line[found.end() :]))


def _cjk(line: str) -> float | None:
    found = _CJK.search(line)
    if found is None:
        return None
    rest = line[found.end() :]
    clock = _CJK_CLOCK.search(rest)
    if clock is None:
        return _instant(int(found[1]), int(found[2]), int(found[3]), *_of_clock(rest))
    hour = int(clock[1]) + (12 if ("下午" in rest or "午後" in rest or "오후" in rest) and int(clock[1]) < 12 else 0)
    return _instant(int(found[1]), int(found[2]), int(found[3]), hour, int(clock[2]), int(clock[3] or 0))


def _by_words(line: str) -> float | None:
    """A month's name in any known language, with a day and a year, and perhaps a time anywhere."""
    clock = _CLOCK.search(line)
    head = line if clock is None else line[: clock.start()] + " " + line[clock.end(2) :]
    months = [MONTHS[word] for word in map(str.casefold, _WORD.findall(head)) if word in MONTHS]
    if not months:
        return None
    month = months[-1]  # the last one: `mar.` is March, but also mardi, which comes first
    plain = head if clock is None else line[: clock.start()]
    numbers = _NUMBER.findall(plain)
    if clock is not None and len(numbers) < 2:  # asctime: the year is last
        zone = clock[4] or ""
        numbers += _NUMBER.findall(zone)[-1:]
        return _of_parts(numbers, month, clock, re.sub(r"\s*\b\d{4}\s*$", "", zone))
    return _of_parts(numbers, month, clock, None if clock is None else clock[4])


def _of_parts(numbers: list[str], month: int, clock: re.Match[str] | None, zone: str | None) -> float | None:
    years = [n for n in numbers if len(n) == 4] or numbers[1:2]
    if not years or len(numbers) < 2:
        return None
    rest = list(numbers)
    rest.remove(years[0])
    if clock is None:
        return _instant(_year(years[0]), month, int(rest[0]))
    hour, minute, second, _ = _of_clock(clock.group())
    half = _AFTERNOON.match(zone or "")
    return _instant(_year(years[0]), month, int(rest[0]), hour, minute, second, (zone or "")[half.end() if half else 0 :].strip())


_READERS: tuple[Callable[[str], float | None], ...] = (
    _rfc822,
    _rfc3339,
    _epoch,
    _basic,
    _week,
    _ordinal,
    _month_only,
    _numeric,
    _cjk,
    _by_words,
)
