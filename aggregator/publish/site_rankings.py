"""Rankings of a site that are stored: of feeds that are not in order of time, and of its front page.

Those of feeds are made every few minutes; the front page's soon after any feed has changed (decision 094).
"""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.model import Instant, Slug
from aggregator.publish.pages.front_page import FrontStories
from aggregator.publish.selection.ranking import Rankings
from aggregator.settings import Settings


class SiteRankings:
    """Makes and stores the rankings of one config. Making them only reads, so another thread than the writer's may do it."""

    def __init__(self, settings: Settings, feeds: Rankings, front: FrontStories) -> None:
        self._settings = settings
        self._feeds = feeds
        self._front = front

    def make(self, now: Instant) -> Mapping[Slug, str]:
        """Ranks feeds, for `save`. Returns the rankings by slug."""
        return self._feeds.make(now)

    def save(self, made: Mapping[Slug, str], now: Instant) -> frozenset[Slug]:
        """Stores rankings of feeds. Returns the feeds that changed, for the caller to publish."""
        return self._feeds.save(made, now)

    def make_front(self, now: Instant) -> str:
        """Ranks the front page, for `save_front`."""
        return self._front.rank(now)

    def save_front(self, ranking: str) -> frozenset[Slug]:
        """Stores a ranking of the front page. Returns what the caller then publishes: any feed, for the page goes with each."""
        return frozenset(output.slug for output in self._settings.outputs[:1] if self._front.save(ranking))

    def rank_feeds(self, now: Instant) -> None:
        """Makes and stores the rankings of feeds."""
        self.save(self.make(now), now)

    def rank_front(self, now: Instant) -> None:
        """Makes and stores the ranking of the front page."""
        self._front.save(self._front.rank(now))
