"""Who published an entry: the outlet, which is not always the feed. Nine section feeds of one publisher are one outlet. Pure."""

from __future__ import annotations

from aggregator.model import Entry, Source
from aggregator.text.urls import registrable_domain
from aggregator.text.words import fold

_WRAPPERS = frozenset(
    [
        "feedproxy.google.com",
        "feeds.feedburner.com",
        "news.google.com",
        "t.co",
        "bit.ly",
        "feedsportal.com",
        "lnkd.in",
        "buff.ly",
        "trib.al",
    ]
)
"""Hosts that only forward to an article: they are nobody's outlet."""


def outlet_of(entry: Entry, source: Source, home: str | None) -> tuple[str, str]:
    """(name as shown, key that outlets are counted by) of who published an entry, which is not always the feed."""
    if source.outlet:
        return source.outlet, fold(source.outlet)
    if source.aggregator and entry.origin is not None:
        domain = registrable_domain(entry.origin.url) if entry.origin.url else ""
        name = (entry.origin.title or "").strip()
        if name or domain:
            return name or domain, domain or fold(name)
    domain = registrable_domain(entry.url) if entry.url else ""
    if not domain or _is_wrapped(entry.url or "", domain):
        domain = registrable_domain(home or source.url) or registrable_domain(source.url) or source.id
    return domain, domain


def _is_wrapped(url: str, domain: str) -> bool:
    return domain in _WRAPPERS or url.split("//", 1)[-1].split("/", 1)[0].lower() in _WRAPPERS
