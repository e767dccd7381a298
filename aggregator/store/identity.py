"""Makes the id of a story from its first item. Ids never change."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha1
from itertools import count

from aggregator.model import Item, StoryId, ThreadId

NAMESPACE = uuid.UUID("6f3a4a52-8c1e-5d0b-9f57-2f6f6f1d7c11")
"""Namespace of story ids. Never change it: a rebuilt database would give known stories new ids."""


def story_ids(item: Item) -> Iterator[StoryId]:
    """Candidate ids of a story begun by this item; the first free one is taken (UUID version 5, RFC 9562 section 5.5).

    So a database that is lost and filled again gives the same ids, as long as the same items begin the stories.
    """
    name = f"{item.source}\0{item.guid}"
    yield _uuid5(name)
    for number in count(2):
        yield _uuid5(f"{name}\0{number}")


def thread_ids(first: StoryId) -> Iterator[ThreadId]:
    """Candidate ids of a thread begun by this story; the first free one is taken."""
    for number in count(1):
        yield ThreadId(_uuid5(f"thread\0{first}\0{number}"))


@lru_cache(maxsize=1024)
def _uuid5(name: str) -> StoryId:
    """`str(uuid.uuid5(NAMESPACE, name))`, in a third of its time, because it runs for each new entry.

    Cached, because an entry is asked for it when its document comes, and when it begins a story.
    """
    digest = sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return StoryId(f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}")
