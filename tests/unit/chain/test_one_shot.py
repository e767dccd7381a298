"""`aggregator poll` without a daemon: what it ranks before it publishes, and when it need not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from aggregator.app import make_resources, make_runtime
from aggregator.config.load import load
from aggregator.run.one_shot import publish_if_changed
from aggregator.run.runtime import Runtime
from aggregator.store.sqlite import SqliteStore
from aggregator.tag.check import check
from tests.unit.chain.newsroom import HOUR, START, HandClock
from tests.unit.publish import samples

CONFIG = """
sources:
  - {id: one, url: "https://one.example/feed", enabled: false}
outputs:
  - {slug: top, title: Top, sort: weight, items: 1}
"""
T = TypeVar("T")


def with_runtime(folder: Path, work: Callable[[Runtime], T]) -> T:
    async def inside() -> T:
        (folder / "feeds.yaml").write_text(CONFIG)
        settings = load(folder / "feeds.yaml", check, {})
        store = SqliteStore(Path(settings.storage.database))
        runtime = make_runtime(settings, replace(make_resources(settings, store), clock=HandClock()))
        try:
            samples.open_outputs(store, settings, now=START)
            return work(runtime)
        finally:
            await runtime.aclose()
            store.close()

    return asyncio.run(inside())


def tell(runtime: Runtime, number: int, title: str, *outlets: str) -> None:
    """Stores a story of these outlets, an hour old, in all feeds."""
    items = [
        samples.item(10 * number + place, title=title, published=START - HOUR, first_seen=START - HOUR, outlet_key=outlet)
        for place, outlet in enumerate(outlets)
    ]
    samples.store_story(runtime.store, *items, slugs=("all", "top"))


def headlines(runtime: Runtime) -> list[str]:
    return re.findall(r"<h2[^>]*><a href=[^>]*>(.*?)</a>", (runtime.settings.publish.directory / "index.html").read_text())


def test_news_is_ranked_before_it_is_published(tmp_path: Path) -> None:
    def work(runtime: Runtime) -> None:
        tell(runtime, 1, "Opera", "one.example", "two.example")
        publish_if_changed(runtime)
        tell(runtime, 2, "Ferry", "one.example", "two.example", "three.example")
        publish_if_changed(runtime)
        assert headlines(runtime)[:2] == ["Ferry", "Opera"]
        assert "Ferry" in (runtime.settings.publish.directory / "feeds/top.json").read_text()

    with_runtime(tmp_path, work)


def test_a_poll_that_brings_nothing_weighs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(runtime: Runtime) -> None:
        tell(runtime, 1, "Opera", "one.example", "two.example")
        publish_if_changed(runtime)
        monkeypatch.setattr(runtime.publisher.rankings, "rank_front", lambda now: pytest.fail("the page is as it was"))
        publish_if_changed(runtime)

    with_runtime(tmp_path, work)
