"""The front page of a daemon follows what its sources bring, and what a person decides."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from aggregator.run.jobs.periodic import PeriodicWork
from aggregator.run.runtime import CurrentRuntime
from aggregator.store.writer import Writer
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.decisions.thread_edit import ThreadEditor
from tests.unit.chain.newsroom import Newsroom
from tests.unit.chain.test_outage import SOURCES, World, page, settle, world
from tests.unit.chain.test_service import Desk, run
from tests.unit.chain.test_threads import FERRY, bring, story, with_other_news
from tests.unit.chain.test_threads import SOURCES as OUTLETS

__all__ = ["world"]
NEWS = "Volcano wakes below the glacier"


def test_the_front_page_shows_news_within_seconds(tmp_path: Path, world: World) -> None:
    async def work(desk: Desk) -> None:
        world.fault = None
        await desk.start(SOURCES)
        (front,) = [job for job in desk.service.jobs() if job.name == "front"]
        assert front.seconds <= 10.0
        await settle(desk, 5)
        await front.work()
        desk.clock.time += 86_400.0
        world.news = (NEWS,)
        await settle(desk, 5)
        assert NEWS in page(desk, "/topics/all.html")
        ranked = page(desk).partition("</ol>")[0]
        assert NEWS not in ranked
        await front.work()
        await settle(desk)
        assert NEWS in page(desk).partition("</ol>")[0]

    run(tmp_path, work)


def test_the_front_page_follows_a_decision_on_a_thread_within_seconds(newsroom: Newsroom) -> None:
    """It moves no feed's revision."""
    newsroom.configure(OUTLETS)
    with_other_news(newsroom)
    bring(newsroom, *FERRY)
    editor, captain = StoryEditor(newsroom.store, newsroom.settings, newsroom.rules), story(newsroom, "Captain")

    async def work() -> None:
        parts = {name: getattr(newsroom, name) for name in ("store", "settings", "publisher", "clock")}
        runtime = SimpleNamespace(**parts, writer=Writer(newsroom.store))
        current = cast(CurrentRuntime, SimpleNamespace(runtime=runtime))
        periodic = PeriodicWork(current, lambda slugs: published.append(newsroom.publisher.publish(slugs, newsroom.clock.now())))
        (front,) = [job for job in periodic.jobs() if job.name == "front"]
        assert front.seconds <= 10.0

        async def look() -> bool:
            """Whether the page of the next look shows stories below another one of their thread."""
            newsroom.clock.time += front.seconds
            await front.work()
            return 'class="line"' in (newsroom.settings.publish.directory / "index.html").read_text()

        assert await look()
        ThreadEditor(newsroom.store, newsroom.settings, newsroom.rules).drop(captain.id)
        assert not await look()
        editor.undo(newsroom.store.decisions()[-1].id)
        assert await look()
        await runtime.writer.aclose()

    published = list[object]()
    asyncio.run(work())
