"""Ids of entries that differ from feed to feed (`publish.ids: per-feed`).

Entries are rendered, and kept on archive pages, under the story's own id. It is replaced when a document is put together, so
that no document mixes both kinds, whenever its pages were closed.
"""

from __future__ import annotations

import uuid

from aggregator.model import StoryId
from aggregator.publish.entry.addresses import entry_id
from aggregator.settings import Output, Publishing

STORY = "_story"
"""Member of a JSON item that has an id of its feed: `{"id": …}` is the story's own."""


def scope_of(output: Output, publish: Publishing) -> str | None:
    """What this feed's ids are made from besides the story: its first slug. None if entries have the story's own id.

    Issues of a digest and rejected entries are in one feed alone, so they keep their ids.
    """
    if publish.ids != "per-feed" or output.digest is not None or output.rejected:
        return None
    return output.first_slug


def feed_entry_id(story: StoryId, scope: str) -> str:
    """The id of a story's entry in one feed: made of the two alone, so that a restore or another lead changes nothing."""
    return f"urn:uuid:{uuid.uuid5(uuid.UUID(story), scope)}"


def scoped_xml(entry: bytes, story: StoryId, scope: str | None) -> bytes:
    """An Atom entry or RSS item as this feed has it."""
    if scope is None:
        return entry
    own, other = entry_id(story), feed_entry_id(story, scope)
    for name in ("id", "guid"):  # in text, the bracket would be escaped
        entry = entry.replace(f">{own}</{name}>".encode(), f">{other}</{name}>".encode(), 1)
    return entry


def scoped_item(item: bytes, story: StoryId, scope: str | None) -> bytes:
    """A JSON item as this feed has it. It names the story's own id, too, by which a restored database knows it again."""
    if scope is None:
        return item
    own, other = entry_id(story), feed_entry_id(story, scope)
    return item.replace(f'{{"id":"{own}"'.encode(), f'{{"id":"{other}","{STORY}":{{"id":"{own}"}}'.encode(), 1)
