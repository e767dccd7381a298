"""How much of one document a single source may take. Pure; the store and the archive both decide by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from aggregator.model import Instant, SourceId, Story, StoryId
from aggregator.ports.rows import Shown


def share(items: int) -> int:
    """How many of a document's places one source's stories take, where others would have them: half."""
    return max(1, items // 2)


def beyond_share(newest_first: Iterable[Shown], share: int, sources: Mapping[StoryId, SourceId]) -> frozenset[StoryId]:
    """The stories of each source beyond its first `share` ones. sources: of the stories' leads."""
    taken: Counter[SourceId] = Counter()
    beyond = set()
    for one in newest_first:
        if (source := sources.get(one.story)) is not None:
            taken[source] += 1
            if taken[source] > share:
                beyond.add(one.story)
    return frozenset(beyond)


class Places:
    """The places of a feed that starts or was edited, for stories that are offered newest first."""

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
        """Who gets them, newest first: stories beyond their source's share only where others don't fill the places."""
        spare = self._items - len(self._within)
        return sorted(self._within + self._beyond[: max(0, spare)], reverse=True)
