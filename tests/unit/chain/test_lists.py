"""Lists of feeds at an address: fetched daily, kept, and read by the config."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aggregator.config.load import load
from aggregator.model import Fault, FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest
from aggregator.run.opml_lists import OpmlLists
from aggregator.settings import DAY, Settings
from aggregator.tag.check import check

ADDRESS = "https://lists.example/news.opml"
NOW = 1_700_000_000.0


def opml(*urls: str) -> bytes:
    outlines = "".join(f'<outline type="rss" text="{url}" xmlUrl="{url}"/>' for url in urls)
    return f'<opml version="2.0"><head/><body>{outlines}</body></opml>'.encode()


class Server:
    def __init__(self, body: bytes) -> None:
        self.answer: FetchOutcome = Fetched(ADDRESS, 200, (), body)
        self.asked = 0

    async def fetch(self, request: FetchRequest, now: float) -> FetchOutcome:
        self.asked += 1
        return self.answer

    async def aclose(self) -> None:
        """Nothing is open."""


def settings(folder: Path) -> Settings:
    path = folder / "feeds.yaml"
    path.write_text(f"sources:\n  - opml: {ADDRESS}\n")
    return load(path, check, {})


def refresh(lists: OpmlLists, folder: Path, server: Server, now: float) -> bool:
    return asyncio.run(lists.refresh(settings(folder), server, now))


def test_a_lists_sources_come_with_its_first_fetch(tmp_path: Path) -> None:
    server = Server(opml("https://a.example/feed", "https://b.example/feed"))
    assert settings(tmp_path).sources == ()
    assert refresh(OpmlLists(), tmp_path, server, NOW)
    assert [source.url for source in settings(tmp_path).sources] == ["https://a.example/feed", "https://b.example/feed"]


def test_a_list_is_asked_for_once_a_day(tmp_path: Path) -> None:
    server, lists = Server(opml("https://a.example/feed")), OpmlLists()
    assert refresh(lists, tmp_path, server, NOW)
    assert not refresh(lists, tmp_path, server, NOW + DAY / 2)
    assert server.asked == 1
    server.answer = Fetched(ADDRESS, 200, (), opml("https://c.example/feed"))
    assert refresh(lists, tmp_path, server, NOW + DAY)
    assert [source.url for source in settings(tmp_path).sources] == ["https://c.example/feed"]


def test_a_list_that_fails_keeps_its_sources_and_is_tried_again_in_an_hour(tmp_path: Path) -> None:
    server, lists = Server(opml("https://a.example/feed")), OpmlLists()
    refresh(lists, tmp_path, server, NOW)
    server.answer = FetchFailed(Fault(FaultKind.STATUS, "500", 500))
    assert not refresh(lists, tmp_path, server, NOW + DAY)
    assert not refresh(lists, tmp_path, server, NOW + DAY + 60)
    server.answer = Fetched(ADDRESS, 200, (), b"<html>not today</html>")
    assert not refresh(lists, tmp_path, server, NOW + DAY + 3_601)
    assert server.asked == 3
    assert [source.url for source in settings(tmp_path).sources] == ["https://a.example/feed"]
