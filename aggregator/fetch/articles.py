"""Fetches the web pages of entries: where robots.txt allows it, with the politeness of polls, one redirect at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from aggregator.fetch.guard import is_private_host, is_private_name
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import MAX_REDIRECTS, held_fault
from aggregator.fetch.request import identity
from aggregator.fetch.robots_cache import RobotsCache
from aggregator.fetch.target import Target, parse_target
from aggregator.model import Fault, FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest, Source
from aggregator.ports import Clock, Fetcher
from aggregator.settings import Settings

LARGEST = 4 << 20
"""Bytes of a page. One of so many paragraphs took 7 s to read, about what reading may take (`ARTICLE_DEADLINE`)."""
ACCEPT = ("Accept", "text/html, application/xhtml+xml, */*;q=0.1")
_PAGES = ("", "text/html", "application/xhtml+xml")
"""Media types of web pages; many servers send none."""


class ArticleAnswer(Struct, frozen=True):
    """What came of an attempt. url: the last address that was asked; page: what it said, or why it was not asked."""

    url: str
    page: Fetched | Fault


class ArticleFetcher:
    """Asks for web pages over the fetchers of the config in use. public: the one without `network.allow`."""

    def __init__(
        self, settings: Settings, fetcher: Fetcher, public: Fetcher, gate: HostGate, clock: Clock, robots: RobotsCache
    ) -> None:
        self._agent = dict(identity(settings))["User-Agent"]
        self._fetcher, self._public, self._gate, self._clock, self._robots = fetcher, public, gate, clock, robots

    async def fetch(self, source: Source, url: str, begin: Callable[[], Awaitable[None]]) -> ArticleAnswer:
        """Asks for a page once, and for where it redirects to. begin: awaited just before the page itself is asked for.

        The source's own headers and credentials in the address are not sent: an entry may link to anywhere.
        """
        asked: list[str] = []
        while True:
            target = parse_target(url)
            if isinstance(target, Fault):
                return ArticleAnswer(url, target)
            request = FetchRequest(target.url, headers=(ACCEPT,), user_agent=source.user_agent, proxy=source.proxy)
            request = replace(request, page=True, follow=False)
            fetcher = self._fetcher if _may_be_private(target, source) else self._public
            fault = _repeated(target.url, asked) or _private(target, source) or await self._refusal(request, fetcher)
            if fault is not None:
                return ArticleAnswer(target.url, fault)
            async with self._gate.turn(target.url):
                if not asked:
                    await begin()
                asked.append(target.url)
                answer = await fetcher.fetch(request, self._clock.now())
            following = _redirect_of(answer)
            if following is None:
                return ArticleAnswer(target.url, _page_of(answer))
            url = following

    async def _refusal(self, request: FetchRequest, fetcher: Fetcher) -> Fault | None:
        """Why an address may not be asked for now: its host is on hold, or robots.txt forbids it."""
        now = self._clock.now()
        if (hold := self._gate.held(request.url, now)) is not None:
            return held_fault(hold)
        return await self._robots.refusal(request, request.user_agent or self._agent, fetcher, self._gate, now)


def _repeated(url: str, asked: list[str]) -> Fault | None:
    if url in asked:
        return Fault(FaultKind.REDIRECT, "redirect loop")
    if len(asked) > MAX_REDIRECTS:
        return Fault(FaultKind.REDIRECT, f"too many redirects (more than {MAX_REDIRECTS})")
    return None


def _may_be_private(target: Target, source: Source) -> bool:
    """Whether `network.allow` counts for an article: on the source's own server, or if that is of a private network itself.

    Else any feed could have us ask for any address of the network that one source lives in. By HTTPS a server is known by its
    certificate; a name alone may be pointed at another machine of that network as soon as the feed was read (DNS rebinding).
    """
    home = parse_target(source.url)
    if isinstance(home, Fault):
        return False
    is_own = home.host == target.host and (home.origin == target.origin or target.scheme == "https")
    return is_own or is_private_host(home.host)


def _private(target: Target, source: Source) -> Fault | None:
    """Refuses names of private networks behind a proxy, which resolves them: there is no address to check."""
    if source.proxy is None or _may_be_private(target, source) or not is_private_name(target.host):
        return None
    return Fault(FaultKind.ADDRESS, f"{target.host} is a name of a private network: not allowed")


def _redirect_of(answer: FetchOutcome) -> str | None:
    """Where an answer leads; None if it is no redirect, or one that may not be followed."""
    if isinstance(answer, FetchFailed) and answer.fault.kind is FaultKind.REDIRECT and answer.hops:
        return answer.url if answer.url == answer.hops[-1].location else None
    return None


def _page_of(answer: FetchOutcome) -> Fetched | Fault:
    if not isinstance(answer, Fetched):
        return answer.fault if isinstance(answer, FetchFailed) else Fault(FaultKind.UNASKED_304, "304 not modified", 304)
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    if kind not in _PAGES:
        return Fault(FaultKind.NOT_A_PAGE, "no web page, by its media type", answer.status)
    if len(answer.body) > LARGEST:
        return Fault(FaultKind.TOO_LARGE, f"a page of more than {LARGEST >> 20} MiB", answer.status)
    return answer
