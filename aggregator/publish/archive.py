"""Archives (RFC 5005 section 4): entries that leave the subscription document stay readable on archive pages, each story once.

A page is closed when the document exceeds its size by one page. Closed pages are stored as rendered entries, so later edits
of a story do not change them and they outlive the stored texts.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from aggregator.model import Instant, Slug, SourceId, StoryId
from aggregator.ports import ArchivePage, Shown, StoreView, beyond_share, share
from aggregator.publish.entry.view import unique_updated
from aggregator.publish.rendering import Rendered

SMALLEST_PAGE = 10
LARGEST_PAGE = 100
"""Bounds on the entries of an archive page, which holds half as many as the document shows."""


def page_size(items: int) -> int:
    return min(max(items // 2, SMALLEST_PAGE), LARGEST_PAGE)


def is_due(shown: Sequence[Shown], items: int) -> bool:
    """Whether a page is due to be closed: the document exceeds its size by one page."""
    return len(shown) >= items + page_size(items)


def select_to_close(shown: Sequence[Shown], items: int, sources: Mapping[StoryId, SourceId]) -> tuple[Shown, ...]:
    """Selects the members of the next page to close: those unchanged for longest. Empty if no page is due.

    Members of a source that holds more than its share of the document go first, however new they are, so that no source
    pushes out all others. sources: the source of each story's lead.

    At least `items` members remain afterwards. Pages follow the order of last change, and a story that was just updated stays
    in the document.
    """
    if not is_due(shown, items):
        return ()
    quiet = sorted(shown, key=_quiet_since)
    beyond = beyond_share(reversed(quiet), share(items), sources)
    return tuple(sorted(quiet, key=lambda one: one.story not in beyond)[: page_size(items)])


def _quiet_since(one: Shown) -> tuple[int, Instant, int]:
    return int(max(one.updated, one.entered)), unique_updated(one.updated, one.story), one.seq


def make_page(slug: Slug, page: int, entries: Sequence[Rendered], now: Instant) -> ArchivePage:
    """Makes a page of entries that are sorted newest first."""
    return ArchivePage(
        slug=slug,
        page=page,
        closed=now,
        updated=max(one.updated for one in entries),
        stories=tuple(one.story for one in entries),
        body=pack(entries),
    )


def pack(entries: Sequence[Rendered]) -> bytes:
    rows = [
        (one.story, one.version, one.published, one.updated, one.atom.decode(), one.rss.decode(), one.json.decode())
        for one in entries
    ]
    return zlib.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def unpack(body: bytes) -> list[Rendered]:
    rows = json.loads(zlib.decompress(body))
    return [
        Rendered(StoryId(story), version, published, updated, atom.encode(), rss.encode(), made.encode())
        for story, version, published, updated, atom, rss, made in rows
    ]


def newest_of(store: StoreView, slug: Slug, stories: Collection[StoryId]) -> Rendered | None:
    """The newest entry on a feed's pages that is of one of `stories`; None if none is."""
    for page in reversed(store.pages(slug)):
        stored = store.page(slug, page.page)
        for entry in unpack(stored.body) if stored is not None else ():
            if entry.story in stories:
                return entry
    return None


def replace_stories(
    page: ArchivePage, stories: Collection[StoryId], anew: Mapping[StoryId, Rendered], now: Instant
) -> ArchivePage:
    """The page with `stories` replaced by their entries in `anew`; those without an entry there are removed."""
    entries = [anew.get(one.story, one) for one in unpack(page.body) if one.story in anew or one.story not in stories]
    return _written_anew(page, entries, now)


def remove_stories(page: ArchivePage, stories: Collection[StoryId], now: Instant) -> ArchivePage:
    """The page without stories that were taken down."""
    return _written_anew(page, [one for one in unpack(page.body) if one.story not in stories], now)


def _written_anew(page: ArchivePage, entries: Sequence[Rendered], now: Instant) -> ArchivePage:
    written = max(now, page.closed)  # a clock that was set back must not hide the change from caches
    return replace(page, closed=written, stories=tuple(one.story for one in entries), body=pack(entries))
