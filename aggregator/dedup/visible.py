"""What a subscriber sees of a story, as a hash: `updated` moves when it changes, and only then. Pure."""

from __future__ import annotations

import hashlib

from aggregator.model import Entry, Story
from aggregator.text.html import text_of
from aggregator.text.urls import without_tracking


def visible_hash(story: Story, *, full: bool) -> bytes:
    """8 bytes over the lead's title, link, text, authors and media, and over the outlets with their links, in order.

    full: whether any feed carries the whole content; if not, it counts only where nothing else says what the entry is about.
    """
    lead = story.lead_item
    entry = lead.entry
    link = without_tracking(entry.url or "")
    parts = [
        entry.title,
        link,
        entry.summary,
        entry.content if full or not _is_told(entry) else "",
        lead.outlet,
        *entry.authors,
        entry.image or "",
    ]
    parts += [f"{media.url} {media.type} {media.length}" for media in entry.enclosures]
    seen: set[str] = set()
    for item in story.reports:
        marks = (item.outlet_key, item.outlet.casefold())
        if seen.isdisjoint(marks):
            parts += [item.outlet, link if item is lead else without_tracking(item.entry.url or "")]
        seen.update(marks)
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()


def _is_told(entry: Entry) -> bool:
    """Whether the summary has text: then excerpts are made of it alone (publish/excerpt.py)."""
    return bool(entry.content and entry.summary and text_of(entry.summary))
