"""Publishing while the daemon runs: soon after what changed, and again after a pause when the disk refused it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import structlog

from aggregator.errors import AggregatorError
from aggregator.model import Slug
from aggregator.ports import OutputState
from aggregator.run.metrics import Metrics
from aggregator.run.runtime import InUse

log = structlog.get_logger("publishing")

DEBOUNCE = 0.1
"""Seconds between a poll's commit and publishing: feeds touched by several polls of one tick are written once."""
REST = 4.0
"""Times as long as publishing took that the next one waits, at least. While many sources are asked for the first time, feeds hold
tens of thousands of stories that have to be looked through: that must not keep the sources waiting."""
PAUSE = 30.0
"""Seconds after publishing failed until it is tried again."""


class FeedPublishing:
    """in_use: what holds the runtime of each turn; spawn: runs something beside, and logs what it raises.

    refused: why the last publishing failed, None if it did not.
    """

    def __init__(self, in_use: InUse, metrics: Metrics, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        self._in_use = in_use
        self._metrics = metrics
        self._spawn = spawn
        self._dirty: set[Slug] = set()
        self._whole = False
        self._revisions: dict[Slug, int] = {}
        self._is_coming = False
        self._not_before = 0.0
        self._rested = 0.0
        self.refused: str | None = None

    def changed(self, slugs: frozenset[Slug]) -> None:
        """These feeds' documents differ now."""
        self._dirty |= slugs
        self._soon()

    def look(self) -> None:
        """Takes up what is left undone, and feeds that a command beside the daemon changed (`stories split`)."""
        states = self._in_use.runtime.store.outputs()
        self.changed(
            frozenset(one.slug for one in self._in_use.runtime.settings.outputs if self._is_behind(states.get(one.slug)))
        )

    def _is_behind(self, state: OutputState | None) -> bool:
        return state is not None and not state.withdrawn and self._revisions.get(state.slug) != state.revision

    def _soon(self) -> None:
        wanted = self._whole or bool(self._dirty)
        if wanted and not self._is_coming and self._in_use.runtime.clock.monotonic() >= self._not_before:
            self._is_coming = True
            self._spawn(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(max(DEBOUNCE, self._rested - self._in_use.runtime.clock.monotonic()))
        self._is_coming = False
        await self.try_all(whole=False)

    async def try_all(self, *, whole: bool) -> bool:
        """Publishes what changed (whole: everything); False if the disk refuses: that is told, and tried again later."""
        try:
            await self.publish(whole=whole)
        except AggregatorError as error:
            self.refused = str(error)
            log.error("publish_failed", error=self.refused, pause=PAUSE)
            return False
        self.refused = None
        return True

    async def publish(self, *, whole: bool = False) -> None:
        """Writes the feeds that changed (whole: all whose documents differ from what is published). Raises AggregatorError.

        What fails stays to be done, and what failed as a whole is done as a whole.
        """
        runtime, started = self._in_use.runtime, self._in_use.runtime.clock.monotonic()
        whole |= self._whole
        slugs, self._dirty, self._whole = frozenset(self._dirty), set(), False
        states = runtime.store.outputs()

        def work() -> tuple[Collection[Slug], float]:
            began = runtime.clock.monotonic()
            done = runtime.publisher.publish(None if whole else slugs, runtime.clock.now()) if whole or slugs else ()
            return done, runtime.clock.monotonic() - began

        try:
            changed, spent = await runtime.writer.call(work)
        except BaseException as error:
            self._dirty |= slugs
            self._whole |= whole
            self._not_before = runtime.clock.monotonic() + PAUSE
            if isinstance(error, OSError):
                raise AggregatorError(f"can't publish: {error}") from error
            raise
        self._rested = runtime.clock.monotonic() + REST * spent
        self._revisions |= {slug: one.revision for slug, one in states.items() if whole or slug in slugs}
        if changed:
            log.info("published", feeds=len(changed))
            self._metrics.published(len(changed), runtime.clock.monotonic() - started)
