"""Hashes what a subscriber sees of a story: `updated` moves only when the hash changes. Pure."""

from __future__ import annotations

import hashlib

from aggregator.model import Entry, Story
from aggregator.model.stories import first_of_outlets
from aggregator.text.html import text_of
from aggregator.text.urls import without_tracking


def visible_hash(story: Story, *, full: bool) -> bytes:
    """8 bytes over the headline, the lead's link, text, authors and media, and over the outlets with their links, in order.

    full: True if any feed carries the whole content; if not, content counts only for entries without a summary.
    """
    lead = story.lead_item
    entry = lead.entry
    link = without_tracking(entry.url or "")
    parts = [
        story.title,
        link,
        entry.summary,
        entry.content if full or not _has_summary(entry) else "",
        lead.outlet,
        *entry.authors,
        entry.image or "",
    ]
    parts += [f"{media.url} {media.type} {media.length}" for media in entry.enclosures]
    for item in first_of_outlets(story.reports):
        parts += [item.outlet, link if item is lead else without_tracking(item.entry.url or "")]
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()


def _has_summary(entry: Entry) -> bool:
    """True if content and summary both have text: then excerpts are made of the summary alone (publish/excerpt.py)."""
    return bool(entry.content and entry.summary and text_of(entry.summary))
