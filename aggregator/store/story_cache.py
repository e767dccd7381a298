"""What a transaction keeps in memory of stories: rows that wait to be written, and stories that were read."""

from __future__ import annotations

from aggregator.model import Story, StoryId
from aggregator.store.connection import Connection
from aggregator.store.items import Batch
from aggregator.store.row_writes import RowWrites


class StoryCache(RowWrites):
    """Whoever changes a story otherwise than by this cache has it forget the story."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._batch = Batch(connection)
        self._stories: dict[StoryId, Story] = {}

    def _forget(self, *stories: StoryId) -> None:
        for story in stories:
            self._stories.pop(story, None)
