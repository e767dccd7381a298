"""Rankings of a site: of feeds that are not in order of time, and of its front page. Made every few minutes, and stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aggregator.model import Instant, Slug
from aggregator.publish.pages.front_page import FrontStories
from aggregator.publish.selection.ranking import Rankings
from aggregator.settings import Settings


class NewRankings(NamedTuple):
    """Rankings as they are stored. feeds: by slug; front: of the front page."""

    feeds: Mapping[Slug, str]
    front: str


class SiteRankings:
    """Makes and stores the rankings of one config. Making them only reads, so another thread than the writer's may do it."""

    def __init__(self, settings: Settings, feeds: Rankings, front: FrontStories) -> None:
        self._settings = settings
        self._feeds = feeds
        self._front = front

    def make(self, now: Instant) -> NewRankings:
        """Ranks feeds and front page."""
        return NewRankings(self._feeds.make(now), self._front.rank(now))

    def save(self, made: NewRankings, now: Instant) -> frozenset[Slug]:
        """Stores rankings. Returns what the caller then publishes.

        That is the feeds that changed, or any feed if the front page alone did.
        """
        changed, front = self._feeds.save(made.feeds, now), self.save_front(made.front)
        return changed or front

    def make_front(self, now: Instant) -> str:
        """Ranks the front page alone, for `save_front`."""
        return self._front.rank(now)

    def save_front(self, ranking: str) -> frozenset[Slug]:
        """Stores a ranking of the front page. Returns what the caller then publishes: any feed, for the page goes with each."""
        return frozenset(output.slug for output in self._settings.outputs[:1] if self._front.save(ranking))

    def rank_feeds(self, now: Instant) -> None:
        """Makes and stores the rankings of feeds."""
        self._feeds.save(self._feeds.make(now), now)

    def rank_front(self, now: Instant) -> None:
        """Makes and stores the ranking of the front page."""
        self._front.save(self._front.rank(now))
