"""Dates of entries that have none: what others' reports say of them. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import Story


def dated(story: Story, *, published: bool) -> Story:
    """Returns the story with undated items no newer than its dated reports: they only look new because they were just seen.

    published: subscribers know the story's own date, so it stays. Otherwise a story that an undated item began follows, too.
    """
    if not any(item.undated for item in story.items):
        return story
    known = [item.published for item in story.reports if not item.undated]
    if not known:
        return story
    first = min(known)
    items = tuple(replace(item, published=first) if item.undated and item.published > first else item for item in story.items)
    began_undated = items[0].undated and not published
    return replace(story, items=items, published=min(story.published, first) if began_undated else story.published)
