"""The seams: what the path asks of the world. Real and test implementations run the same contract tests."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from aggregator.errors import QueryError
from aggregator.model import (
    Entry,
    Evidence,
    Fault,
    Feed,
    Fetched,
    FetchOutcome,
    FetchRequest,
    Instant,
    Item,
    ItemId,
    Slug,
    Source,
    SourceId,
    SourceState,
    Story,
    StoryId,
    Tag,
)


class Clock(Protocol):
    """Time. `now` is UTC wall time, `monotonic` never jumps; both in seconds."""

    def now(self) -> Instant: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Fetcher(Protocol):
    async def fetch(self, request: FetchRequest, now: Instant) -> FetchOutcome:
        """Never raises for what a server or the network does: that is a `FetchFailed`."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """Something sent to an address that others chose: a hub's verification or delivery, a webhook."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. body: its beginning, up to 64 KiB."""

    status: int
    body: bytes


class Messenger(Protocol):
    async def send(self, message: Message) -> Reply | Fault:
        """Sends it once, to public addresses and those that `network.allow` names. No redirect is followed. Never raises."""
        ...

    async def aclose(self) -> None: ...


class Parser(Protocol):
    async def parse(self, document: Fetched, known: frozenset[bytes], now: Instant) -> Feed | Fault:
        """Reads a document. Entries whose fingerprint is in `known` come back as fingerprints alone (`Feed.unchanged`)."""
        ...

    async def aclose(self) -> None: ...


# --- store
@dataclass(frozen=True, slots=True)
class KnownItem:
    """What identification needs of a stored item. title_hash: `identify.title_hash` of its title, as stored with it.

    first_seen, published, undated, old: as they were stored; a changed entry keeps them.
    """

    id: ItemId
    guid: str
    canonical: str | None
    hash: bytes
    fingerprint: bytes
    title_hash: bytes
    story: StoryId
    first_seen: Instant
    published: Instant
    undated: bool = False
    old: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """A registrable domain that must not be asked before `until` (429, 503)."""

    domain: str
    until: Instant
    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """An entry that `keep` or `drop` threw away. rule: "keep" or "drop" and the query's text."""

    source: SourceId
    guid: str
    url: str | None
    title: str
    rule: str
    at: Instant


@dataclass(frozen=True, slots=True)
class OutputState:
    """What the store knows of a published feed.

    definition: 8 bytes over what selects its stories; filling: it has not yet been published in full, so a new source's
    backlog enters it; revision: grows by one with each change of membership or of a member; changed: when that was last;
    as_of: the instant at which `age` is evaluated; withdrawn: it is not in the config any more (410).
    """

    slug: Slug
    definition: bytes
    filling: bool = True
    revision: int = 0
    changed: Instant = 0.0
    as_of: Instant = 0.0
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A story's place in a published feed. seq: order of entering, from 1, never reused in that feed."""

    story: StoryId
    seq: int
    entered: Instant


class Shown(NamedTuple):
    """A member that is not in a closed archive page, with what decides its place and whether it must be rendered anew.

    published, updated: of the story. version: grows with each stored change of the story or one of its items, tags included.
    A tuple, because hundreds are made for each change of a feed.
    """

    story: StoryId
    seq: int
    entered: Instant
    published: Instant
    updated: Instant
    version: int


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """A closed page of a published feed (RFC 5005 section 4). It changes no more, save that what is taken down leaves it.

    page: from 1, the oldest. updated: of its newest story. body: its rendered entries, compressed by publish/archive.py, so that
    they outlive the texts.
    """

    slug: Slug
    page: int
    closed: Instant
    updated: Instant
    stories: tuple[StoryId, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told by the hub when a feed changes (WebSub). topic: the feed's path ("/feeds/all.atom"), whatever `site.url` is."""

    topic: str
    callback: str
    secret: str | None
    lease_until: Instant
    created: Instant


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that must be sent until it arrives. (kind, topic, target, subject) is its key: a newer one replaces it.

    kind: "websub" (the document `topic` to a callback) or "webhook" (the story `subject` of the output `topic` to its address).
    version: of what is sent, so that the same is not sent twice.
    """

    kind: str
    topic: str
    target: str
    subject: str
    version: str
    created: Instant
    due: Instant
    attempts: int = 0
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a person should know: a source broken or silent, a rule's test that fails. An entry of the health feed.

    key: kind and subject; one event of a key is open at a time. closed: when it was over (that is a second entry).
    """

    key: str
    kind: str
    title: str
    detail: str
    opened: Instant
    closed: Instant | None = None


@dataclass(frozen=True, slots=True)
class StoryFilter:
    """A superset of the stories that a query matches; the query's predicate then decides.

    fts: an FTS5 MATCH expression over the columns title, text, author, of which the tokens are those of `text.words`.
    sources, groups, tags: any of these, if not None. since: stories with an item first seen at or after it. topic: member of it.
    """

    fts: str | None = None
    sources: frozenset[str] | None = None
    groups: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    topic: str | None = None
    language: str | None = None
    since: Instant | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision on stories, kept for good.

    kind: "merge" (a, b: items' (source, guid) as "source guid"), "split" (a: the item), "drop" (a: canonical URL).
    """

    kind: str
    a: str
    b: str | None
    at: Instant


@dataclass(slots=True)
class IndexedItem:
    """An item as grouping remembers it, for as long as something may still join it.

    at: when published; added: when stored; signature: what dedup/ compares, in its own bytes; form: the item is one of a series
    of texts of one form (results, rates), so that only near-equal numbers join it; view: what dedup/ has unpacked of the
    signature, kept with the row in memory and never stored.
    """

    id: ItemId
    story: StoryId
    source: SourceId
    outlet: str
    at: Instant
    added: Instant
    signature: bytes
    form: bool = False
    view: object | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Term:
    """A word, an address or a title, by its hash. Only the index writes here.

    frequency: items it stands in, in the index's `unit`; postings: the last items that it leads to, oldest first, each as
    `id << MINUTE_BITS | minute published`.
    """

    frequency: float = 0.0
    seen: Instant = 0.0
    postings: array[int] = field(default_factory=lambda: array("q"))


MINUTE_BITS = 26
"""Bits of a posting that hold minutes since the epoch: until the year 2097."""


@dataclass(slots=True)
class SourceWords:
    """How often words stand in a source's items: those in half of them are its boilerplate. counts of rare words are dropped."""

    items: int = 0
    counts: dict[int, int] = field(default_factory=dict)


class StoryIndex(Protocol):
    """What grouping looks up and remembers, inside a transaction. Keys are 63-bit hashes. dedup/engine.py says what for.

    Its writes commit and roll back with the transaction's. It forgets what is too old to be joined.
    """

    @property
    def total(self) -> float:
        """Items counted in `Term.frequency`, in the same unit: their quotient is a share of recent items."""
        ...

    @property
    def unit(self) -> float:
        """What one new item adds to `total` and to a frequency. It grows, so that older items count less and less."""
        ...

    def terms(self, keys: Collection[int]) -> dict[int, Term]:
        """A term for each key; one of frequency 0 where nothing is known."""
        ...

    def items(self, ids: Iterable[int]) -> dict[int, IndexedItem]:
        """Those of the items that are still remembered."""
        ...

    def members(self, story: StoryId) -> tuple[int, ...]:
        """The remembered items of a story, oldest first."""
        ...

    def add(self, item: IndexedItem, counted: Collection[int], posted: Collection[int]) -> None:
        """Remembers an item; the terms `counted` stand in it, the terms `posted` lead to it."""
        ...

    def replace(self, item: IndexedItem) -> None:
        """Stores an item's new signature, story or form."""
        ...

    def source_words(self, source: SourceId) -> SourceWords:
        """For reading; `count_words` changes it."""
        ...

    def count_words(self, source: SourceId, words: Collection[int]) -> None:
        """One more item of the source, with these words in it."""
        ...

    def merge(self, kept: StoryId, alias: StoryId) -> None:
        """The alias's items are the kept story's now. Called by `Transaction.merge_stories`."""
        ...

    def move(self, item: ItemId, story: StoryId) -> None:
        """The item is another story's now. Called by `Transaction.move_item`."""
        ...

    def forget(self, items: Collection[ItemId]) -> None:
        """Nothing joins these items any more (split off by a person, or deleted). Their stories stay."""
        ...


class Transaction(Protocol):
    """All writes of one poll: committed together or not at all (`Store.begin`)."""

    @property
    def index(self) -> StoryIndex: ...

    def save_state(self, state: SourceState) -> None: ...

    def add_item(self, item: Item, story: StoryId | None, evidence: Evidence) -> tuple[Item, StoryId]:
        """Stores a new item (its `id` is given here) in a story; None makes one, whose id is minted from (source, guid)."""
        ...

    def update_item(self, item: Item) -> StoryId:
        """Replaces what a changed item says. Identity, first_seen and story stay. Returns its story."""
        ...

    def rekey_item(self, item: ItemId, guid: str) -> None:
        """A feed changed an entry's guid: the item is now known by the new one."""
        ...

    def touch_items(self, source: SourceId, fingerprints: Collection[bytes], ids: Collection[ItemId], now: Instant) -> None:
        """These items are still in their source's document (retention counts from here).

        With what this transaction adds and updates they are the whole of it: other items of the source have left it.
        """
        ...

    def story(self, story: StoryId) -> Story | None: ...

    def stories(self, ids: Iterable[StoryId]) -> list[Story]:
        """Whole stories as this transaction sees them, in the order asked for; unknown ids are left out."""
        ...

    def save_story(self, story: Story) -> None:
        """Stores everything of a story but its items."""
        ...

    def merge_stories(self, kept: StoryId, alias: StoryId, now: Instant) -> None:
        """Moves the alias's items to `kept`; the alias stays as a redirect and leaves all feeds."""
        ...

    def move_item(self, item: ItemId, story: StoryId | None, evidence: Evidence, now: Instant) -> StoryId:
        """Moves an item to another story (None: a new one). An item is never left without a story."""
        ...

    def members_of(self, story: StoryId) -> frozenset[Slug]:
        """The published feeds that a story is in."""
        ...

    def published_stories(self, ids: Collection[StoryId]) -> frozenset[StoryId]:
        """Those of them that were ever in a published feed's document (see `mark_published`)."""
        ...

    def enter(self, slug: Slug, stories: Sequence[StoryId], now: Instant) -> None:
        """Puts stories into a feed, in this order; those that are in stay where they are."""
        ...

    def leave(self, slug: Slug, stories: Collection[StoryId]) -> None: ...

    def bump(self, slugs: Collection[Slug], now: Instant) -> None:
        """These feeds' documents have changed (their `revision` grows)."""
        ...

    def outputs(self) -> dict[Slug, OutputState]: ...
    def save_output(self, state: OutputState) -> None: ...

    def mark_published(self, ids: Collection[StoryId]) -> None:
        """A document with these stories is about to become visible: from now on their ids are promises."""
        ...

    def save_page(self, page: ArchivePage) -> None:
        """Closes an archive page: its stories stay members and are no more `shown`. A page of that number is replaced."""
        ...

    def save_subscription(self, subscription: Subscription) -> None:
        """By (topic, callback): a renewal replaces."""
        ...

    def remove_subscription(self, topic: str, callback: str) -> None: ...

    def save_delivery(self, delivery: Delivery) -> None: ...

    def remove_delivery(self, delivery: Delivery) -> None:
        """By its key, if the stored one still has this version."""
        ...

    def save_event(self, event: Event) -> None:
        """By (key, opened)."""
        ...

    def add_rejects(self, rejects: Sequence[Reject]) -> Mapping[str, int]:
        """Keeps what was thrown away. Returns how many were new, by the first word of their rule ("keep", "drop")."""
        ...

    def save_hold(self, hold: Hold) -> None: ...

    def add_override(self, override: Override) -> None: ...

    def set_value(self, key: str, value: str | None) -> None: ...


class Store(Protocol):
    """The database. Reads see committed state. One writer: `begin` waits for its turn."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """BEGIN IMMEDIATE … COMMIT; an exception inside rolls everything back."""
        ...

    def close(self) -> None: ...

    # sources
    def sync_sources(self, sources: Sequence[Source], now: Instant) -> None:
        """Makes rows for new sources (due now), revives those that came back, marks the missing as not configured (not due).

        A configured URL that changed resets validators, redirects and `gone`.
        """
        ...

    def states(self, ids: Collection[SourceId] | None = None) -> dict[SourceId, SourceState]:
        """Configured sources alone, in the order of the config."""
        ...

    def due(self, now: Instant, limit: int) -> list[SourceState]:
        """Configured, not gone sources whose `due` has come, the longest due first."""
        ...

    def next_due(self) -> Instant | None: ...
    def holds(self, now: Instant) -> dict[str, Hold]: ...

    # items
    def fingerprints(self, source: SourceId) -> frozenset[bytes]:
        """Of the items that were in the source's last document."""
        ...

    def known(self, source: SourceId, guids: Collection[str], canonicals: Collection[str]) -> list[KnownItem]:
        """Items of this source that have one of these guids or canonical URLs."""
        ...

    # stories
    def story(self, story: StoryId) -> Story | None:
        """With its items; an alias comes back as stored (`alias_of` set, no items)."""
        ...

    def stories(self, ids: Iterable[StoryId]) -> list[Story]: ...

    def find(self, where: StoryFilter, limit: int | None = None) -> Iterator[Story]:
        """Stories that may match, newest published first, no aliases and no dropped ones."""
        ...

    def story_of(self, url_or_id: str) -> StoryId | None:
        """The story of a story id (aliases followed), an item's URL (as sent or canonical) or its guid."""
        ...

    def evidence(self, story: StoryId) -> dict[ItemId, tuple[Instant, Evidence]]:
        """When and why each of its items joined."""
        ...

    def rejects(self, limit: int, source: SourceId | None = None) -> list[Reject]: ...
    def overrides(self) -> list[Override]: ...

    # outputs
    def outputs(self) -> dict[Slug, OutputState]: ...

    def members(self, slug: Slug, limit: int | None = None, before: int | None = None) -> list[Member]:
        """Newest entered first; `before`: of smaller seq alone."""
        ...

    def shown(self, slug: Slug) -> list[Shown]:
        """Members in no closed archive page, newest entered first. Cheap: no story is loaded."""
        ...

    def members_of(self, story: StoryId) -> frozenset[Slug]:
        """The published feeds that a story is in, archive pages included."""
        ...

    def pages(self, slug: Slug) -> list[ArchivePage]:
        """Closed archive pages, the oldest first, with `body` left empty."""
        ...

    def page(self, slug: Slug, page: int) -> ArchivePage | None: ...

    # who is told
    def subscriptions(self, topic: str | None = None) -> list[Subscription]: ...

    def deliveries(self, now: Instant, limit: int) -> list[Delivery]:
        """Those due, the longest due first."""
        ...

    def next_delivery(self) -> Instant | None: ...

    def events(self, limit: int) -> list[Event]:
        """Newest opened first."""
        ...

    # the rest
    def counts(self) -> Mapping[str, int]:
        """sources, items, stories, aliases, bytes (of the database)."""
        ...

    def value(self, key: str) -> str | None: ...


# --- tags
@dataclass(frozen=True, slots=True)
class Tagged:
    """What the rules say of a story. reasons: for each topic and output, the branch of its query that matched."""

    tags: tuple[Tag, ...]
    topics: tuple[Slug, ...]
    outputs: tuple[Slug, ...]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QueryNames:
    """The names that queries may speak of: a source, group, tag or topic that is not there is an error with a suggestion.

    entities: those of the user's own list, beside the built-in ones; None: not known, so that only likely mistakes are told.
    """

    sources: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    entities: frozenset[str] | None = None


class QueryChecker(Protocol):
    def __call__(self, text: str, names: QueryNames, *, rolling: bool, entry: bool) -> list[QueryError]:
        """What is wrong with a query. rolling: `age` may be used; entry: it is a `keep` or `drop` (no topics, no outlets)."""
        ...


class Rules(Protocol):
    """The compiled tags, topics and outputs of a config."""

    def apply(self, story: Story, as_of: Instant) -> Tagged: ...

    def apart(self, item: Item) -> str | None:
        """The query of `dedup.never` that keeps an item in a story of its own, or None."""
        ...

    def rejected(self, source: Source, item: Item) -> str | None:
        """The rule by which `keep` or `drop` throws an item away, or None."""
        ...


class LanguageGuesser(Protocol):
    def guess(self, entry: Entry, declared: str | None, history: Mapping[str, int]) -> tuple[str, bool]:
        """(language or "und", whether the title alone was sure: then the source's history counts it)."""
        ...
