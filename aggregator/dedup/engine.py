"""The engine: which story an item joins, and on what evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from aggregator.model import Evidence, Instant, Item, StoryId
from aggregator.ports import MINUTE_BITS, IndexedItem, StoryIndex
from aggregator.settings import Dedup
from aggregator.text.urls import canonical
from aggregator.text.wire import bare_title, is_generic
from aggregator.text.words import tokens

MAX_ITEMS = 60
"""Items that a story holds at most: what grows beyond that is a topic."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What an item is compared by; made outside of the lock."""

    url: int | None
    title: int | None

    @property
    def keys(self) -> tuple[int, ...]:
        return tuple(key for key in (self.url, self.title) if key is not None)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an item belongs. story: None for a new one; merges: published or not, these prove to be the same story."""

    story: StoryId | None
    evidence: Evidence
    merges: tuple[StoryId, ...] = ()


class Engine:
    """Places items. It has no state: what it remembers is in the index."""

    def __init__(self, settings: Dedup) -> None:
        self._settings = settings

    def prepare(self, item: Item) -> Signature:
        """The signature of an item: pure, and the slow part."""
        link = canonical(item.entry.url) if item.entry.url else None
        words = tokens(bare_title(item.entry.title))
        title = None if is_generic(item.entry.title) or len(words) < 3 else _key("title", " ".join(words))
        return Signature(_key("url", link) if link and "/" in link else None, title)

    def place(self, index: StoryIndex, item: Item, signature: Signature, now: Instant, joins: bool = True) -> Placement:
        """The story that the item belongs to. Reads alone: `record` follows once the item is stored.

        joins: False for items of a source with `dedup: false` and for those that a `dedup.never` query matches.
        """
        if not joins:
            return Placement(None, Evidence("never joins"))
        terms = index.terms(signature.keys)
        for rule, key in (("same address", signature.url), ("same title", signature.title)):
            if key is None:
                continue
            postings = reversed(terms[key].postings)
            near = index.items(posting >> MINUTE_BITS for posting in postings)
            for row in near.values():
                if self._may_join(index, item, row, rule):
                    return Placement(row.story, Evidence(rule, 1.0, partner=row.id))
        return Placement(None, Evidence("new"))

    def record(self, index: StoryIndex, item: Item, story: StoryId, signature: Signature) -> None:
        """Remembers a stored item, so that others can join it. Not called for items that never join."""
        row = IndexedItem(item.id, story, item.source, item.outlet_key, item.published, item.first_seen, b"")
        index.add(row, (), signature.keys)

    def _may_join(self, index: StoryIndex, item: Item, row: IndexedItem, rule: str) -> bool:
        if abs(row.at - item.published) > self._settings.within or (row.source == item.source and rule != "same address"):
            return False
        members = index.items(index.members(row.story)).values()
        oldest = min((member.at for member in members), default=row.at)
        return len(members) < MAX_ITEMS and abs(item.published - oldest) <= self._settings.at_most


def _key(kind: str, value: str) -> int:
    digest = hashlib.blake2b(f"{kind} {value}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
