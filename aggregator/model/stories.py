"""Items, and the stories that they tell."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.enrichments import Enrichment
from aggregator.model.feeds import Entry
from aggregator.model.ids import Instant, ItemId, Slug, SourceId, StoryId
from aggregator.model.threads import Earlier, Thread
from aggregator.text.discussions import discussion_of, place_of
from aggregator.text.html import text_of


class Item(Struct, frozen=True):
    """A stored entry, identified by (source, guid).

    guid: the feed's guid or what replaces it (stories/identity/identify.py); canonical: canonical URL or None.
    outlet: the publisher's name as shown; outlet_key: what outlets are counted by (registrable domain or folded name).
    published: never later than first_seen; first_seen if the feed gave none (then `undated`).
    hash: 8 bytes over what a reader sees; old: kept out of feeds that people already read (a new source's backlog).
    excess: beyond its source's daily budget; it brings no story into a feed.
    origin: the news agency named in dateline, credit or byline ("reuters"), or None.
    private: from a private source. Stored with the item, so that it stays private after the source leaves the config.
    unattributed: passed on by an aggregator without a word on whose it is; counts as no outlet.
    second_hand: links to a domain not its source's own (stories/identity/outlets.py); never leads before first-hand items.
    astray: edited so that it no longer tells its story. It stays there, but isn't shown or counted while others are.
    headline: the title as shown and compared, if the title as sent names the outlet ("… - The Guardian"), else None.
    hidden: the edited `keep` or `drop` that took it out of its story ("drop title:sponsored"). Only `hidden=True` reads see it.
    article: cleaned HTML of its page, fetched after it was stored (`full_text`), or "". Identity and grouping don't read it.
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
    unattributed: bool = False
    headline: str | None = None
    hidden: str | None = None
    article: str = ""

    @property
    def title(self) -> str:
        """The title without the outlet's name. `entry.title` is the one that was sent."""
        return self.entry.title if self.headline is None else self.headline

    @property
    def text(self) -> str:
        """The text that queries and search read: the entry's, or its article's if that is longer."""
        return max(self.entry.text, text_of(self.article), key=len) if self.article else self.entry.text

    @property
    def body(self) -> str:
        """The HTML that `content: full` shows: the entry's, or its article if that is longer."""
        if self.article and len(text_of(self.article)) > len(self.entry.text):
            return self.article
        return self.entry.content or self.entry.summary


class Evidence(Struct, frozen=True):
    """Why an item is in its story. `terms` add up to `score`; `nearest` is the best story that it did not join.

    nearest_rule: what kept it out of that story; nearest_agrees, nearest_asked: with how many of its items it agrees, of how many
    that were asked (none, if it agreed with none that it was compared with).
    """

    rule: str
    score: float = 0.0
    terms: tuple[tuple[str, float], ...] = ()
    partner: ItemId | None = None
    nearest: StoryId | None = None
    nearest_score: float | None = None
    nearest_rule: str = ""
    nearest_agrees: int = 0
    nearest_asked: int = 0


class TagKind(StrEnum):
    """TAG: source, group and rule tags; HOOK: what hooks told (`enrich:`); the others are automatic."""

    TAG = "tag"
    ENTITY = "entity"
    SUBJECT = "subject"
    CATEGORY = "category"
    HOOK = "hook"


class Tag(Struct, frozen=True, order=True):
    kind: TagKind
    value: str
    reason: str = ""


class Story(Struct, frozen=True):
    """The items of several outlets that tell the same: one entry for a subscriber.

    items: in the order of first sight, and so are the outlets; lead: the item shown.
    published: fixed when the story begins; updated: changes only when what a reader sees changes.
    visible: 8 bytes over what a reader sees; alias_of: the story that this one was merged into; old: kept out of feeds
    that people already read, as all its items are. headline: a person's correction of the lead's title. lead_moved: when the
    lead moved last after the story was published; 0 if never.
    thread: the thread it is in, if that is shown; earlier: what came before it there when it was first published.
    enriched: what hooks told of it, in the order of the config.
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
    headline: str | None = None
    lead_moved: Instant = 0.0
    thread: Thread | None = None
    earlier: Earlier | None = None
    enriched: tuple[Enrichment, ...] = ()

    @property
    def title(self) -> str:
        """The headline as shown: a person's correction, or the lead's own title."""
        return self.lead_item.title if self.headline is None else self.headline

    def as_corrected(self) -> Story:
        """The story with a person's headline in place of the lead's title, as queries read it. Grouping reads the original."""
        if self.headline is None:
            return self
        items = (
            replace(item, entry=replace(item.entry, title=self.headline), headline=None) if item.id == self.lead else item
            for item in self.items
        )
        return replace(self, items=tuple(items))

    @property
    def lead_item(self) -> Item:
        return next(item for item in self.items if item.id == self.lead)

    @property
    def private(self) -> bool:
        """True if it may only be in feeds with a token: one private item is enough."""
        return any(item.private for item in self.items)

    @property
    def excess(self) -> bool:
        """True if all its items are beyond their sources' budgets."""
        return bool(self.items) and all(item.excess for item in self.items)

    @property
    def reports(self) -> tuple[Item, ...]:
        """The items that tell the story: without those astray, unless all are."""
        if len(self.items) == 1:  # as in most stories, which are asked often
            return self.items
        return tuple([item for item in self.items if not item.astray]) or self.items

    @property
    def newest(self) -> Instant:
        """When the newest report of the story, or of its thread, was published."""
        reports = max((item.published for item in self.reports), default=self.published)
        return reports if self.thread is None else max(reports, self.thread.newest)

    @property
    def outlets(self) -> tuple[str, ...]:
        """Names of the outlets, each once, in order of appearance."""
        return tuple(item.outlet for item in first_of_outlets(self.reports))

    @property
    def discussions(self) -> tuple[tuple[str, str], ...]:
        """Names and addresses of where it is discussed: what the lead names, and known places that any report names.

        Another report can't put a site of its choice there.
        """
        own = self.lead_item
        found: dict[str, str] = {}
        for item in (own, *(one for one in self.reports if one is not own)):
            entry = item.entry
            if (place := discussion_of(entry.url, entry.comments)) and (item is own or place_of(place[1])):
                found.setdefault(place[1], place[0])
        return tuple((name, url) for url, name in found.items())

    @property
    def language(self) -> str:
        return self.lead_item.language


class OutletsSeen:
    """Tells outlets apart, as items go by. Those with one key are one; unattributed items are of none. A source that is no
    aggregator is one, whichever domains it was thought to have while these were learnt.

    So are those with one name, where one of them is known by its name alone: a publisher named in the config, and the same one
    named by an aggregator's entry, share no key. Two papers called The Herald have a domain each, and are two.
    """

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._sources: set[SourceId] = set()
        self._names: set[str] = set()
        self._names_alone: set[str] = set()
        self.count = 0
        """How many outlets were seen."""

    def add(self, item: Item, name: str | None = None) -> bool:
        """Adds an item's outlet. Returns whether it is new. name: as shown."""
        if item.unattributed:
            return False
        return self.see(item.outlet_key, name or item.outlet, None if item.aggregator else item.source)

    def see(self, key: str, name: str, source: SourceId | None = None) -> bool:
        """Adds an outlet by its key and its name. Returns whether it is new. source: None if it is an aggregator, or unknown."""
        if source is not None:
            if source in self._sources:
                return False
            self._sources.add(source)
        called = name.casefold()
        alone = "." not in key
        is_new = not (key in self._keys or called in self._names_alone or (alone and called in self._names))
        self._keys.add(key)
        self._names.add(called)
        if alone:
            self._names_alone.add(called)
        self.count += is_new
        return is_new


def first_of_outlets(items: Iterable[Item]) -> list[Item]:
    """The first item of each outlet."""
    seen = OutletsSeen()
    return [item for item in items if seen.add(item)]
