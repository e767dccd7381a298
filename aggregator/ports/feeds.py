"""Published feeds in the database: for publishing, pages and adopting a config."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from aggregator.model import Instant, Slug, SourceId, StoryId
from aggregator.ports.rows import ArchivePage, Member, OutputState, Shown


class Feeds(Protocol):
    """What is in each feed, and what of it was closed."""

    def outputs(self) -> dict[Slug, OutputState]: ...

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        """Newest entered first; `before`: of smaller seq alone."""
        ...

    def shown(self, slug: Slug, newest: int | None = None) -> list[Shown]:
        """Members in no closed archive page, newest entered first. Cheap: no story is loaded.

        newest: so many of them, those published last, the higher id being the newer of equals; those of a source beyond its share
        (`ports.share`) only if others don't fill the places.
        """
        ...

    def lead_sources(self, slug: Slug) -> dict[StoryId, SourceId]:
        """Of the members in no closed archive page: the source that the story's lead is from."""
        ...

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        """The published feeds that each of the stories is in, archive pages included; of an unknown one none."""
        ...

    def pages(self, slug: Slug) -> list[ArchivePage]:
        """Closed archive pages, the oldest first, with `body` left empty."""
        ...

    def page(self, slug: Slug, page: int) -> ArchivePage | None: ...


class FeedWrites(Protocol):
    """What stories enter and leave, and what was shown of them."""

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        """The published feeds that each of the stories is in; of an unknown one none."""
        ...

    def enter(self, slug: Slug, stories: Sequence[StoryId], now: Instant) -> None:
        """Puts stories into a feed, in this order; those that are in stay where they are."""
        ...

    def leave(self, slug: Slug, stories: Collection[StoryId]) -> None:
        """Takes stories out of a feed.

        One that stands in a closed archive page stays there, unless it was taken down or is an alias: else it could enter, and be
        archived, again and again.
        """
        ...

    def withdraw(self, slug: Slug, stories: Collection[StoryId]) -> None:
        """Takes stories out of a feed for good, those in its closed pages, too; the pages are the caller's to save anew."""
        ...

    def clear(self, slug: Slug) -> None:
        """Takes all stories out of a feed that are in no closed page of it."""
        ...

    def bump(self, slugs: Collection[Slug], now: Instant) -> None:
        """These feeds' documents have changed (their `revision` grows)."""
        ...

    def outputs(self) -> dict[Slug, OutputState]: ...
    def save_output(self, state: OutputState) -> None: ...

    def mark_published(self, ids: Collection[StoryId]) -> None:
        """A document with these stories is about to become visible: from now on their ids are promises."""
        ...

    def save_page(self, page: ArchivePage) -> None:
        """Closes an archive page: its stories stay members and are no more `shown`. A page of that number is replaced."""
        ...
