"""What a subscriber sees of a story, as a hash: `updated` moves when it changes, and only then. Pure."""

from __future__ import annotations

import hashlib

from aggregator.model import Story
from aggregator.text.urls import without_tracking


def visible_hash(story: Story) -> bytes:
    """8 bytes over the lead's title, link, text, authors and media, and over the outlets with their links, in order."""
    lead = story.lead_item
    entry = lead.entry
    link = without_tracking(entry.url or "")
    parts = [
        entry.title,
        link,
        entry.summary,
        entry.content,
        lead.outlet,
        *entry.authors,
        entry.image or "",
    ]
    parts += [f"{media.url} {media.type} {media.length}" for media in entry.enclosures]
    seen: set[str] = set()
    for item in story.items:
        marks = (item.outlet_key, item.outlet.casefold())
        if seen.isdisjoint(marks):
            parts += [item.outlet, link if item is lead else without_tracking(item.entry.url or "")]
        seen.update(marks)
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()
