"""What public pages and feeds of single stories show: no more of a story than the public feeds that it is in."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from aggregator.model import Slug, Story
from aggregator.publish.entry.pictures import pictures
from aggregator.publish.entry.view import View, view
from aggregator.publish.pages import pages
from aggregator.publish.rendering import public_origins
from aggregator.settings import Settings


class PublicStories:
    """outputs: the feeds without a token; images: whether pages may show pictures; headers: that pages are served with."""

    def __init__(self, settings: Settings) -> None:
        self.outputs = {output.slug: output for output in settings.outputs if output.token is None}
        self._site = settings.site
        self._origins = public_origins(settings)
        self._pictures = pictures(settings)
        self.images = self._pictures.link
        self.headers = pages.headers(images=self.images, index=settings.site.index)

    def slugs(self, feeds: Iterable[Slug]) -> list[Slug]:
        """Those of these feeds that are public."""
        return sorted(slug for slug in feeds if slug in self.outputs)

    def view(self, story: Story, slugs: Collection[Slug], *, lists_reports: bool = False) -> View:
        """The view of a story that is in these public feeds: with as much text as one of them shows.

        lists_reports: whether the page lists the story's reports beside it.
        """
        modes = {self.outputs[slug].content for slug in slugs}
        content = next((mode for mode in ("full", "summary") if mode in modes), "title")
        return view(story, content, self._site, self._origins, pictures=self._pictures, lists_reports=lists_reports)
