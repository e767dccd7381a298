"""Finds the feeds of an address that a person gave, for `aggregator add`: by rule, by what its page names, by guessing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from aggregator.fetch.address_rules import Pasted, without_feeds
from aggregator.model import Fault, FaultKind, Source, SourceId
from aggregator.run.probe import Prober, ProbeResult

COMMON_PATHS = ("/feed", "/rss.xml", "/atom.xml", "/feed.xml", "/rss", "/index.xml", "/feed.json")
"""Where sites that name no feed often have one, the most usual first (WordPress, site generators, Ghost). Each is a request."""
_PAGE = frozenset({FaultKind.HTML, FaultKind.NOT_A_FEED})
"""Faults that mean that the site answers, though not with a feed."""
_ENDS_GUESSING = frozenset(
    {FaultKind.OFFLINE, FaultKind.DNS, FaultKind.CONNECT, FaultKind.TLS, FaultKind.TIMEOUT, FaultKind.HELD, FaultKind.CHALLENGE}
)
"""Faults after which another path of the same host would fail likewise."""


class Finding(Struct, frozen=True):
    """What was found. results: feeds, and what could not be read; offered: all were named by a page; words: how it was found."""

    results: tuple[ProbeResult, ...]
    offered: bool = False
    words: str | None = None

    @property
    def has_feed(self) -> bool:
        return any(one.feed is not None for one in self.results)


async def find_feeds(pasted: Pasted, prober: Prober) -> Finding:
    """Tries the rule's feeds, the address itself, the feeds that its page names, and common paths, until there is a feed."""
    by_rule = await _by_rule(pasted, prober)
    if by_rule.has_feed:
        return by_rule
    tried = {one.source.url: one for one in by_rule.results}
    first = tried.get(pasted.url) or await prober.probe(_source(pasted.url))
    offered = await _offers_of(first, prober)
    if offered.has_feed or first.feed is not None:
        return offered
    missed = (*by_rule.results, *(() if first in by_rule.results else (first,)), *(offered.results if offered.offered else ()))
    if first.fault is None or first.fault.kind not in _PAGE or without_feeds(first.url):
        return Finding(missed, words=_about(pasted.url))
    guessed = await _guess(first.url, prober)
    return guessed if guessed.has_feed else Finding(missed, words=guessed.words)


async def _by_rule(pasted: Pasted, prober: Prober) -> Finding:
    """The first feed with entries of those that the rule proposes, else the first feed."""
    if pasted.guess is None:
        return Finding(())
    words, results = f"{pasted.guess.words} → its feed", []
    async for result in _ask(pasted.guess.feeds, prober):
        if result.feed is not None and result.feed.entries:
            return Finding((result,), words=words)
        results.append(result)
    if empty := [one for one in results if one.feed is not None]:
        return Finding((empty[0],), words=words)
    async for result in _ask(pasted.guess.lookups, prober):
        if result.feed is not None:
            return Finding((result,), words=words)
        named = await _offers_of(result, prober)
        if named.has_feed:
            return Finding(named.results[:1], words=f"{pasted.guess.words}, looked up → its feed")
        results.append(result)
    return Finding(tuple(results))


async def _offers_of(first: ProbeResult, prober: Prober) -> Finding:
    """The document itself if it is a feed or names none, else all that it names."""
    named = first.fault.feeds if first.fault else ()
    if not named:
        return Finding((first,))
    return Finding(tuple(await prober.probe_all([_source(one) for one in named], lambda _: None)), offered=True)


async def _guess(page: str, prober: Prober) -> Finding:
    """Tries common paths, then the news sitemaps of robots.txt: one request after the other, until there is a feed."""
    host = urlsplit(page).hostname
    paths = [urljoin(page, path) for path in COMMON_PATHS]
    if urlsplit(page).path.strip("/"):
        paths.insert(0, page.partition("?")[0].partition("#")[0].rstrip("/") + "/feed")
    async for result in _ask(paths, prober):
        if result.feed is not None:
            return Finding((result,), words=f"the page names no feed; there is one at {urlsplit(result.url).path}")
        if result.fault is not None and _ends_guessing(result.fault):
            return Finding((), words=f"the page names no feed, and {host} answers no further guesses")
    robots = await prober.probe(_source(urljoin(page, "/robots.txt")))
    sitemaps = await _offers_of(robots, prober)
    if sitemaps.has_feed:
        good = tuple(one for one in sitemaps.results if one.feed is not None)
        return Finding(good, offered=True, words="the page names no feed; robots.txt names a news sitemap")
    return Finding((), words=f"the page names no feed, and none is at {', '.join(COMMON_PATHS)}")


def _ends_guessing(fault: Fault) -> bool:
    """True if the server has enough, or another path of it would fail likewise."""
    return fault.kind in _ENDS_GUESSING or fault.retry_at is not None or (fault.status or 0) >= 500


async def _ask(urls: Iterable[str], prober: Prober) -> AsyncIterator[ProbeResult]:
    """One after the other: the next one is only asked if the caller still wants it."""
    for url in urls:
        yield await prober.probe(_source(url))


def _about(url: str) -> str | None:
    site = without_feeds(url)
    return f"{site} offers no feeds" if site else None


def _source(url: str) -> Source:
    return Source(SourceId("new"), url)
