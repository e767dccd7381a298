"""Published feeds in the database, for publishing, web pages, and adopting a config."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from aggregator.model import Instant, Slug, SourceId, StoryId
from aggregator.ports.rows import ArchivePage, Candidate, Member, OutputState, Shown


class Feeds(Protocol):
    """Reads the members of feeds and their archive pages."""

    def outputs(self) -> dict[Slug, OutputState]: ...

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        """Members, last entered first. before: only those with a smaller `seq`."""
        ...

    def shown(self, slug: Slug, newest: int | None = None) -> list[Shown]:
        """Members in no closed archive page, last entered first. Cheap, since it loads no stories.

        newest: only this many, those published last; among equals the higher id is newer. Stories beyond their source's share
        (`ports.share`) are included only if others do not fill the places.
        """
        ...

    def shown_of(self, slug: Slug, stories: Sequence[StoryId]) -> list[Shown]:
        """These stories in this order, without those that are not members, whether in closed archive pages or not."""
        ...

    def candidates(self, slug: Slug, since: Instant, latest: int, *, count: bool) -> list[Candidate]:
        """Members with a report first seen since then, or in a thread with one, and the `latest` that entered last.

        count: whether their outlets are counted.
        """
        ...

    def quiet_members(self, slug: Slug, since: Instant) -> list[StoryId]:
        """Members of which neither a report nor one of their threads' was published after that."""
        ...

    def lead_sources(self, slug: Slug) -> dict[StoryId, SourceId]:
        """Story → source of its lead, for members in no closed archive page."""
        ...

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        """Story → published feeds that it is in, archive pages included. Unknown stories have none."""
        ...

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        """The stories that were ever in a published document (see `FeedWrites.mark_published`)."""
        ...

    def pages(self, slug: Slug) -> list[ArchivePage]:
        """Closed archive pages, oldest first, with empty `body`."""
        ...

    def page(self, slug: Slug, page: int) -> ArchivePage | None: ...


class FeedWrites(Protocol):
    """Writes which stories enter and leave feeds, and which were published."""

    def members_of(self, ids: Collection[StoryId]) -> Mapping[StoryId, frozenset[Slug]]:
        """Story → published feeds that it is in. Unknown stories have none."""
        ...

    def enter(self, slug: Slug, stories: Sequence[StoryId], now: Instant) -> None:
        """Adds stories to a feed in this order. Those already in it keep their place."""
        ...

    def leave(self, slug: Slug, stories: Collection[StoryId]) -> None:
        """Takes stories out of a feed.

        A story in a closed archive page stays a member, unless it was taken down or is an alias. Otherwise it could enter and be
        archived again and again.
        """
        ...

    def withdraw(self, slug: Slug, stories: Collection[StoryId]) -> None:
        """Takes stories out of a feed, even from its closed pages. The caller then saves these pages without them."""
        ...

    def clear(self, slug: Slug) -> None:
        """Takes all stories out of a feed, except those in its closed pages."""
        ...

    def bump(self, slugs: Collection[Slug], now: Instant) -> None:
        """Marks the documents of these feeds as changed, by raising their `revision`."""
        ...

    def outputs(self) -> dict[Slug, OutputState]: ...
    def save_output(self, state: OutputState) -> None: ...

    def mark_published(self, ids: Collection[StoryId]) -> None:
        """Marks stories whose ids must stay valid, because a document with them is about to become visible."""
        ...

    def return_to_pages(self, story: StoryId) -> None:
        """Notes that a story which has entered feeds again still stands in their closed pages."""
        ...

    def save_page(self, page: ArchivePage) -> None:
        """Saves a closed archive page, replacing one of the same number. Its stories stay members but are no longer `shown`."""
        ...
