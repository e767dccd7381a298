"""Hashes what a subscriber sees of a story: `updated` moves only when the hash changes. Pure."""

from __future__ import annotations

import hashlib

from aggregator.model import Entry, Story
from aggregator.model.stories import first_of_outlets
from aggregator.text.html import text_of
from aggregator.text.urls import without_tracking
from aggregator.text.words import tokens


def visible_hash(story: Story, *, full: bool) -> bytes:
    """8 bytes over what `first_visible_hash` looks at, other headlines than the lead's, and where the story is discussed.

    full: True if any feed carries the whole content; if not, content counts only for entries without a summary.
    """
    said = tokens(story.title)
    others = [item.title for item in first_of_outlets((story.lead_item, *story.reports)) if item.id != story.lead]
    more = [title for title in others if (own := tokens(title)) and own != said]
    more += [without_tracking(url) for _, url in story.discussions]
    return _digest([*_parts(story, full=full), "also", *more])


def first_visible_hash(story: Story, *, full: bool) -> bytes:
    """The hash of earlier releases: over the headline, the lead's link, text, authors and media, and the outlets' links.

    A stored hash like this is of a story in which nothing has changed but the release.
    """
    return _digest(_parts(story, full=full))


def _parts(story: Story, *, full: bool) -> list[str]:
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
    return parts


def _digest(parts: list[str]) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=8).digest()


def _has_summary(entry: Entry) -> bool:
    """True if content and summary both have text: then excerpts are made of the summary alone (publish/excerpt.py)."""
    return bool(entry.content and entry.summary and text_of(entry.summary))
