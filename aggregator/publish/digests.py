"""Digest outputs: at set hours, one entry that lists the top stories since the previous one.

Each issue is stored rendered, like an archive page, and outlives the texts. A story appears in one issue only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from aggregator.model import Instant, Slug, Story, StoryId
from aggregator.ports import ArchivePage, Store
from aggregator.publish import archive, notices
from aggregator.publish.pictures import pictures
from aggregator.publish.rendering import Feed, listed, public_origins, render
from aggregator.publish.view import View, view
from aggregator.settings import Output, Settings

LOOKED_KEY = "digest."
"""Prefix of stored values: when a digest's schedule was last checked."""

Following = Callable[[str, Instant], Instant]
"""Returns the first moment of a cron line after an instant, in the site's time zone."""


class Digests:
    """The digests of one config."""

    def __init__(self, settings: Settings, store: Store, site_id: Callable[[], str]) -> None:
        self._settings = settings
        self._store = store
        self._site_id = site_id

    def issue(self, now: Instant, following: Following) -> tuple[Slug, ...]:
        """Makes the issues that are due and returns their feeds. A daemon that missed several hours makes one issue."""
        return tuple(
            output.slug
            for output in self._settings.outputs
            if output.digest is not None and self._issue(output, output.digest, now, following)
        )

    def _issue(self, output: Output, line: str, now: Instant, following: Following) -> bool:
        looked = self._store.value(LOOKED_KEY + output.slug)
        due = following(line, float(looked)) if looked is not None else None
        if due is not None and due > now:
            return False
        page = self._page(output, now) if due is not None else None
        with self._store.begin() as transaction:
            transaction.set_value(LOOKED_KEY + output.slug, repr(now))
            if page is not None:
                transaction.mark_published(page.stories)
                transaction.save_page(page)
        return page is not None

    def _page(self, output: Output, now: Instant) -> ArchivePage | None:
        """The issue, or None if there are no new stories."""
        shown = self._store.shown(output.slug)
        stories = self._stories([one.story for one in shown], output)
        if not stories:
            return None
        made = render(self._digest(output, stories, now))
        number = len(self._store.pages(output.slug)) + 1
        return ArchivePage(output.slug, number, now, now, tuple(one.story for one in shown), archive.pack([made]))

    def withdraw(self, stories: Collection[StoryId]) -> None:
        """Renders the issues of public digests that list any of these stories again, without those that are now private."""
        for output in self._settings.outputs:
            pages = self._store.pages(output.slug) if output.digest is not None and output.token is None else []
            for page in pages:
                if not set(page.stories).isdisjoint(stories):
                    rest = self._stories(page.stories, output)
                    body = archive.pack([render(self._digest(output, rest, page.closed))] if rest else [])
                    kept = tuple(one.id for one in rest)
                    with self._store.begin() as transaction:
                        transaction.withdraw(output.slug, set(page.stories).difference(kept))
                        transaction.save_page(replace(page, stories=kept, body=body))

    def _stories(self, ids: Iterable[StoryId], output: Output) -> list[Story]:
        """The stories that this output may show, those with most outlets first."""
        found = [one for one in self._store.stories(ids) if one.items and not one.dropped]
        found = [one for one in found if output.token is not None or not one.private]
        return sorted(found, key=lambda story: (-len(story.outlets), -story.published, story.id))

    def _digest(self, output: Output, stories: list[Story], now: Instant) -> View:
        site, origins, shown = self._settings.site, public_origins(self._settings), pictures(self._settings)
        views = [view(story, "summary", site, origins, pictures=shown) for story in stories[: notices.DIGEST_STORIES]]
        private = {one.topic for one in self._settings.outputs if one.token is not None and output.token is None}
        titles = {topic.slug: topic.title for topic in self._settings.topics if topic.slug not in private}
        groups: dict[StoryId, Slug] = {}
        for story in stories:
            if known := [slug for slug in titles if slug in story.topics]:
                groups[story.id] = known[0]
        return notices.digest_entry(output, views, groups, titles, now, site, self._site_id())

    def feed(self, output: Output) -> Feed:
        """The newest issues, as many as the output shows."""
        pages = self._store.pages(output.slug)[-output.items :]
        full = [self._store.page(output.slug, page.page) for page in reversed(pages)]
        issues = [entry for page in full if page is not None for entry in archive.unpack(page.body)]
        site = self._settings.site
        return issues, listed(issues, lambda one: notices.issued_digest(one.story, one.published, one.json, site), output, site)
