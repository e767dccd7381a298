"""Sitemap indexes in the chain: what a poll of several documents keeps of the promises of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aggregator.fetch.body import BODIES_IN_MEMORY
from aggregator.fetch.hosts import HostGate
from aggregator.model import (
    Fault,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    Instant,
    NotModified,
    Source,
    SourceId,
    Validators,
)
from aggregator.ports import BodyMemory
from aggregator.reading.job import Read
from aggregator.reading.sitemaps import MAX_SECONDS, Followed, Sitemap, follow_index
from aggregator.settings import HostRule, Settings
from tests.unit.chain.newsroom import Newsroom

SITE = "https://wire.example"
INDEX = f"{SITE}/index.xml"
CONFIG = f"sources: [{{id: wire, url: '{INDEX}'%s}}]\n"


def news(*titles: str) -> bytes:
    rows = (
        f"<url><loc>/{title.replace(' ', '-')}</loc><n:news><n:title>{title}</n:title>"
        "<n:publication_date>2023-06-15T10:00Z</n:publication_date></n:news></url>"
        for title in titles
    )
    return f'<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">{"".join(rows)}</urlset>'.encode()


def serve(newsroom: Newsroom, **sitemaps: bytes) -> None:
    listed = "".join(f"<sitemap><loc>/{name}</loc></sitemap>" for name in sitemaps)
    documents = {INDEX: f"<sitemapindex>{listed}</sitemapindex>".encode()}
    documents |= {f"{SITE}/{name}": body for name, body in sitemaps.items()}
    newsroom.answers = {url: Fetched(url, 200, (), body) for url, body in documents.items()}


def test_what_a_budget_refused_is_read_again_though_no_sitemap_has_changed(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG % ", budget: 1")
    serve(newsroom, a=news("Ferry late", "Strait closed", "Pilots strike"), b=news("Derby drawn"))
    newsroom.poll("wire")
    before = len(newsroom.stories())
    assert before < 4
    newsroom.clock.time += 86_400
    newsroom.poll("wire")
    assert len(newsroom.stories()) > before


def test_an_entry_that_left_one_sitemap_for_another_is_no_new_one(newsroom: Newsroom) -> None:
    """Shards move their entries on as new ones come."""
    newsroom.configure(CONFIG % "")
    serve(newsroom, a=news("Ferry late", "Strait closed"), b=news("Derby drawn"))
    newsroom.poll("wire")
    serve(newsroom, a=news("Pilots strike", "Ferry late"), b=news("Strait closed", "Derby drawn"))
    assert newsroom.poll("wire")["wire"].new == 1
    assert len(newsroom.stories()) == 4


def test_what_is_still_listed_is_known_though_most_sitemaps_are_as_they_were(newsroom: Newsroom) -> None:
    """Retention counts from when an entry is listed no more: a week of polls must not keep all that ever was."""
    newsroom.configure(CONFIG % "")
    for day in range(5):
        serve(newsroom, a=news(f"Ferry {day}", f"Pier {day}"), b=news("Derby drawn"))
        if day == 4:
            newsroom.answers[f"{SITE}/b"] = FetchFailed(Fault(FaultKind.STATUS, "500", 500), (), f"{SITE}/b")
        if day == 3:
            newsroom.answers[f"{SITE}/b"] = NotModified(f"{SITE}/b", Validators('"1"'))
        newsroom.clock.time += 3600
        newsroom.poll("wire")
        assert len(newsroom.store.fingerprints(SourceId("wire"))) == 3, "two of today's, and the one that did not change"


def test_an_entry_that_another_sitemap_has_in_an_older_version_is_the_same(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG % "")
    serve(newsroom, a=news("Derby drawn"), b=news("Strait closed"))
    newsroom.poll("wire")
    edited = news("Strait closed").replace(b"<n:title>Strait closed", b"<n:title>Strait closed for days")
    serve(newsroom, a=edited, b=news("Strait closed"))
    report = newsroom.poll("wire")["wire"]
    assert (report.new, report.changed) == (0, 1)
    assert newsroom.poll("wire")["wire"].outcome == "unchanged"


def test_nothing_changed_is_told_as_unchanged(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG % "")
    serve(newsroom, a=news("Ferry late"))
    newsroom.poll("wire")
    assert newsroom.poll("wire")["wire"].outcome == "unchanged"


class MeteredNewsroom(Newsroom):
    """Each answer takes all the memory that bodies have."""

    async def fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory | None = None) -> FetchOutcome:  # type: ignore[override]
        assert memory is not None
        await asyncio.wait_for(memory.reserve(BODIES_IN_MEMORY), 2)
        return await super().fetch(request, now, memory)


def test_each_body_gives_its_memory_back_before_the_next_one_asks_for_some(newsroom: Newsroom, tmp_path: Path) -> None:
    """Else polls of several indexes could wait for each other for ever."""
    metered = MeteredNewsroom(tmp_path, newsroom.store)
    metered.configure(CONFIG % "")
    serve(metered, a=news("Ferry late"), b=news("Derby drawn"))
    assert metered.poll("wire")["wire"].new == 2


# --- following alone
class Asked:
    """Answers of a site by path, and a clock that moves with each request."""

    def __init__(self, *outcomes: FetchOutcome, seconds: float = 0.0) -> None:
        self.outcomes, self.seconds, self.time = list(outcomes), seconds, 0.0
        self.requests: list[FetchRequest] = []

    async def ask(self, request: FetchRequest) -> FetchOutcome:
        self.requests.append(request)
        self.time += self.seconds
        return self.outcomes.pop(0)

    @asynccontextmanager
    async def read(self, document: Fetched) -> AsyncIterator[Read | Fault]:
        yield Read(Feed("news sitemap", (), warnings=(document.url,)), {})

    def follow(self, index: Feed | None, *known: Sitemap) -> Followed:
        source = Source(SourceId("wire"), f"https://user:secret@{INDEX.partition('//')[2]}", headers=(("X-Key", "k"),))
        return asyncio.run(follow_index(source, index, known, self.ask, self.read, lambda: self.time))


def fetched(path: str, body: bytes = b"x", tag: str | None = None) -> Fetched:
    return Fetched(SITE + path, 200, (), body, Validators(tag))


def failed(kind: FaultKind) -> FetchFailed:
    return FetchFailed(Fault(kind, "it failed"), (), SITE)


LISTED = Feed("sitemap index", (), sitemaps=(f"{SITE}/a", f"{SITE}/b", f"{SITE}/c"))


def test_credentials_belong_to_the_index_s_own_origin() -> None:
    asked = Asked(fetched("/a"), fetched("/b"), fetched("/c"))
    asked.follow(LISTED)
    assert {request.configured for request in asked.requests} == {f"https://user:secret@{INDEX.partition('//')[2]}"}


def test_validators_go_back_to_the_address_that_gave_them() -> None:
    first = Asked(fetched("/a", tag='"1"'), fetched("/b"), fetched("/c")).follow(LISTED)
    again = Asked(NotModified(f"{SITE}/a", Validators('"2"')), fetched("/b"), fetched("/c"))
    second = again.follow(None, *first.sitemaps)
    assert (again.requests[0].validators, again.requests[0].validators_url) == (Validators('"1"'), f"{SITE}/a")
    assert again.requests[1].validators_url is None
    assert second.read is None, "the others have the same bodies as before"
    assert second.fault is None
    assert second.sitemaps[0].validators == Validators('"2"')


def test_a_slow_site_is_asked_for_the_rest_at_the_next_poll() -> None:
    asked = Asked(fetched("/a"), seconds=MAX_SECONDS + 1)
    followed = asked.follow(LISTED)
    assert len(asked.requests) == 1
    assert [one.url for one in followed.sitemaps] == list(LISTED.sitemaps)
    assert [bool(one.body_hash) for one in followed.sitemaps] == [True, False, False]
    assert followed.read is not None
    assert followed.read.feed.partial, "what was left out is not gone"


@pytest.mark.parametrize(("kind", "requests"), [(FaultKind.TIMEOUT, 1), (FaultKind.STATUS, 3), (FaultKind.GONE, 3)])
def test_after_which_faults_the_others_are_asked(kind: FaultKind, requests: int) -> None:
    asked = Asked(failed(kind), fetched("/b"), fetched("/c"))
    followed = asked.follow(LISTED)
    assert len(asked.requests) == requests
    assert (followed.read is None) == (requests == 1)
    assert (followed.fault is None) == (requests > 1)


def test_a_poll_keeps_the_host_s_gap_between_the_sitemaps(newsroom: Newsroom) -> None:
    """As `run/polls/poller.py` polls: inside a turn at the host."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def poll() -> None:
        async with newsroom.gate.turn(INDEX):
            await newsroom._poll(None, True)

    newsroom.configure(CONFIG % "" + "hosts: {wire.example: {gap: 7s}}\n")
    newsroom.gate = HostGate(newsroom.settings, lambda: 0.0, sleep)
    serve(newsroom, a=news("Ferry late"), b=news("Derby drawn"))
    asyncio.run(poll())
    assert waits == [7.0, 14.0]


def test_a_host_on_hold_is_asked_for_no_further_sitemap(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG % "")
    serve(newsroom, a=news("Ferry late"), b=news("Derby drawn"))
    enough = Fault(FaultKind.STATUS, "429", 429, newsroom.clock.time + 3600, holds_host=True)
    newsroom.answers[f"{SITE}/a"] = FetchFailed(enough, (), f"{SITE}/a")
    assert newsroom.poll("wire")["wire"].outcome == "failed"
    assert newsroom.asked == [INDEX, f"{SITE}/a"]
    assert newsroom.gate.held(INDEX, newsroom.clock.time) is not None


def test_a_gap_is_kept_by_who_holds_a_turn() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def ask_three_times() -> None:
        hosts = {"wire.example": HostRule(gap=7.0)}
        gate = HostGate(Settings(Path("f"), (), hosts=hosts), lambda: 0.0, sleep)
        async with gate.turn(INDEX):
            await gate.space(f"{SITE}/a")
            await gate.space(f"{SITE}/b")
            await gate.space("https://other.example/")

    asyncio.run(ask_three_times())
    assert waits == [7.0, 14.0]
