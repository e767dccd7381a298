"""An update of one published feed: its new documents, its page, and the mark to store."""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct

from aggregator.model import Instant, StoryId
from aggregator.publish.feed_documents import render_documents
from aggregator.publish.formats.head import ArchiveLinks, Head, head
from aggregator.publish.pages import pages
from aggregator.publish.rendering import Listed, Rendered
from aggregator.publish.shelf import digest
from aggregator.settings import Output, Settings


class Mark(Struct, frozen=True):
    """The stored state of a published feed. modified: when its bytes last changed; updated: its own date, never decreasing."""

    digest: str = ""
    modified: int = 0
    updated: float = 0.0

    @classmethod
    def read(cls, stored: str | None) -> Mark:
        return cls(*json.loads(stored)) if stored else cls()

    def __str__(self) -> str:
        return json.dumps([self.digest, self.modified, self.updated])


class Content(Struct, frozen=True):
    """What a feed shows, in order. listed: see `Feed`. basis: equal only if the contents are equal; None if unknown."""

    entries: list[Rendered]
    listed: list[Listed]
    links: ArchiveLinks
    basis: object = None


class FeedUpdate(Struct, frozen=True):
    """A feed that is about to become visible.

    made and digests: documents by format. page: the HTML page, empty for a private feed. filling: see `OutputState`.
    """

    output: Output
    head: Head
    content: Content
    made: dict[str, bytes]
    digests: dict[str, str]
    page: bytes
    mark: Mark
    old_mark: Mark
    filling: bool

    @property
    def stories(self) -> tuple[StoryId, ...]:
        return tuple(one.story for one in self.content.entries)

    @property
    def has_changed(self) -> bool:
        """Whether any document changed."""
        return self.mark != self.old_mark


def mark_digest(digests: Iterable[str]) -> str:
    """One digest of a feed's documents. digests: of each, in the order of FORMATS."""
    return digest("".join(digests).encode())


def make_update(
    output: Output,
    settings: Settings,
    site_id: str,
    content: Content,
    old: Mark,
    changed: Instant,
    now: Instant,
    *,
    filling: bool,
    notice: str | None = None,
) -> FeedUpdate:
    """Renders a feed. old: the stored mark; changed: when the feed's state changed, which dates an empty feed.

    notice: a line for the page alone.
    """
    entries = content.entries
    updated = max((one.updated for one in entries), default=float(int(changed)))
    top = head(output, settings, site_id, max(updated, old.updated), content.links)
    made = render_documents(top, entries)
    digests = {format: digest(body) for format, body in made.items()}
    new = mark_digest(digests.values())
    mark = old if new == old.digest else Mark(new, max(int(now), old.modified), top.updated)
    page = b"" if output.token is not None else render_page(settings, top, content, notice)
    return FeedUpdate(output, top, content, made, digests, page, mark, old, filling)


def render_page(settings: Settings, top: Head, content: Content, notice: str | None) -> bytes:
    """The page of a feed with its newest stories. notice: see `make_update`."""
    shown = [one.entry for one in content.listed if one.entry]
    further = [one.headline for one in content.listed if not one.entry]
    return pages.topic(settings.site, top, shown, further, images=settings.publish.images == "link", notice=notice)
