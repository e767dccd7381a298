"""Types of ids, slugs and instants."""

from __future__ import annotations

from typing import NewType, TypeAlias

SourceId = NewType("SourceId", str)
StoryId = NewType("StoryId", str)
"""A UUID in its usual form. An `atom:id` is `urn:uuid:` and this. It never changes and doesn't depend on `site.url`."""
ThreadId = NewType("ThreadId", str)
"""A UUID, like a story's."""
ItemId = NewType("ItemId", int)
Slug = NewType("Slug", str)
Instant: TypeAlias = float
