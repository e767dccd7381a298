"""A worker slot is for asking a server: what happens to the answer does not keep other servers from being asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

from aggregator.model import PollReport, Source, SourceId, SourceState
from aggregator.run.polls.poller import Poller
from aggregator.run.runtime import CurrentRuntime

WORKERS = 2


def work(count: int) -> list[tuple[Source, SourceState]]:
    urls = [f"https://outlet{number}.example/feed" for number in range(count)]
    return [(Source(SourceId(url), url), SourceState(SourceId(url), url)) for url in urls]


class Pipeline:
    """Polls that each server answers at once if `answers`, and that end when `over` is set. most: asked at the same time."""

    def __init__(self, answers: bool) -> None:
        self.answers, self.over = answers, asyncio.Event()
        self.most = 0

    async def poll(self, source: Source, state: SourceState, *, forced: bool, answered: Callable[[], None]) -> PollReport:
        self.most += 1
        if self.answers:
            answered()
        await self.over.wait()
        return PollReport(source.id, "unchanged", "")


def asked_together(answers: bool) -> int:
    """How many of ten servers were asked before any document was stored."""

    async def run() -> int:
        pipeline = Pipeline(answers)
        resources = SimpleNamespace(claiming=SimpleNamespace(since=lambda source: 0.0, finish=lambda source, is_stored: None))
        gate = SimpleNamespace(turn=lambda url, since: nullcontext())
        runtime = SimpleNamespace(gate=gate, pipeline=pipeline, resources=resources)
        poller = Poller(CurrentRuntime(cast(Any, runtime)), WORKERS, 100)
        polls = poller.start(work(10))
        for _ in range(50):
            await asyncio.sleep(0)
        asked = pipeline.most
        pipeline.over.set()
        await asyncio.gather(*polls)
        return asked

    return asyncio.run(run())


def test_a_server_that_has_answered_leaves_its_slot_to_the_next() -> None:
    assert asked_together(answers=True) == 10


def test_servers_that_do_not_answer_keep_their_slots() -> None:
    assert asked_together(answers=False) == WORKERS
