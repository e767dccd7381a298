"""Reads what a server says of its rate limit: how long nothing is left of it.

Three families are in use: `X-RateLimit-Remaining` with `X-RateLimit-Reset`, in seconds or as a Unix time; the same names without
`X-` (draft-ietf-httpapi-ratelimit-headers-03, seconds); and one `RateLimit` field, `limit=9, remaining=0, reset=50` (-07) or a
list of `"policy";r=0;t=50` (-08 and later), with windows in `RateLimit-Policy` (`"policy";q=9;w=60`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from aggregator.fetch.freshness import http_date
from aggregator.model import MAX_RETRY, Instant

LONGEST = 86_400.0
"""Seconds that a rate limit is waited for at most. A quota of a month is not for feeds."""
_UNIX_TIME = 1e9
"""Numbers from here on are Unix times (September 2001): nobody asks for 30 years."""
_MILLISECONDS = 1e12
"""Numbers from here on are Unix times in milliseconds."""

_PREFIXES = ("x-ratelimit", "x-rate-limit", "ratelimit")
_SUFFIXES = ("-remaining", "-reset-after", "-reset")
HEADERS = frozenset({"ratelimit", "ratelimit-policy"} | {prefix + suffix for prefix in _PREFIXES for suffix in _SUFFIXES})
"""The headers of the three families."""

_NUMBER = re.compile(r"\s*(\d{1,15}(?:\.\d*)?)\s*(?:[,;]|\Z)", re.A)
"""A number, or the first one of a list."""
_MEMBER = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^",])++')
"""A member of a list, up to the next comma outside quotes."""
_PARAMETERS = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^";])++')
_MOST_READ = 2_000
"""Characters of a header that are read."""

Header = Callable[[str], str | None]
"""The value of a header, by its name in lower case."""


class Quota(Struct, frozen=True):
    """One limit. remaining: requests that are left, None if not told; seconds: until it is full again, None if not told."""

    remaining: float | None = None
    seconds: float | None = None


def exhausted_for(headers: Mapping[str, Sequence[str]], now: Instant, refused: bool) -> float | None:
    """Seconds until something is left again, or None if something is left or nothing (sensible) is said.

    headers: of the answer, the values of each by its name in lower case; times count from the server's own Date. refused: the
    request was refused for being one too many. Then what is told counts even if it leaves open that nothing remains.
    """
    told = {name: ", ".join(headers[name]) for name in HEADERS & headers.keys()}
    if not told:  # as in most answers
        return None
    served = http_date(headers["date"][0]) if "date" in headers else None
    quotas = list(_quotas(told.get, served if served is not None else now))
    used_up = [quota.seconds for quota in quotas if quota.remaining == 0 and quota.seconds]
    if used_up:
        return min(max(used_up), LONGEST)
    others = [quota.seconds for quota in quotas if quota.seconds] if refused else []
    return min(*others, LONGEST) if others else None


def _quotas(header: Header, served: Instant) -> Iterator[Quota]:
    for prefix in _PREFIXES:
        remaining, reset = _number(header(f"{prefix}-remaining")), header(f"{prefix}-reset-after") or header(f"{prefix}-reset")
        if remaining is not None or reset is not None:
            yield Quota(remaining, _wait(_number(reset), served))
    windows = {name: _wait(_number(given.get("w")), served) for name, given in _members(header("ratelimit-policy"))}
    limits = list(_members(header("ratelimit")))
    plain = {name: value[""] for name, value in limits if "" in value}
    if "remaining" in plain or "reset" in plain:
        yield Quota(_number(plain.get("remaining")), _wait(_number(plain.get("reset")), served))
    for name, given in limits:
        if "r" in given or "t" in given:
            yield Quota(_number(given.get("r")), _wait(_number(given.get("t")), served) or windows.get(name))
    if not limits:
        yield from (Quota(None, window) for window in windows.values())


def _members(value: str | None) -> Iterator[tuple[str, dict[str, str]]]:
    """(name, parameters) of each member of a list or dictionary (RFC 9651). A dictionary's own value is parameter ""."""
    for member in _MEMBER.findall((value or "")[:_MOST_READ]):
        head, *parts = _PARAMETERS.findall(member) or [""]
        name, equals, given = head.partition("=")
        parameters = {"": given.strip()} if equals else {}
        for part in parts:
            key, _, given = part.partition("=")
            parameters[key.strip().lower()] = given.strip()
        yield name.strip().strip('"').lower(), parameters


def _number(value: str | None) -> float | None:
    found = _NUMBER.match(value or "")
    return float(found[1]) if found else None


def _wait(value: float | None, served: Instant) -> float | None:
    """Seconds of a number that is either seconds or a Unix time; None if it is past, or too far away to be meant."""
    if value is None:
        return None
    if value >= _MILLISECONDS:
        value /= 1000
    seconds = value - served if value >= _UNIX_TIME else value
    return seconds if 0 < seconds <= MAX_RETRY else None
