"""The weight of stories: how many outlets tell their thread now. docs/feeds.md has the formula."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.model import Instant, StoryId, ThreadId
from aggregator.ports import Report
from aggregator.settings import DAY

WINDOW = DAY
"""Seconds after which a report counts no more. A day, so that each hour of the clock counts once, whenever one looks."""


class Weights:
    """The weights at one instant. reports: of the last WINDOW seconds."""

    def __init__(self, reports: Iterable[Report], now: Instant) -> None:
        self._now = now
        self._by_story: dict[StoryId, dict[str, Instant]] = {}
        self._by_thread: dict[ThreadId, dict[str, Instant]] = {}
        for report in reports:
            if report.outlet is not None:
                _note(self._by_story.setdefault(report.story, {}), report.outlet, report.published)
                if report.thread is not None:
                    _note(self._by_thread.setdefault(report.thread, {}), report.outlet, report.published)

    def of(self, story: StoryId, thread: ThreadId | None) -> float:
        """The weight of a story, which is its thread's, if it is in one."""
        return self.own(story) if thread is None else self._sum(self._by_thread.get(thread, {}))

    def own(self, story: StoryId) -> float:
        """The weight that a story has by its own reports alone."""
        return self._sum(self._by_story.get(story, {}))

    def _sum(self, newest: dict[str, Instant]) -> float:
        ages = (min(max(self._now - published, 0.0), WINDOW) for published in newest.values())
        return sum(1 - (age / WINDOW) ** 2 for age in ages)


def _note(newest: dict[str, Instant], outlet: str, published: Instant) -> None:
    newest[outlet] = max(published, newest.get(outlet, published))
