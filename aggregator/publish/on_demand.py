"""Documents that are made on demand: archive pages and story pages, which are too many to keep in memory."""

from __future__ import annotations

import re
from collections.abc import Callable

from aggregator.model import Slug, StoryId
from aggregator.ports import Stories
from aggregator.publish import pages
from aggregator.publish.addresses import story_path
from aggregator.publish.closed_pages import ClosedPages
from aggregator.publish.head import Head
from aggregator.publish.rendering import public_origins
from aggregator.publish.shelf import Answer, Knows, Moved, Prepared
from aggregator.publish.view import view
from aggregator.settings import Output, Settings

_STORY = re.compile(r"/stories/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class OnDemand:
    """Answers by path from committed state. Thread-safe. head_of: returns the current head of an output."""

    def __init__(self, settings: Settings, store: Stories, closed: ClosedPages, head_of: Callable[[Output], Head]) -> None:
        self._settings = settings
        self._store = store
        self._closed = closed
        self._head_of = head_of
        self._origins = public_origins(settings)
        self._public = {output.slug: output for output in settings.outputs if output.token is None}

    def answer(self, path: str, knows: Knows) -> Answer | None:
        """The document or its new address; None if the path is unknown or the requester may not know it."""
        matched = _STORY.fullmatch(path)
        return self._story(StoryId(matched[1])) if matched else self._closed.prepared(path, knows)

    def _story(self, id: StoryId) -> Answer | None:
        """A story's page. A story in no public feed is answered like an unknown one, and its content is not read."""
        whereabouts = self._store.whereabouts(id)
        if whereabouts is None or whereabouts.private:
            return None
        slugs = sorted(whereabouts.feeds & self._public.keys())
        if not slugs:
            return None
        if whereabouts.story != id:
            return Moved(self._settings.site.url + story_path(whereabouts.story))
        story = self._store.story(id)
        if story is None:
            return None
        shown = view(story, self._content(slugs), self._settings.site, self._origins)
        heads = [self._head_of(self._public[slug]) for slug in slugs]
        body = pages.story(self._settings.site, shown, story, heads)
        return Prepared("text/html; charset=utf-8", body, int(shown.updated), pages.CACHE, extra=pages.headers())

    def _content(self, slugs: list[Slug]) -> str:
        """The content mode of the page, which shows no more text than the public feeds do."""
        modes = {self._public[slug].content for slug in slugs}
        return next((mode for mode in ("full", "summary") if mode in modes), "title")
