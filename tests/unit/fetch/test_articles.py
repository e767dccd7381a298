"""Articles are asked for where anybody may be asked: a stranger's feed chooses their addresses."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest
from msgspec.structs import replace

from aggregator.fetch.articles import ArticleAnswer, ArticleFetcher
from aggregator.fetch.hosts import HostGate
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.robots_cache import MEMORY, RobotsCache
from aggregator.model import Fault, Fetched, FetchFailed, FetchOutcome, FetchRequest, Hop, Instant, Source, SourceId
from aggregator.model.fetched import FaultKind
from aggregator.ports import BodyMemory
from aggregator.run.clock import SystemClock
from aggregator.settings import Network, Settings
from tests.articles.site import Served, Site, html
from tests.unit.chain.newsroom import HandClock


class Web:
    """Answers each address with a page, or with a redirect."""

    def __init__(self) -> None:
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.requests: list[FetchRequest] = []

    async def fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory | None = None) -> FetchOutcome:
        self.asked.append(request.url)
        self.requests.append(request)
        if request.url.endswith("/robots.txt"):
            return FetchFailed(Fault(FaultKind.STATUS, "404 not found", 404), (), request.url)
        if (to := self.redirects.get(request.url)) is not None:
            return FetchFailed(Fault(FaultKind.REDIRECT, "a redirect", 302), (Hop(302, request.url, to),), to)
        return Fetched(request.url, 200, (("content-type", "text/html"),), b"<p>A page.</p>")

    async def aclose(self) -> None:
        """Nothing is open."""


def fetch(source: Source, url: str, within: Web, public: Web, settings: Settings) -> tuple[ArticleAnswer, int]:
    begun: list[str] = []

    async def begin() -> None:
        begun.append(url)

    async def work() -> ArticleAnswer:
        return await ArticleFetcher(settings, within, public, HostGate(settings), HandClock(), RobotsCache()).fetch(
            source, url, begin
        )

    return asyncio.run(work()), len(begun)


def source(url: str, proxy: str | None = None) -> Source:
    return Source(SourceId("one"), url, proxy=proxy)


SETTINGS = Settings(Path("feeds.yaml"), ())
PUBLIC, PRIVATE = "https://news.example/feed", "http://192.168.1.7/feed"


@pytest.mark.parametrize(
    ("feed", "article", "is_within"),
    [
        (PUBLIC, "https://news.example/a", True),
        (PUBLIC, "https://www.news.example/a", False),
        # a name may be another machine by now: only its certificate, or the server that the config names, is the source's own
        (PUBLIC, "http://news.example/a", False),
        ("http://news.example/feed", "http://news.example:8080/a", False),
        ("http://news.example/feed", "http://news.example/a", True),
        ("http://news.example/feed", "https://news.example/a", True),
        (PUBLIC, "http://192.168.1.1/reboot", False),
        (PUBLIC, "http://router.lan/reboot", False),
        (PRIVATE, "http://192.168.1.7/a", True),
        (PRIVATE, "http://192.168.1.9/a", True),
        ("http://wiki.lan/feed", "http://files.lan/a", True),
    ],
)
def test_allowed_ranges_count_for_articles_of_sources_that_live_there(feed: str, article: str, is_within: bool) -> None:
    within, public = Web(), Web()
    fetch(source(feed), article, within, public, SETTINGS)
    assert (article in within.asked, article in public.asked) == (is_within, not is_within)
    assert all(url.endswith("/robots.txt") == (url != article) for url in within.asked + public.asked)


def test_a_redirect_from_the_source_s_own_host_is_a_stranger_s_choice_too() -> None:
    within, public = Web(), Web()
    within.redirects["https://news.example/a"] = "http://192.168.1.1/reboot"
    answer, begun = fetch(source(PUBLIC), "https://news.example/a", within, public, SETTINGS)
    assert "http://192.168.1.1/reboot" not in within.asked and begun == 1
    assert answer.url == "http://192.168.1.1/reboot"


def test_names_of_private_networks_are_not_given_to_a_proxy() -> None:
    web = Web()
    answer, begun = fetch(source(PUBLIC, "http://proxy.example:3128"), "http://router.lan/reboot", web, web, SETTINGS)
    assert isinstance(answer.page, Fault) and answer.page.kind is FaultKind.ADDRESS
    assert web.asked == [] and begun == 0


def test_redirects_end() -> None:
    web = Web()
    web.redirects = {f"https://news.example/{at}": f"https://news.example/{at + 1}" for at in range(50)}
    answer, begun = fetch(source(PUBLIC), "https://news.example/0", web, web, SETTINGS)
    assert isinstance(answer.page, Fault) and "too many redirects" in answer.page.detail
    assert len(web.asked) < 10 and begun == 1


def test_a_page_is_asked_for_as_one() -> None:
    web = Web()
    answer, _ = fetch(source(PUBLIC), "https://user:secret@news.example/a#part", web, web, SETTINGS)
    assert isinstance(answer.page, Fetched) and web.asked == ["https://news.example/robots.txt", "https://news.example/a"]
    assert dict(web.requests[1].headers)["Accept"].startswith("text/html")


@pytest.mark.parametrize(
    ("robots", "asked"),
    [
        (Served(b"", 404), 1),
        (Served(b"", 403), 1),
        (Served(b""), 1),
        (Served(b"", 500), 0),
        (Served(b"", 503), 0),
        (Served(b"", 429), 0),
        (Served(b"User-agent: Newsdesk\nDisallow: /\n\nUser-agent: *\nAllow: /\n"), 0),
        (Served(b"User-agent: Other\nDisallow: /\n"), 1),
        (Served(b"<html><body>Our home page</body></html>", headers={"Content-Type": "text/html"}), 1),
    ],
)
def test_what_a_site_says_by_its_robots_txt(robots: Served, asked: int) -> None:
    """RFC 9309 2.3.1. Over real HTTP; read once for all articles of the site."""
    settings = replace(SETTINGS, network=Network(allow=("127.0.0.0/8",), user_agent="Newsdesk/1.0"))

    async def work(site: Site) -> None:
        gate, cache = HostGate(settings), RobotsCache()
        fetcher = HttpFetcher(settings, gate)
        articles = ArticleFetcher(settings, fetcher, fetcher, gate, SystemClock(), cache)
        for path in ("/a", "/b"):
            answer = await articles.fetch(source(f"{site.url}/feed"), site.url + path, nothing)
            assert isinstance(answer.page, Fetched) is bool(asked)
        await fetcher.aclose()

    async def nothing() -> None:
        """Nothing is stored here."""

    with Site() as site:
        site.pages |= {"/robots.txt": robots, "/a": html("<p>A.</p>"), "/b": html("<p>B.</p>")}
        asyncio.run(work(site))
        assert [site.asked(path) for path in ("/a", "/b")] == [asked, asked]
        assert site.asked("/robots.txt") == (2 if robots.status == 429 else 1)


class Sites(Web):
    """Each site has a robots.txt of hundreds of kilobytes: articles, and where they redirect to, choose their number."""

    def __init__(self, robots: bytes) -> None:
        super().__init__()
        self.robots = robots

    async def fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory | None = None) -> FetchOutcome:
        if request.url.endswith("/robots.txt"):
            self.asked.append(request.url)
            return Fetched(request.url, 200, (("content-type", "text/plain"),), self.robots)
        return await super().fetch(request, now, memory)


def test_the_rules_of_many_sites_take_bounded_memory() -> None:
    """Ten megabytes each, as there are a hundred thousand parts between wildcards."""
    web = Sites(b"User-agent: *\nDisallow: /*" + b"*ab" * 160_000)
    cache, gate = RobotsCache(), HostGate(SETTINGS)

    async def ask(at: int) -> None:
        request = FetchRequest(f"https://s{at}.evil.example/a")
        assert await cache.refusal(request, "Newsdesk/1.0", web, gate, 0.0) is None

    def run(first: int, last: int) -> int:
        async def work() -> None:
            for at in range(first, last):
                await ask(at)

        tracemalloc.start()
        try:
            asyncio.run(work())
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert run(0, 20) < 2 * MEMORY
    asked = len(web.asked)
    asyncio.run(ask(19))
    assert len(web.asked) == asked, "the newest are remembered"
