"""Dates in queries: `date:2023-06-15`, `date:2023-06`, `date:2023-06-14..2023-06-16`, `before:` and `after:`.

`after:` begins with its day and `before:` ends before its own, as in mail (RFC 8621 section 4.4.1: "the same or after", "before";
Gmail reads them so, too): so `after:2023-06 before:2023-07` is June, and the one is the opposite of the other.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta

from aggregator.errors import QueryError
from aggregator.model import Instant
from aggregator.tag.nodes import Dated
from aggregator.text.times import zone

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Others are slips: no entry is so old, and none so far ahead."""

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?")
_YEAR_LAST = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}")
_RELATIVE = re.compile(r"today|yesterday|now|(?:last|this|past).*|[+-]?\d{1,4}[a-z]+|p\d.*", re.IGNORECASE)


def dated(field: str, kind: str, text: str, whole: str, start: int, offset: int, timezone: str) -> Dated:
    """A term of date:, before: or after:. start, offset: of the term and of its value; kind: of the value's token."""
    if kind == "REGEX":
        raise QueryError(f"{field}: takes no regular expression, but a day, month or year: {field}:2023-06-15", offset)
    value, at = (text[1:-1], offset + 1) if kind == "PHRASE" else (text, offset)
    if ".." in value and field != "date":
        raise QueryError(f"{field}: takes one day, month or year; a range is date:{value}", at)
    first, behind = _range(value.split("..", 1), at) if ".." in value else _span(value, field, at)
    since, until = _begins(first, timezone, -math.inf), _begins(behind, timezone, math.inf)
    match field:
        case "before":
            return Dated(-math.inf, since, timezone, whole, start)
        case "after":
            return Dated(since, math.inf, timezone, whole, start)
        case _:
            return Dated(since, until, timezone, whole, start)


def day_of(instant: Instant, timezone: str) -> str:
    """The local day of an instant, as queries write it."""
    return f"{datetime.fromtimestamp(instant, zone(timezone)):%Y-%m-%d}"


def _begins(day: date | None, timezone: str, otherwise: Instant) -> Instant:
    """The first instant of a day. Where the clock skips midnight, or shows it twice, that is the first one of that day."""
    return otherwise if day is None else datetime(day.year, day.month, day.day, tzinfo=zone(timezone)).timestamp()


def _range(ends: list[str], at: int) -> tuple[date | None, date | None]:
    """Both ends are inside; one of them may be left open."""
    place = at + len(ends[0]) + len("..")
    if ends == ["", ""]:
        raise QueryError("a range needs a day, month or year at one end: date:2023-06-14..2023-06-16", at)
    first = _span(ends[0], "date", at)[0] if ends[0] else None
    begins, behind = _span(ends[1], "date", place) if ends[1] else (None, None)
    if first is not None and begins is not None and behind is not None and behind <= first:
        raise QueryError(f"this range ends before it begins: write date:{ends[1]}..{ends[0]}", at)
    return first, behind


def _span(text: str, field: str, at: int) -> tuple[date, date]:
    """The first day of a day, month or year, and the day after its last."""
    found = _DATE.fullmatch(text)
    if found is None or not text.isascii():
        raise QueryError(_meant(text, field), at)
    year, month, day = (int(part) if part else None for part in found.groups())
    if year is None or not FIRST_YEAR <= year <= LAST_YEAR:
        raise QueryError(f"the year {found[1]} is not between {FIRST_YEAR} and {LAST_YEAR}", at)
    if month is None:
        return date(year, 1, 1), date(year + 1, 1, 1)
    if not 1 <= month <= 12:
        raise QueryError(f"there is no month {found[2]}", at + found.start(2))
    first, behind = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
    if day is None:
        return first, behind
    days = (behind - first).days
    if not 1 <= day <= days:
        raise QueryError(f"there is no {text}: {first:%B %Y} has {days} days", at + found.start(3))
    return first.replace(day=day), first + timedelta(days=day)


def _meant(text: str, field: str) -> str:
    """What is wrong with a text that is no date, and what was meant, if that is likely."""
    example = f"{field}:2023-06-15, {field}:2023-06 or {field}:2023"
    if not text.strip():
        return f"{field}: needs a day, month or year: {example}"
    if _RELATIVE.fullmatch(text):
        return f"{text} moves on from day to day, and a date does not: write age<2d, or a day such as {field}:2023-06-15"
    if found := _YEAR_FIRST.fullmatch(text):
        return f"{text} is no date; did you mean {'-'.join(part.zfill(2) for part in found.groups() if part)}?"
    if _YEAR_LAST.fullmatch(text):
        return f"{text} is no date: the year stands first, as in {field}:2023-06-15"
    if _DATE.match(text) and (separator := text.find("/")) > 0:
        return f"a range has two dots: date:{text[:separator]}..{text[separator + 1 :]}"
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[Tt ].*", text):
        return f"{text} has a time of day: {field}: takes whole days, {field}:{text[:10]}"
    return f"{text} is no date: write {example}"
