"""Reads when a server wants us back: Cache-Control, Expires, Retry-After (RFC 9111 4.2, RFC 9110 10.2.3)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from aggregator.model import MAX_RETRY, Instant

WAIT_IF_ABSURD = 86_400.0
"""Seconds to wait if Retry-After asks for more than MAX_RETRY: no answer may stop a source for good."""

_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,12})\"?\s*(?=$|[,;])", re.I)
_UNCACHED = re.compile(r"(?:^|,)\s*no-(?:store|cache)\s*(?:$|[,=])", re.I)
_SECONDS = re.compile(r"\s*(\d{1,18})(?:\.\d*)?\s*\Z", re.A)


def max_age(cache_control: str | None, expires: str | None, date: str | None, age: str | None, now: Instant) -> float | None:
    """Seconds for which the answer says it is fresh, or None.

    max-age wins over Expires, which counts from the server's own Date. The Age that a cache adds is subtracted.
    """
    text = cache_control or ""
    if _UNCACHED.search(text):
        return None
    match = _MAX_AGE.search(text)
    if match:
        lifetime = float(match[1])
    else:
        until = http_date(expires)
        if until is None:
            return None
        lifetime = until - (http_date(date) or now)
    spent = _SECONDS.match(age or "")
    lifetime -= float(spent[1]) if spent else 0.0
    return lifetime if lifetime > 0 else None


def retry_after(value: str | None, date: str | None, now: Instant) -> float | None:
    """Seconds that a Retry-After asks to wait; None if there is none, it is nonsense, or in the past.

    A date counts from the server's own Date, so that its clock may differ from ours.
    """
    match = _SECONDS.match(value or "")
    if match:
        seconds = float(match[1])
    else:
        until = http_date(value)
        if until is None:
            return None
        served = http_date(date)
        seconds = until - (served if served is not None and until > served else now)
    return seconds if seconds > 0 else None


def retry_at(seconds: float | None, now: Instant) -> Instant | None:
    """The instant until which to wait. A wish beyond MAX_RETRY is taken for a mistake and becomes a day."""
    if seconds is None:
        return None
    return now + (seconds if seconds <= MAX_RETRY else WAIT_IF_ABSURD)


def http_date(value: str | None) -> Instant | None:
    """The instant of a header's date, or None if it is no date."""
    if not value or len(value) > 64:
        return None
    try:
        return parsedate_to_datetime(value.strip()).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
