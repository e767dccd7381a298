"""Digest outputs: at set hours, one entry that lists what happened since the previous one.

What happened is an event: the stories of one thread, or a story in none. The event that most outlets tell comes first. Each issue
is stored rendered, like an archive page, and outlives the texts. A story appears in one issue only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from aggregator.model import Instant, OutletsSeen, Slug, Story, StoryId, ThreadId
from aggregator.ports import ArchivePage, Store
from aggregator.publish import archive
from aggregator.publish.entry.pictures import pictures
from aggregator.publish.entry.view import View, view
from aggregator.publish.messages import notices
from aggregator.publish.rendering import Feed, listed, public_origins, render
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
        pages = self._store.pages(output.slug)
        made = render(self._digest(output, stories, now, pages[-1].closed if pages else None))
        number = len(pages) + 1
        return ArchivePage(output.slug, number, now, now, tuple(one.story for one in shown), archive.pack([made]))

    def last(self, output: Output) -> View | None:
        """The last issue; None if none was made yet."""
        pages = self._store.pages(output.slug)
        page = self._store.page(output.slug, pages[-1].page) if pages else None
        for issue in archive.unpack(page.body) if page is not None else []:
            return notices.issued_digest(issue.story, issue.published, issue.json, self._settings.site)
        return None

    def preview(self, output: Output, now: Instant) -> View | None:
        """What an issue made now would say; None if there are no new stories."""
        stories = self._stories([one.story for one in self._store.shown(output.slug)], output)
        pages = self._store.pages(output.slug)
        return self._digest(output, stories, now, pages[-1].closed if pages else None) if stories else None

    def withdraw(self, stories: Collection[StoryId]) -> None:
        """Renders the issues of public digests that list any of these stories again, without those that are now private."""
        for output in self._settings.outputs:
            pages = self._store.pages(output.slug) if output.digest is not None and output.token is None else []
            for before, page in zip((None, *pages), pages, strict=False):
                if not set(page.stories).isdisjoint(stories):
                    rest = self._stories(page.stories, output)
                    last = before.closed if before is not None else None
                    body = archive.pack([render(self._digest(output, rest, page.closed, last))] if rest else [])
                    kept = tuple(one.id for one in rest)
                    with self._store.begin() as transaction:
                        transaction.withdraw(output.slug, set(page.stories).difference(kept))
                        transaction.save_page(replace(page, stories=kept, body=body))

    def _stories(self, ids: Iterable[StoryId], output: Output) -> list[Story]:
        """The stories that this output may show."""
        found = [one for one in self._store.stories(ids) if one.items and not one.dropped]
        return [one for one in found if output.token is not None or not one.private]

    def _digest(self, output: Output, stories: list[Story], now: Instant, last: Instant | None) -> View:
        """An issue. last: when the one before was made."""
        site, origins, shown = self._settings.site, public_origins(self._settings), pictures(self._settings)
        public = output.token is None
        events = [
            notices.DigestEvent(
                count_outlets(event),
                tuple(view(story, "summary", site, origins, public=public, pictures=shown) for story in event),
            )
            for event in group_events(stories)[: notices.DIGEST_EVENTS]
        ]
        private = {one.topic for one in self._settings.outputs if one.token is not None and output.token is None}
        titles = {topic.slug: topic.title for topic in self._settings.topics if topic.slug not in private}
        groups: dict[StoryId, Slug] = {}
        for story in stories:
            if known := [slug for slug in titles if slug in story.topics]:
                groups[story.id] = known[0]
        return notices.digest_entry(output, events, groups, titles, now, last, site, self._site_id())

    def feed(self, output: Output) -> Feed:
        """The newest issues, as many as the output shows."""
        pages = self._store.pages(output.slug)[-output.items :]
        full = [self._store.page(output.slug, page.page) for page in reversed(pages)]
        issues = [entry for page in full if page is not None for entry in archive.unpack(page.body)]
        site = self._settings.site
        return issues, listed(issues, lambda one: notices.issued_digest(one.story, one.published, one.json, site), output, site)


def group_events(stories: Iterable[Story]) -> list[list[Story]]:
    """The stories of each event, the one that most outlets tell first. So are the events sorted."""
    events: dict[StoryId | ThreadId, list[Story]] = {}
    for story in stories:
        events.setdefault(story.id if story.thread is None else story.thread.id, []).append(story)
    for event in events.values():
        event.sort(key=lambda story: (-len(story.outlets), -story.published, story.id))
    return sorted(events.values(), key=lambda event: (-count_outlets(event), -event[0].published, event[0].id))


def count_outlets(event: Iterable[Story]) -> int:
    """How many outlets tell of an event."""
    seen = OutletsSeen()
    for story in event:
        for item in story.reports:
            seen.add(item)
    return seen.count
