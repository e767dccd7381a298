"""The nouns: frozen values that every stage speaks in. Nothing here does I/O or knows the time.

Instants are seconds since the Unix epoch, UTC. Texts are Unicode without control characters unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, TypeAlias

SourceId = NewType("SourceId", str)
StoryId = NewType("StoryId", str)
"""A UUID in its usual form. `atom:id` is `urn:uuid:` and this; it never changes and never depends on `site.url`."""
ItemId = NewType("ItemId", int)
Slug = NewType("Slug", str)
Instant: TypeAlias = float


# --- sources
@dataclass(frozen=True, slots=True)
class Auto:
    """`every: auto`: the rhythm is learnt."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """`every: 15m`. `strict`: written at the source itself, so that a feed's hints don't slow it down."""

    seconds: float
    strict: bool = True


@dataclass(frozen=True, slots=True)
class Cron:
    """`every: "0 6 * * *"`, in the site's time zone. `strict` as in `Fixed`."""

    line: str
    strict: bool = True


Every: TypeAlias = Auto | Fixed | Cron


@dataclass(frozen=True, slots=True)
class Source:
    """A configured feed, with what its group and the defaults gave it. Queries are texts that have been checked.

    shown: the address as it may be shown: without password, what was filled in as it is written (`${NAME}`).
    """

    id: SourceId
    url: str = field(repr=False)
    title: str | None = None
    group: str | None = None
    rank: int = 2
    tags: tuple[str, ...] = ()
    every: Every = Auto()
    keep: str | None = None
    drop: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    outlet: str | None = None
    aggregator: bool = False
    dedup: bool = True
    level: str = "story"
    proxy: str | None = field(default=None, repr=False)
    user_agent: str | None = None
    silent_after: float | None = None
    retain: float | None = None
    enabled: bool = True
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server gave to ask "has it changed?" with, byte for byte (latin-1). For the final URL of that response."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """What a feed or its server says about when to come back. Seconds; hours 0–23 UTC; days Monday=0."""

    ttl: float | None = None
    max_age: float | None = None
    update_period: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the store knows of a source. The poller replaces it whole, in the transaction of the poll.

    url: the address in use, which permanent redirects may have moved away from the configured one.
    not_before: until when even a forced poll waits (Retry-After, a hold of 429/503).
    arrivals: publication times of the newest entries (at most 40, oldest first): what the rhythm is learnt from.
    counters: everything dropped, by reason ("keep", "drop", "cap:entries", …), and other counts, all since the start.
    """

    id: SourceId
    url: str
    due: Instant = 0.0
    not_before: Instant = 0.0
    reason: str = "never polled"
    validators: Validators = Validators()
    validators_url: str | None = None
    body_hash: bytes = b""
    last_poll: Instant | None = None
    last_status: int | None = None
    last_error: str | None = None
    last_fault: str | None = None
    last_success: Instant | None = None
    first_success: Instant | None = None
    last_new: Instant | None = None
    failures: int = 0
    parse_failures: int = 0
    gone: bool = False
    moved_to: str | None = None
    moved_times: int = 0
    hints: Hints = Hints()
    arrivals: tuple[Instant, ...] = ()
    title: str | None = None
    home: str | None = None
    format: str | None = None
    language: str | None = None
    languages: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    entries: int = 0


# --- faults
class FaultKind(StrEnum):
    """Why a fetch or a parse failed: the closed set that status, metrics and tests speak in.

    OFFLINE: our own side has no route or no name server; it says nothing about the source.
    """

    DNS = "dns"
    OFFLINE = "offline"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    ADDRESS = "address"
    URL = "url"
    TOO_LARGE = "too_large"
    CODING = "coding"
    REDIRECT = "redirect"
    STATUS = "status"
    AUTH = "auth"
    GONE = "gone"
    HELD = "held"
    EMPTY = "empty"
    HTML = "html"
    NOT_A_FEED = "not_a_feed"
    UNASKED_304 = "unasked_304"
    PARSE = "parse"
    PARSE_LIMIT = "parse_limit"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a fetch or a parse failed. `detail` is one clean line for a person; `retry_at` binds even forced polls.

    feeds: where the answer was a web page, the feed addresses that it offers.
    holds_host: the whole registrable domain is held until `retry_at` (429, 503).
    """

    kind: FaultKind
    detail: str
    status: int | None = None
    retry_at: Instant | None = None
    holds_host: bool = False
    feeds: tuple[str, ...] = ()


# --- fetch
@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One conditional request. `validators` are sent only where they belong: to `validators_url`.

    configured: the address in the config, if another one is in use: its user:password and `headers` go to its origin alone.
    """

    url: str
    validators: Validators = Validators()
    validators_url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str | None = None
    proxy: str | None = None
    configured: str | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect that was followed."""

    status: int
    url: str
    location: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 200 (or 226) with a body, decoded from its content coding and otherwise untouched bytes. Header names in lower case."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    validators: Validators = Validators()
    hops: tuple[Hop, ...] = ()
    hints: Hints = Hints()
    retry_at: Instant | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header, or None; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class NotModified:
    """A 304 to our own validators. `validators` are the renewed ones (RFC 9110 15.4.5)."""

    url: str
    validators: Validators
    hops: tuple[Hop, ...] = ()
    hints: Hints = Hints()
    status: int = 304
    retry_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """A poll without a document. url: the address that failed, the last of the hops."""

    fault: Fault
    hops: tuple[Hop, ...] = ()
    url: str = ""


FetchOutcome: TypeAlias = Fetched | NotModified | FetchFailed


# --- parse
@dataclass(frozen=True, slots=True)
class Enclosure:
    """A media file. `length` in bytes, `duration` in seconds."""

    url: str
    type: str | None = None
    length: int | None = None
    duration: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    term: str
    scheme: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The feed an entry says it was taken from (RSS `source`, `atom:source`)."""

    title: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the outlet sent it, cleaned.

    guid: the feed's own id, as sent (surrounding white space off), or None.
    url: the article, absolute http(s), or None.
    title: text, at most 500 characters, never empty when there is any text at all.
    summary, content: cleaned HTML; text: the longer of the two as text, for search and dedup.
    published, updated: None where the feed gave none or nonsense; never clamped here.
    fingerprint: 8 bytes over everything the entry was read from; the same bytes in, the same out.
    """

    guid: str | None
    url: str | None
    title: str
    summary: str = ""
    content: str = ""
    text: str = ""
    published: Instant | None = None
    updated: Instant | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image: str | None = None
    language: str | None = None
    comments: str | None = None
    origin: Origin | None = None
    fingerprint: bytes = b""


@dataclass(frozen=True, slots=True)
class Feed:
    """A document as read. `unchanged`: fingerprints of entries the caller knew already, which were not read further.

    format: "rss 2.0", "atom 1.0", "json feed 1.1", …; dropped: counts by cap ("cap:entries", …); warnings: short clean lines.
    """

    format: str
    entries: tuple[Entry, ...]
    title: str | None = None
    url: str | None = None
    language: str | None = None
    charset: str | None = None
    image: str | None = None
    hints: Hints = Hints()
    hub: str | None = None
    self_url: str | None = None
    moved_to: str | None = None
    unchanged: tuple[bytes, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


# --- items, stories
@dataclass(frozen=True, slots=True)
class Item:
    """An entry with identity: (source, guid) is unique and belongs to that source alone.

    guid: the identity key (the feed's guid, or what replaces it: identify.py); canonical: canonical URL or None.
    outlet: who published it, as shown; outlet_key: what outlets are counted by (registrable domain or folded name).
    published: never later than first_seen; first_seen where the feed gave none (then `undated`).
    hash: 8 bytes over what a reader sees; old: held back from feeds that people already read (a new source's backlog).
    origin: the news agency named in dateline, author or byline ("reuters"), or None.
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


@dataclass(frozen=True, slots=True)
class Evidence:
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


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    kind: TagKind
    value: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """What several outlets tell: one item for the subscriber.

    items: by first sight; outlets follow in that order. lead: the item shown.
    published: of the story, fixed at its birth; updated: moves only when what a reader sees changes.
    visible: 8 bytes over what a reader sees; alias_of: the story this one turned out to be; old: as in `Item`, if all items are.
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
    def outlets(self) -> tuple[str, ...]:
        """Names of the outlets, each once, in order of appearance. One key or one name is one outlet.

        A publisher that the config names and one that an aggregator's entry names have different keys and the same name.
        """
        names: list[str] = []
        seen: set[str] = set()
        for item in self.items:
            marks = (item.outlet_key, item.outlet.casefold())
            if seen.isdisjoint(marks):
                names.append(item.outlet)
            seen.update(marks)
        return tuple(names)

    @property
    def language(self) -> str:
        return self.lead_item.language
