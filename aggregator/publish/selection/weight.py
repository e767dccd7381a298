"""The weight of stories: how many outlets tell their thread now. docs/feeds.md has the formula."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.model import Instant, StoryId, ThreadId
from aggregator.ports import Report
from aggregator.settings import DAY

WINDOW = DAY
"""Seconds after which a report counts no more. A day, so that each hour of the clock counts once, whenever one looks."""
HALF_LIFE = 2 * DAY
"""Seconds after which a report would count half. A front page is a day's: age decides between events that as many tell."""


class Weights:
    """The weights at one instant. reports: of the last WINDOW seconds.

    Two linked stories count as a thread here, although one is shown from three stories on: mostly they tell one event.
    """

    def __init__(self, reports: Iterable[Report], now: Instant) -> None:
        self._now = now
        self._by_story: dict[StoryId, dict[str, Instant]] = {}
        self._by_thread: dict[ThreadId, dict[str, Instant]] = {}
        self._threads: dict[StoryId, ThreadId] = {}
        for report in reports:
            if report.thread is not None:
                self._threads[report.story] = report.thread
            if report.outlet is not None:
                _note(self._by_story.setdefault(report.story, {}), report.outlet, report.published)
                if report.thread is not None:
                    _note(self._by_thread.setdefault(report.thread, {}), report.outlet, report.published)

    def of(self, story: StoryId, thread: ThreadId | None) -> float:
        """The weight of a story, which is its thread's, if it is in one. thread: None if it is in none, or in a pair."""
        thread = thread or self._threads.get(story)
        return self.own(story) if thread is None else self._sum(self._by_thread.get(thread, {}))

    def own(self, story: StoryId) -> float:
        """The weight that a story has by its own reports alone."""
        return self._sum(self._by_story.get(story, {}))

    def _sum(self, newest: dict[str, Instant]) -> float:
        return sum(2 ** (-max(self._now - published, 0.0) / HALF_LIFE) for published in newest.values())


def _note(newest: dict[str, Instant], outlet: str, published: Instant) -> None:
    newest[outlet] = max(published, newest.get(outlet, published))
