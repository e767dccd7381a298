"""Feeds that want to stop their neighbours: by where they redirect to, and what is answered there."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from aggregator.model import Fault, FaultKind, FetchFailed, Hop
from aggregator.store.sqlite import SqliteStore
from tests.unit.chain.newsroom import START, Newsroom, document, entry

EVIL = "https://evil.example/feed.json"
HONEST = "https://honest.example/feed.json"
BUSY = "https://honest.example/search"
CONFIG = (
    f'site: {{url: "https://news.example"}}\nsources:\n  - {{id: evil, url: "{EVIL}"}}\n  - {{id: honest, url: "{HONEST}"}}\n'
)


def test_a_redirect_to_a_busy_page_holds_no_other_source_of_that_host(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "news.db")
    newsroom = Newsroom(tmp_path, store)
    newsroom.configure(CONFIG)
    fault = Fault(FaultKind.STATUS, "429 too many requests", 429, retry_at=START + 6 * 86_400, holds_host=True)
    newsroom.answers[EVIL] = FetchFailed(fault, (Hop(302, EVIL, BUSY),), BUSY)
    newsroom.serves(HONEST, entry("Ferries sail again"))
    newsroom.poll("evil")
    assert newsroom.poll("evil")["evil"].outcome == "refused", "it waits itself, as it was told"
    assert newsroom.poll("honest")["honest"].outcome == "changed"
    assert newsroom.titles() == ["Ferries sail again"]
    store.close()


def test_a_source_that_moved_to_a_busy_page_holds_no_other_source_of_that_host(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "news.db")
    newsroom = Newsroom(tmp_path, store)
    newsroom.configure(CONFIG)
    moved = document(HONEST, [entry("Ferries sail again")])
    newsroom.answers[EVIL] = replace(moved, hops=(Hop(301, EVIL, HONEST),))
    newsroom.answers[HONEST] = moved
    for _ in range(4):
        newsroom.poll("evil")
    assert newsroom.asked[-1] == HONEST
    fault = Fault(FaultKind.STATUS, "429 too many requests", 429, retry_at=START + 6 * 86_400, holds_host=True)
    newsroom.answers[HONEST] = FetchFailed(fault, (), HONEST)
    newsroom.poll("evil")
    newsroom.answers[HONEST] = moved
    assert newsroom.poll("honest")["honest"].outcome == "changed"
    store.close()
