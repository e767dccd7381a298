"""How much an assistant sees: all that the operator does, or what the public feeds show."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from msgspec.structs import replace

from aggregator.commands.application import Application
from aggregator.commands.search import parse_query
from aggregator.model import Item, Slug, Story
from aggregator.ports import StoryFilter
from aggregator.publish.entry import excerpt
from aggregator.publish.pages import pages
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.serve.search import checked_length, public_names
from aggregator.settings import Settings
from aggregator.tag.query import Query


class Everything:
    """The operator's own view."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.settings: Settings = application.settings

    public: frozenset[Slug] | None = None
    """The feeds that a story must be in; None if it needs none."""

    @cached_property
    def feeds(self) -> frozenset[Slug]:
        """The feeds that may be named."""
        return frozenset(output.slug for output in self.settings.outputs)

    def query(self, text: str) -> Query:
        """Raises QueryError."""
        return parse_query(self._application, (text[: pages.LONGEST_QUERY + 1],))

    def bound(self, where: StoryFilter) -> StoryFilter:
        """The filter, of what is seen."""
        return replace(where, public=self.public)

    def shows(self, story: Story, feeds: Collection[Slug]) -> bool:
        return bool(story.items) and not story.dropped

    def text(self, item: Item, story: Story, feeds: Collection[Slug]) -> str:
        """As much of a report's text as may be shown."""
        return item.entry.text

    def source(self, item: Item) -> str | None:
        return item.source


class PublicOnly(Everything):
    """What strangers see on the site: stories in feeds without a token, with as much text as one of these shows.

    Ids of sources are not told: they may be made from secret addresses.
    """

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self._stories = PublicStories(self.settings)
        self.public = frozenset(self._stories.outputs)

    @cached_property
    def feeds(self) -> frozenset[Slug]:
        return frozenset(self._stories.outputs)

    def query(self, text: str) -> Query:
        return checked_length(text, public_names(self.settings))

    def shows(self, story: Story, feeds: Collection[Slug]) -> bool:
        return super().shows(story, feeds) and not story.private and not self.feeds.isdisjoint(feeds)

    def text(self, item: Item, story: Story, feeds: Collection[Slug]) -> str:
        modes = {self._stories.outputs[slug].content for slug in self._stories.slugs(feeds)}
        if item.id != story.lead or modes <= {"title"}:
            return ""
        return item.entry.text if "full" in modes else excerpt.summary_text(item.entry)

    def source(self, item: Item) -> str | None:
        return None
