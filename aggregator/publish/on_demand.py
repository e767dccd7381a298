"""Documents that are made on demand: archive pages and story pages, which are too many to keep in memory."""

from __future__ import annotations

from aggregator.model import StoryId
from aggregator.publish.closed_pages import ClosedPages
from aggregator.publish.shelf import Answer, Knows
from aggregator.publish.story_pages import PATH, StoryPages


class OnDemand:
    """Answers by path from committed state. Thread-safe."""

    def __init__(self, closed: ClosedPages, stories: StoryPages) -> None:
        self._closed = closed
        self._stories = stories

    def answer(self, path: str, knows: Knows) -> Answer | None:
        """The document or its new address; None if the path is unknown or the requester may not know it."""
        matched = PATH.fullmatch(path)
        return self._stories.prepared(StoryId(matched[1])) if matched else self._closed.prepared(path, knows)
