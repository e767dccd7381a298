"""The share of a document that a single source may take. Used by the store and by archives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from aggregator.model import Instant, SourceId, Story, StoryId
from aggregator.ports.rows import Shown


def share(items: int) -> int:
    """The number of a document's places that one source may take while others want them: half."""
    return max(1, items // 2)


def beyond_share(newest_first: Iterable[Shown], share: int, sources: Mapping[StoryId, SourceId]) -> frozenset[StoryId]:
    """The stories of each source beyond its first `share` ones. sources: story → source of its lead."""
    taken: Counter[SourceId] = Counter()
    beyond = set()
    for one in newest_first:
        if (source := sources.get(one.story)) is not None:
            taken[source] += 1
            if taken[source] > share:
                beyond.add(one.story)
    return frozenset(beyond)


class Places:
    """Fills the places of a new or edited feed with stories that are offered newest first."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._seen: Counter[SourceId] = Counter()
        self._within: list[tuple[Instant, StoryId]] = []
        self._beyond: list[tuple[Instant, StoryId]] = []

    def offer(self, story: Story) -> None:
        source = story.lead_item.source
        self._seen[source] += 1
        one = self._within if self._seen[source] <= share(self._items) else self._beyond
        if len(one) < self._items:
            one.append((story.published, story.id))

    def taken(self) -> list[tuple[Instant, StoryId]]:
        """The chosen stories, newest first. Stories beyond their source's share are chosen only if places are left."""
        spare = self._items - len(self._within)
        return sorted(self._within + self._beyond[: max(0, spare)], reverse=True)
