"""Archives (RFC 5005 section 4): what leaves the subscription document stays readable, page by page, each story once.

A page is closed when the document has grown by a page beyond what it must show. Closed pages are stored as rendered entries:
they never change when a story is edited later, and they outlive the texts.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from aggregator.model import Instant, Slug, SourceId, StoryId
from aggregator.ports import ArchivePage, Shown, beyond_share, share
from aggregator.publish.rendering import Rendered
from aggregator.publish.view import apart

SMALLEST_PAGE = 10
LARGEST_PAGE = 100
"""Entries on an archive page: half of what the document shows, within these bounds, so that neither gets unwieldy."""


def page_size(items: int) -> int:
    return min(max(items // 2, SMALLEST_PAGE), LARGEST_PAGE)


def is_due(shown: Sequence[Shown], items: int) -> bool:
    """Whether a page is to be closed: the document has grown by one."""
    return len(shown) >= items + page_size(items)


def to_close(shown: Sequence[Shown], items: int, sources: Mapping[StoryId, SourceId]) -> tuple[Shown, ...]:
    """The members of the next page to be closed, or nothing: those about which subscribers heard nothing new for longest.

    Those of a source that holds more than its share of the document go first, however new: no source pushes all others out.
    sources: of the stories' leads.

    After closing, at least `items` members are left. So pages are in the order in which their stories last changed, as their
    dates tell it (many enter at one moment when a feed starts), and a story that was just updated stays in the document.
    """
    if not is_due(shown, items):
        return ()
    quiet = sorted(shown, key=_quiet_since)
    beyond = beyond_share(reversed(quiet), share(items), sources)
    return tuple(sorted(quiet, key=lambda one: one.story not in beyond)[: page_size(items)])


def _quiet_since(one: Shown) -> tuple[int, Instant, int]:
    return int(max(one.updated, one.entered)), apart(one.updated, one.story), one.seq


def close(slug: Slug, page: int, entries: Sequence[Rendered], now: Instant) -> ArchivePage:
    """Makes the page of these entries, which come newest first."""
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


def with_anew(page: ArchivePage, stories: Collection[StoryId], anew: Mapping[StoryId, Rendered]) -> ArchivePage:
    """The page with some of its stories as they are now; those that are not there any more leave it."""
    entries = [anew.get(one.story, one) for one in unpack(page.body) if one.story in anew or one.story not in stories]
    return replace(page, stories=tuple(one.story for one in entries), body=pack(entries))


def without(page: ArchivePage, stories: Collection[StoryId]) -> ArchivePage:
    """The page without stories that were taken down: the one change that a closed page suffers."""
    return replace(
        page,
        stories=tuple(story for story in page.stories if story not in stories),
        body=pack([one for one in unpack(page.body) if one.story not in stories]),
    )
