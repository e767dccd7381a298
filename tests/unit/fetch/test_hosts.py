"""Turns and holds, by registrable domain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from aggregator.fetch.hosts import KNOWN_GAPS, HostGate
from aggregator.ports import Hold
from aggregator.settings import HostRule, Polling, Settings
from tests.conftest import CHECKOUT

NOW = 1_686_830_400.0


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


def gate(clock: Clock, per_host: int = 2, **gaps: float) -> HostGate:
    hosts = {name.replace("_", "."): HostRule(gap) for name, gap in gaps.items()}
    return HostGate(Settings(Path("f"), (), polling=Polling(per_host=per_host), hosts=hosts), clock.monotonic, clock.sleep)


def most_at_a_time(urls: list[str], per_host: int = 2) -> int:
    """How many of these turns are ever held at once."""

    async def run() -> int:
        the_gate, now, most = gate(Clock(), per_host), 0, 0

        async def one(url: str) -> None:
            nonlocal now, most
            async with the_gate.turn(url):
                now, most = now + 1, max(most, now + 1)
                for _ in range(3):
                    await asyncio.sleep(0)
                now -= 1

        await asyncio.gather(*map(one, urls))
        return most

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("urls", "most"),
    [
        ([f"https://s{n}.news.example.co.uk/feed" for n in range(8)], 2),
        ([f"https://news{n}.example/feed" for n in range(8)], 8),
        ([f"http://127.0.0.1:{8000 + n}/" for n in range(4)], 2),
        ([f"http://127.0.0.{n}/" for n in range(1, 5)], 4),
        (["http://[::1]/a", "http://[::1]/b", "http://[::1]/c"], 2),
    ],
)
def test_connections_are_limited_by_registrable_domain(urls: list[str], most: int) -> None:
    assert most_at_a_time(urls) == most


def test_who_takes_a_domain_over_waits_the_gap_first() -> None:
    async def run() -> list[float]:
        clock = Clock()
        the_gate, starts = gate(clock, slow_example=5.0), []
        begin = clock.at
        for since in (begin - 2.0, begin - 2.0, begin + 20.0):  # the last: it was another node's in between
            async with the_gate.turn("https://slow.example/feed", since):
                starts.append(clock.at - begin)
        return starts

    assert asyncio.run(run()) == [3.0, 8.0, 25.0]


def test_a_gap_spaces_the_starts_of_one_domain_alone() -> None:
    async def run() -> list[float]:
        clock = Clock()
        the_gate = gate(clock, reddit_com=60.0)
        starts = []
        for url in ("https://www.reddit.com/a", "https://old.reddit.com/b", "https://other.example/"):
            async with the_gate.turn(url):
                starts.append(clock.at)
        return starts

    assert asyncio.run(run()) == [0.0, 60.0, 60.0]


def starts_at(url: str, **gaps: float) -> list[float]:
    async def run() -> list[float]:
        clock, starts = Clock(), []
        the_gate = gate(clock, **gaps)
        for _ in range(2):
            async with the_gate.turn(url):
                starts.append(clock.at)
        return starts

    return asyncio.run(run())


@pytest.mark.parametrize("domain", KNOWN_GAPS)
def test_domains_that_are_known_for_429_have_a_gap_that_the_config_replaces(domain: str) -> None:
    url = f"https://someone.{domain}/rss"
    assert starts_at(url) == [0.0, KNOWN_GAPS[domain]]
    assert starts_at(url, **{domain: 60.0}) == [0.0, 60.0]
    assert starts_at(url, **{domain: 0.0}) == [0.0, 0.0]
    assert starts_at(url, other_example=1.0) == [0.0, KNOWN_GAPS[domain]]


def test_the_docs_name_the_gaps() -> None:
    text = (CHECKOUT / "docs" / "config.md").read_text("utf-8")
    assert all(f"`{domain}` {gap:.0f}s" in text for domain, gap in KNOWN_GAPS.items())


def test_the_gap_is_kept_when_nobody_was_waiting() -> None:
    async def run() -> float:
        clock = Clock()
        the_gate = gate(clock, reddit_com=60.0)
        async with the_gate.turn("https://reddit.com/a"):
            pass
        clock.at += 45
        async with the_gate.turn("https://reddit.com/b"):
            return clock.at

    assert asyncio.run(run()) == 60.0


def test_a_turn_that_is_cancelled_gives_its_place_back() -> None:
    async def run() -> None:
        the_gate = gate(Clock(), per_host=1)
        async with the_gate.turn("https://a.example/"):
            waiting = asyncio.create_task(the_gate.turn("https://a.example/").__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
        async with asyncio.timeout(1), the_gate.turn("https://a.example/"):
            pass

    asyncio.run(run())


def test_a_hold_binds_the_whole_domain_until_its_time() -> None:
    the_gate = gate(Clock())
    hold = the_gate.hold("https://a.news.example/feed", NOW + 60, "429 too many requests")
    assert hold == Hold("news.example", NOW + 60, "429 too many requests")
    assert the_gate.held("https://b.news.example/other", NOW + 59) == hold
    assert the_gate.held("https://other.example/", NOW) is None
    assert the_gate.held("https://b.news.example/other", NOW + 60) is None


def test_the_longer_hold_stays() -> None:
    the_gate = gate(Clock())
    the_gate.hold("https://news.example/", NOW + 600)
    assert the_gate.hold("https://news.example/", NOW + 60).until == NOW + 600


def test_holds_come_back_from_the_store() -> None:
    the_gate = gate(Clock())
    the_gate.restore({"news.example": Hold("news.example", NOW + 60, "503"), "127.0.0.1": Hold("127.0.0.1", NOW + 60, "503")})
    assert the_gate.held("https://www.news.example/", NOW) is not None
    assert the_gate.held("http://127.0.0.1:8080/", NOW) is not None
