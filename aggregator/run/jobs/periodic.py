"""The daemon's periodic jobs beside polling: rolling and ranked feeds, held-back stories, digests, OPML lists, hooks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from aggregator.cadence.cron import next_moment
from aggregator.model import Slug
from aggregator.ports import Job, Rules, Store
from aggregator.run.jobs.enriching import Enriching
from aggregator.run.jobs.opml_lists import OpmlLists
from aggregator.run.runtime import CurrentRuntime, Runtime
from aggregator.settings import Settings
from aggregator.stories.upkeep import rolling

ROLL = 60.0
RANK = 300.0
FRONT = 5.0
RIPEN = 2.0
LISTS = 10.0
DIGESTS = 20.0
"""Seconds between two runs of each job."""
REST = 100.0
"""The front page's next ranking waits at least this many times as long as the last one took: that of a busy day takes a while."""


class RankedFrom(NamedTuple):
    """What the front page was ranked from. revisions: of feeds; decisions: how many a person has made and undone."""

    runtime: Runtime
    revisions: Mapping[Slug, int]
    decisions: int


class PeriodicWork:
    """mark_changed: called with the feeds that a job changed; record_answer: with a hook, and what came of its answer."""

    def __init__(
        self,
        current: CurrentRuntime,
        mark_changed: Callable[[frozenset[Slug]], None],
        record_answer: Callable[[str, str], None] = lambda hook, outcome: None,
    ) -> None:
        self._current = current
        self._mark_changed = mark_changed
        self._lists = OpmlLists()
        self._ranked: RankedFrom | None = None
        self._rest_until = 0.0
        self._ripened = -math.inf
        self.enriching = Enriching(current, mark_changed, record_answer)

    def jobs(self) -> list[Job]:
        return [
            Job("roll", ROLL, self._roll),
            Job("rank", RANK, self._rank),
            Job("front", FRONT, self._rank_front),
            Job("ripen", RIPEN, self._ripen_in_time),
            Job("lists", LISTS, self._refresh_lists, queued=True),
            Job("digests", DIGESTS, self._issue_digests, queued=True),
            *self.enriching.jobs(),
        ]

    async def run_all(self) -> None:
        """Runs each job once, for a poll without a daemon, which has refreshed the lists before, and ranks where it publishes."""
        await self.enriching.finish()
        await self._roll()
        await self._ripen()
        await self._issue_digests()

    async def _refresh_lists(self) -> None:
        """Refreshes the lists. The next reload sees that a list's file has changed."""
        runtime = self._current.runtime
        await self._lists.refresh(runtime.settings, runtime.fetcher, runtime.clock.now())

    async def _issue_digests(self) -> None:
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        if all(output.digest is None for output in runtime.settings.outputs):
            return
        zone = runtime.settings.site.timezone
        issue = partial(runtime.publisher.issue_digests, now, partial(next_moment, timezone=zone))
        self._mark_changed(frozenset(await runtime.writer.call(issue)))

    async def _roll(self) -> None:
        await self._rework_stories(rolling.roll)

    async def _rank(self) -> None:
        """Ranks feeds, beside the writer's thread, which polls wait for: of a busy day that takes a while."""
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        made = await asyncio.to_thread(runtime.publisher.rankings.make, now)
        self._mark_changed(await runtime.writer.call(lambda: runtime.publisher.rankings.save(made, now)))
        self._ranked = None  # an edited config is adopted after its runtime is in use, and may change threads alone

    async def _rank_front(self) -> None:
        """Ranks the front page once feeds have changed, a person has decided, or the config is another (decision 094)."""
        runtime = self._current.runtime
        now, monotonic = runtime.clock.now(), runtime.clock.monotonic
        revisions = {slug: state.revision for slug, state in runtime.store.outputs().items()}
        found = RankedFrom(runtime, revisions, runtime.store.count_decisions())
        if found == self._ranked or monotonic() < self._rest_until:
            return
        began = monotonic()
        ranking = await asyncio.to_thread(runtime.publisher.rankings.make_front, now)
        self._rest_until = monotonic() + REST * (monotonic() - began)
        self._mark_changed(await runtime.writer.call(lambda: runtime.publisher.rankings.save_front(ranking)))
        self._ranked = found

    async def _ripen_in_time(self) -> None:
        """Waits a quarter of `publish.settle`, so that stories are not held back much longer than they have to be."""
        clock, settle = self._current.runtime.clock, self._current.runtime.settings.publish.settle
        if clock.monotonic() - self._ripened >= min(60.0, settle / 4):
            self._ripened = clock.monotonic()
            await self._ripen()

    async def _ripen(self) -> None:
        """Checks first, to spare the writer's thread: most configs hold nothing back."""
        if rolling.holds_back(self._current.runtime.store, self._current.runtime.settings):
            await self._rework_stories(rolling.ripen)

    async def _rework_stories(self, work: Callable[[Store, Settings, Callable[[], Rules], float], frozenset[Slug]]) -> None:
        runtime = self._current.runtime
        store, settings, now = runtime.store, runtime.settings, runtime.clock.now()
        self._mark_changed(await runtime.writer.call(lambda: work(store, settings, lambda: runtime.rules, now)))
