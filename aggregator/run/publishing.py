"""Publishes while the daemon runs: soon after a change, and again after a pause if the disk refused."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from aggregator.errors import AggregatorError, UnreachableError
from aggregator.model import Slug
from aggregator.ports import OutputState
from aggregator.run.background import BackgroundTasks
from aggregator.run.monitoring.metrics import Metrics
from aggregator.run.runtime import CurrentRuntime
from aggregator.run.scheduler import SERVER_PAUSE

log = structlog.get_logger("publishing")

DEBOUNCE = 0.1
"""Seconds between a poll's commit and publishing: a feed changed by several polls of one tick is written once."""
REST = 4.0
"""The next publishing waits at least this many times as long as the last one took. While many sources are polled for the first
time, feeds hold tens of thousands of stories: selecting among them must not delay the polls."""
PAUSE = 30.0
"""Seconds after a failed publishing until it is tried again."""


class FeedPublishing:
    """Keeps the published documents up to date. error: why the last publishing failed, None if it did not.

    outage: what keeps every source from being read.
    """

    def __init__(self, current: CurrentRuntime, metrics: Metrics, background: BackgroundTasks) -> None:
        self._current = current
        self._metrics = metrics
        self._background = background
        self._changed: set[Slug] = set()
        self._everything = False
        self._revisions: dict[Slug, int] = {}
        self._is_scheduled = False
        self._paused_until = 0.0
        self._rest_until = 0.0
        self.error: str | None = None
        self.outage: str | None = None

    def mark_changed(self, slugs: frozenset[Slug]) -> None:
        """Schedules publishing of these feeds."""
        self._changed |= slugs
        self._schedule()

    def find_changes(self) -> None:
        """Schedules what failed before, and feeds that a command beside the daemon changed (`stories split`)."""
        outputs, states = self._current.runtime.settings.outputs, self._current.runtime.store.outputs()
        behind = [output.slug for output in outputs if self._is_behind(states.get(output.slug))]
        if not behind and self._current.runtime.publisher.has_other_notice(self.outage):
            behind.append(outputs[0].slug)  # any feed: the pages are looked at each time
        self.mark_changed(frozenset(behind))

    def _is_behind(self, state: OutputState | None) -> bool:
        return state is not None and not state.withdrawn and self._revisions.get(state.slug) != state.revision

    def _schedule(self) -> None:
        has_work = self._everything or bool(self._changed)
        if has_work and not self._is_scheduled and self._current.runtime.clock.monotonic() >= self._paused_until:
            self._is_scheduled = True
            self._background.start(self._publish_soon())

    async def _publish_soon(self) -> None:
        await asyncio.sleep(max(DEBOUNCE, self._rest_until - self._current.runtime.clock.monotonic()))
        self._is_scheduled = False
        await self.try_publish(everything=False)

    async def try_publish(self, *, everything: bool) -> bool:
        """Publishes like `publish`, but returns False if the disk refuses: the error is kept, and it is tried again later."""
        try:
            await self.publish(everything=everything)
        except AggregatorError as error:
            self.error = str(error)
            log.error("publish_failed", error=self.error, pause=PAUSE)
            return False
        self.error = None
        return True

    async def publish(self, *, everything: bool = False) -> None:
        """Writes the feeds marked as changed; with `everything`, all that differ from what is published.

        Raises AggregatorError; what could not be published is then tried again.
        """
        runtime, started = self._current.runtime, self._current.runtime.clock.monotonic()
        everything |= self._everything
        slugs, self._changed, self._everything = frozenset(self._changed), set(), False
        states = runtime.store.outputs()

        def work() -> tuple[Collection[Slug], float]:
            began = runtime.clock.monotonic()
            wanted = None if everything else slugs
            published = runtime.publisher.publish(wanted, runtime.clock.now(), self.outage) if everything or slugs else ()
            return published, runtime.clock.monotonic() - began

        try:
            changed, seconds = await runtime.writer.call(work)
        except BaseException as error:
            self._changed |= slugs
            self._everything |= everything
            pause = SERVER_PAUSE if isinstance(error, UnreachableError) else PAUSE
            self._paused_until = runtime.clock.monotonic() + pause
            if isinstance(error, OSError):
                raise AggregatorError(f"can't publish: {error}") from error
            raise
        if not everything:  # after a start or an edit, what the first polls bring is not to wait for that
            self._rest_until = runtime.clock.monotonic() + REST * seconds
        self._revisions |= {slug: state.revision for slug, state in states.items() if everything or slug in slugs}
        if changed:
            log.info("published", feeds=len(changed))
            self._metrics.record_publishing(len(changed), runtime.clock.monotonic() - started)
