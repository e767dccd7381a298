"""Chooses a content coding (RFC 9110 12.5.3) and a form of a feed (12.5.1), and evaluates conditional requests (13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from functools import lru_cache

_WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*$", re.I)
_CODING = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MEDIA_TYPE = re.compile(rf"{_CODING.pattern}/{_CODING.pattern}")
HTML = "text/html"
_FEEDS = {
    "application/atom+xml": "atom",
    "application/rss+xml": "rss",
    "application/feed+json": "json",
    "application/rdf+xml": "atom",  # which only readers ask for
}
_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@lru_cache(maxsize=512)
def coding(accepted: str | None, available: tuple[str, ...]) -> str:
    """The content coding to answer in. accepted: the value of Accept-Encoding, or None.

    available: in order of preference among equal weights, with `identity`. Without a header, or if no available coding is
    acceptable, the result is `identity`, since an answer is more useful than a 406.
    """
    if accepted is None:
        return "identity"
    weights = _weights(accepted)
    anything = weights.get("*")

    def weight(name: str) -> float:
        if name in weights:
            return weights[name]
        if name == "identity":  # acceptable unless excluded by name or star (12.5.3), but least preferred
            return 0.0001 if anything is None else anything
        return anything or 0.0

    best = max(available, key=weight)
    return best if weight(best) > 0 else "identity"


@lru_cache(maxsize=512)
def form_of_feed(accepted: str | None) -> str:
    """What to answer where a feed has one address for all: "html", or a format. accepted: the value of Accept, or None.

    The page is for those alone who name HTML, want nothing more than it, and name no type of a feed as much: browsers. Readers
    name types of feeds, `text/html` with less or the same weight (Miniflux, FreshRSS), or accept anything (newsboat).
    """
    weights = _weights(accepted or "", _MEDIA_TYPE)
    feeds = {type: weights.get(type, 0.0) for type in _FEEDS}
    best = max(feeds, key=lambda type: feeds[type])
    html = weights.get(HTML, 0.0)
    if html > feeds[best] and html >= max(weights.values()):
        return "html"
    return _FEEDS[best]


def _weights(accepted: str, names: re.Pattern[str] = _CODING) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accepted[:1000].split(","):
        name, *parameters = part.split(";")
        name = name.strip().lower().removeprefix("x-")
        if names.fullmatch(name):
            found[name] = _weight(parameters)
    return found


def _weight(parameters: Sequence[str]) -> float:
    """The weight: 1 if missing, 0 if malformed."""
    for parameter in parameters:
        if parameter.strip()[:1].lower() == "q":
            matched = _WEIGHT.match(parameter)
            return float(matched[1]) if matched else 0.0
    return 1.0


def is_current(none_match: str | None, modified_since: str | None, etag: str, modified: int) -> bool:
    """Whether the client has this representation, so that it gets a 304. `If-None-Match` overrides `If-Modified-Since` (13.2.2).

    modified: seconds since the epoch. Entity tags are compared weakly (13.1.2).
    """
    if none_match is not None:
        return none_match == etag or none_match.strip() == "*" or etag in _ETAG.findall(none_match[:8000])
    since = _date(modified_since) if modified_since is not None else None
    return since is not None and modified <= since


@lru_cache(maxsize=512)
def _date(value: str) -> float | None:
    """An HTTP date as seconds since the epoch, or None if it is malformed."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
