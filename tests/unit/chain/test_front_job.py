"""The front page of a daemon follows what its sources bring."""

from __future__ import annotations

from pathlib import Path

from tests.unit.chain.test_outage import SOURCES, World, page, settle, world
from tests.unit.chain.test_service import Desk, run

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
