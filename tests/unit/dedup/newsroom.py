"""A few items and an index to place them in: what the tests of grouping share."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.dedup.engine import Engine
from aggregator.dedup.search import Placement
from aggregator.model import Entry, Item, ItemId, SourceId, StoryId
from aggregator.settings import Dedup
from aggregator.store.index import MemoryStoryIndex
from aggregator.tag.places import find_places
from aggregator.text.canonical import canonical

NOON = 1_700_049_600.0
HOUR = 3600.0


class Desk:
    """Places items one after another and remembers which story each is in."""

    def __init__(self, settings: Dedup | None = None) -> None:
        self.engine = Engine(settings or Dedup(), find_places)
        self.index = MemoryStoryIndex()
        self.index.begin()
        self.stories: dict[str, StoryId] = {}
        self.placements: dict[str, Placement] = {}
        self._names: dict[int, str] = {}

    def put(
        self,
        name: str,
        title: str,
        text: str = "",
        *,
        source: str = "",
        hours: float = 0.0,
        url: str = "",
        joins: bool = True,
        language: str = "und",
        private: bool = False,
        outlet: str = "",
    ) -> StoryId:
        """Places an item of `source` (default: of its own) published `hours` after noon; returns its story.

        outlet: if an aggregator names it; else the source's own.
        """
        item = made(
            len(self._names) + 1,
            title,
            text,
            source=source or name,
            hours=hours,
            url=url or f"https://{source or name}.example/{name}",
            language=language,
            private=private,
            outlet_key=outlet or f"{source or name}.example",
        )
        signature = self.engine.prepare(item)
        placement = self.engine.place(self.index, item, signature, item.first_seen, joins)
        story = placement.story or StoryId(f"story of {name}")
        self.engine.record(self.index, item, story, signature, placement)
        for alias in placement.merges:
            self.index.merge(story, alias)
            self.stories.update({key: story for key, value in self.stories.items() if value == alias})
        self._names[item.id] = name
        self.stories[name] = story
        self.placements[name] = placement
        return story

    def split(self, name: str) -> None:
        """What a person's split does to the index."""
        number = next(number for number, known in self._names.items() if known == name)
        self.stories[name] = StoryId(f"split {name}")
        self.index.move(ItemId(number), self.stories[name])
        self.index.forget([ItemId(number)])

    def revise(self, name: str, title: str, text: str) -> bool:
        """The item's source has edited it. Returns True if it went astray."""
        number = next(number for number, known in self._names.items() if known == name)
        item = made(number, title, text)
        return self.engine.revise(self.index, item, self.engine.prepare(item))

    def together(self, *names: str) -> bool:
        """Whether these items are one story."""
        return len({self.stories[name] for name in names}) == 1

    def apart(self, *names: str) -> bool:
        """Whether no two of these items are in one story."""
        return len({self.stories[name] for name in names}) == len(names)


def made(
    number: int, title: str, text: str = "", *, source: str = "daily", hours: float = 0.0, url: str | None = None, **more: object
) -> Item:
    """An item with all that grouping looks at."""
    at = NOON + hours * HOUR
    item = Item(
        id=ItemId(number),
        source=SourceId(source),
        guid=f"{source} {number}",
        entry=Entry(guid=None, url=url, title=title, text=text, published=at),
        canonical=canonical(url) if url else None,
        outlet=f"{source}.example",
        outlet_key=f"{source}.example",
        published=at,
        first_seen=at,
        hash=b"",
    )
    return replace(item, **more)
