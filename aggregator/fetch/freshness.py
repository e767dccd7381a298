"""When a server says to come back: Cache-Control, Expires, Retry-After (RFC 9111 4.2, RFC 9110 10.2.3)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from aggregator.model import MAX_RETRY, Instant

DISBELIEVED = 86_400.0
"""Seconds that are waited after a longer one: no answer may stop a source for good."""

_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,12})\"?\s*(?=$|[,;])", re.I)
_UNCACHED = re.compile(r"(?:^|,)\s*no-(?:store|cache)\s*(?:$|[,=])", re.I)
_SECONDS = re.compile(r"\s*(\d{1,18})(?:\.\d*)?\s*\Z", re.A)


def max_age(cache_control: str | None, expires: str | None, date: str | None, age: str | None, now: Instant) -> float | None:
    """Seconds for which the answer is fresh by its own words, or None if it doesn't say.

    max-age wins over Expires, which counts from the server's own Date; the Age that a cache adds is taken off.
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


def wished(value: str | None, date: str | None, now: Instant) -> float | None:
    """Seconds that a Retry-After asks to wait; None for nonsense, the past, or no wish.

    A date counts from the server's own Date, so that its clock need not be ours.
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
    """The instant before which not to come back. Who asks for more than a week is not believed and waited for a day."""
    if seconds is None:
        return None
    return now + (seconds if seconds <= MAX_RETRY else DISBELIEVED)


def http_date(value: str | None) -> Instant | None:
    """A date of a header as an instant, or None if it is none."""
    if not value or len(value) > 64:
        return None
    try:
        return parsedate_to_datetime(value.strip()).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
