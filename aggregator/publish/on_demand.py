"""Documents that are made on demand: archive pages, story pages and threads, which are too many to keep in memory."""

from __future__ import annotations

from aggregator.model import StoryId, ThreadId
from aggregator.publish.pages import thread_pages
from aggregator.publish.pages.closed_pages import ClosedPages
from aggregator.publish.pages.story_pages import PATH, StoryPages
from aggregator.publish.pages.thread_pages import ThreadPages
from aggregator.publish.shelf import Answer, Knows


class OnDemand:
    """Answers by path from committed state. Thread-safe."""

    def __init__(self, closed: ClosedPages, stories: StoryPages, threads: ThreadPages) -> None:
        self._closed = closed
        self._stories = stories
        self._threads = threads

    def answer(self, path: str, knows: Knows) -> Answer | None:
        """The document or its new address; None if the path is unknown or the requester may not know it."""
        if matched := PATH.fullmatch(path):
            return self._stories.prepared(StoryId(matched[1]))
        if matched := thread_pages.PATH.fullmatch(path):
            return self._threads.prepared(ThreadId(matched[1]), matched[2])
        return self._closed.prepared(path, knows)
