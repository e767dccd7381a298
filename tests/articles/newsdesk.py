"""An aggregator in this process over real HTTP on loopback: a config, a database, polls, and the articles after them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from aggregator.app import make_resources, make_runtime
from aggregator.config.load import load
from aggregator.model import Item, PollReport, Slug, Story
from aggregator.ports import Attempt, StoryFilter
from aggregator.publish.selection import filling
from aggregator.run.jobs.articles import Articles
from aggregator.run.polls.poller import Poller
from aggregator.run.runtime import CurrentRuntime
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.upkeep.adopt_config import adopt
from aggregator.tag.check import check

T = TypeVar("T")

CONFIG = """
network: {{allow: [127.0.0.0/8], user_agent: "Newsdesk/1.0 (+https://desk.example)"}}
polling: {{timeout: {timeout}, per_host: 2}}
publish: {{content: {content}}}
topics:
  - {{slug: harbour, title: Harbour, query: "bicycles OR Schulstunden OR bochenków OR atlas"}}
{sources}
"""


class Newsdesk:
    """outcomes: what came of each attempt, as metrics count them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: list[str] = []

    def configure(self, sources: str, content: str = "summary", timeout: str = "5s") -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "feeds.yaml").write_text(CONFIG.format(sources=sources, content=content, timeout=timeout))

    def run(self, work: Callable[[Desk], Awaitable[T]]) -> T:
        """Does something in one run of the program: opens the database, and closes all at the end."""
        settings = load(self.folder / "feeds.yaml", check, {})
        store = SqliteStore(Path(settings.storage.database))

        async def main() -> T:
            resources = make_resources(settings, store)
            runtime = make_runtime(settings, resources)
            resources.current.use(runtime.pipeline)
            store.sync_sources(settings.sources, time.time())
            adopt(store, settings, lambda: runtime.rules, time.time())
            runtime.gate.restore(store.holds(time.time()))
            current = CurrentRuntime(runtime)
            changed: set[Slug] = set()
            articles = Articles(current, changed.update, self.outcomes.append, gap=0.0)
            try:
                return await work(Desk(current, store, articles, changed))
            finally:
                await articles.stop()
                await runtime.writer.aclose()
                await runtime.aclose()

        try:
            return asyncio.run(main())
        finally:
            store.close()

    def poll(self) -> list[Story]:
        """One run: polls all sources, fetches all articles that are due, publishes. Returns the stories."""

        async def work(desk: Desk) -> list[Story]:
            await desk.poll()
            await desk.articles.run_all(60.0)
            desk.publish()
            return desk.stories()

        return self.run(work)

    def feed(self, slug: str = "all") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads((self.folder / "data/public/feeds" / f"{slug}.json").read_text())["items"]
        return rows


class Desk:
    """What a run works with. changed: feeds that articles changed."""

    def __init__(self, current: CurrentRuntime, store: SqliteStore, articles: Articles, changed: set[Slug]) -> None:
        self.current, self.store, self.articles, self.changed = current, store, articles, changed

    async def poll(self) -> list[PollReport]:
        runtime = self.current.runtime
        work = runtime.with_sources(list(self.store.states().values()))
        reports = await asyncio.gather(*Poller(self.current, 4, 8).start(work, forced=True))
        await runtime.writer.flush()
        return list(reports)

    def publish(self) -> None:
        runtime = self.current.runtime
        filling.end(self.store, runtime.settings, time.time())
        runtime.publisher.publish(None, time.time())

    def stories(self) -> list[Story]:
        return list(self.store.find(StoryFilter()))

    def item(self, title: str) -> Item:
        return next(item for story in self.stories() for item in story.items if item.entry.title == title)

    def attempt(self, title: str) -> Attempt | None:
        id = self.item(title).id
        return self.store.attempts([id]).get(id)
