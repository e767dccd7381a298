"""Entries with identity, and the stories that they tell."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from aggregator.model.documents import Entry
from aggregator.model.names import Instant, ItemId, Slug, SourceId, StoryId


class Item(Struct, frozen=True):
    """An entry with identity: (source, guid) is unique and belongs to that source alone.

    guid: the identity key (the feed's guid, or what replaces it: identify.py); canonical: canonical URL or None.
    outlet: who published it, as shown; outlet_key: what outlets are counted by (registrable domain or folded name).
    published: never later than first_seen; first_seen where the feed gave none (then `undated`).
    hash: 8 bytes over what a reader sees; old: held back from feeds that people already read (a new source's backlog).
    excess: beyond its source's budget of the day: it brings no story into any feed.
    origin: the news agency named in dateline, author or byline ("reuters"), or None.
    private: of a private source. Kept with the item, so that a source which leaves the config stays private.
    second_hand: it links to a domain that is not its source's own (stories/outlets.py): it never leads before one that is not.
    astray: it was edited and tells its story no more: it stays there, and is neither shown nor counted while others are.
    """

    id: ItemId
    source: SourceId
    guid: str
    entry: Entry
    canonical: str | None
    outlet: str
    outlet_key: str
    published: Instant
    first_seen: Instant
    hash: bytes
    language: str = "und"
    rank: int = 2
    group: str | None = None
    tags: tuple[str, ...] = ()
    aggregator: bool = False
    undated: bool = False
    old: bool = False
    origin: str | None = None
    private: bool = False
    excess: bool = False
    second_hand: bool = False
    astray: bool = False


class Evidence(Struct, frozen=True):
    """Why an item is in its story. `terms` sum to `score`; `nearest` is the best story that it did not join."""

    rule: str
    score: float = 0.0
    terms: tuple[tuple[str, float], ...] = ()
    partner: ItemId | None = None
    nearest: StoryId | None = None
    nearest_score: float | None = None


class TagKind(StrEnum):
    """TAG: source, group and rule tags; the others are automatic."""

    TAG = "tag"
    ENTITY = "entity"
    SUBJECT = "subject"
    CATEGORY = "category"


class Tag(Struct, frozen=True, order=True):
    kind: TagKind
    value: str
    reason: str = ""


class Story(Struct, frozen=True):
    """What several outlets tell: one item for the subscriber.

    items: by first sight; outlets follow in that order. lead: the item shown.
    published: of the story, fixed at its birth; updated: moves only when what a reader sees changes.
    visible: 8 bytes over what a reader sees; alias_of: the story this one turned out to be; old: held back
    from feeds that people already read, as all its items are.
    """

    id: StoryId
    items: tuple[Item, ...]
    lead: ItemId
    published: Instant
    first_seen: Instant
    updated: Instant
    lead_reason: str = ""
    tags: tuple[Tag, ...] = ()
    topics: tuple[Slug, ...] = ()
    visible: bytes = b""
    alias_of: StoryId | None = None
    old: bool = False
    dropped: bool = False

    @property
    def lead_item(self) -> Item:
        return next(item for item in self.items if item.id == self.lead)

    @property
    def private(self) -> bool:
        """Whether it may show in feeds with a token alone: one private item makes it so."""
        return any(item.private for item in self.items)

    @property
    def excess(self) -> bool:
        """Whether all its items are beyond their sources' budgets."""
        return bool(self.items) and all(item.excess for item in self.items)

    @property
    def reports(self) -> tuple[Item, ...]:
        """The items that tell the story: all but those that went astray, unless all did."""
        return tuple(item for item in self.items if not item.astray) or self.items

    @property
    def outlets(self) -> tuple[str, ...]:
        """Names of the outlets, each once, in order of appearance. One key or one name is one outlet.

        A publisher that the config names and one that an aggregator's entry names have different keys and the same name.
        """
        names: list[str] = []
        seen: set[str] = set()
        for item in self.reports:
            marks = (item.outlet_key, item.outlet.casefold())
            if seen.isdisjoint(marks):
                names.append(item.outlet)
            seen.update(marks)
        return tuple(names)

    @property
    def language(self) -> str:
        return self.lead_item.language
