"""What is answered without being kept ready: archive pages, and the pages of stories, of which there are too many."""

from __future__ import annotations

import re
from collections.abc import Callable

from aggregator.model import Slug, Story, StoryId
from aggregator.ports import Store
from aggregator.publish import pages
from aggregator.publish.addresses import story_path
from aggregator.publish.closed import ClosedPages
from aggregator.publish.head import Head, ttl
from aggregator.publish.rendering import public_origins
from aggregator.publish.shelf import GONE, Answer, Moved, Prepared
from aggregator.publish.view import view
from aggregator.settings import Output, Settings

_STORY = re.compile(r"/stories/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class Late:
    """Answers by path, from committed state. Used by several threads at once. head_of: the current head of an output."""

    def __init__(self, settings: Settings, store: Store, closed: ClosedPages, head_of: Callable[[Output], Head]) -> None:
        self._settings = settings
        self._store = store
        self._closed = closed
        self._head_of = head_of
        self._origins = public_origins(settings)
        self._public = {output.slug: output for output in settings.outputs if output.token is None}

    def answer(self, path: str) -> Answer | None:
        """The document, where it has moved to, that it is gone, or None for a path that means nothing."""
        matched = _STORY.fullmatch(path)
        return self._story(StoryId(matched[1])) if matched else self._closed.prepared(path)

    def _story(self, id: StoryId) -> Answer | None:
        """A story's page. One that is in no public feed is as unknown as one that never was."""
        story = self._store.story(id)
        if story is not None and story.alias_of is not None:
            story, moved = self._store.story(story.alias_of), True
        else:
            moved = False
        if story is None or not (slugs := self._public_feeds(story)):
            return GONE if story is not None and story.dropped else None
        if moved:
            return Moved(self._settings.site.url + story_path(story.id))
        shown = view(story, self._content(slugs), self._settings.site, self._origins)
        heads = [self._head_of(self._public[slug]) for slug in slugs]
        body = pages.story(self._settings.site, shown, story, heads)
        cache = f"public, max-age={ttl(self._settings)}"
        return Prepared("text/html; charset=utf-8", body, int(shown.updated), cache, extra=pages.headers())

    def _public_feeds(self, story: Story) -> list[Slug]:
        return sorted(self._store.members_of(story.id) & self._public.keys())

    def _content(self, slugs: list[Slug]) -> str:
        """The page shows no more of the text than the public feeds do."""
        modes = {self._public[slug].content for slug in slugs}
        return next((mode for mode in ("full", "summary") if mode in modes), "title")
