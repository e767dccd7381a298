"""What things are called by: ids, slugs, instants."""

from __future__ import annotations

from typing import NewType, TypeAlias

SourceId = NewType("SourceId", str)
StoryId = NewType("StoryId", str)
"""A UUID in its usual form. `atom:id` is `urn:uuid:` and this; it never changes and never depends on `site.url`."""
ItemId = NewType("ItemId", int)
Slug = NewType("Slug", str)
Instant: TypeAlias = float
