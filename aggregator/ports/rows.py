"""Rows that the store keeps, apart from sources and stories."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from aggregator.model import Evidence, Instant, ItemId, Link, Slug, SourceId, StoryId, ThreadId


class KnownItem(Struct, frozen=True):
    """The parts of a stored item that identification needs. title_hash: the stored `identify.title_hash` of its title.

    first_seen, published, undated, old, excess, astray: as stored. A changed entry keeps them.
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
    excess: bool = False
    astray: bool = False


class Remembered(Struct, frozen=True):
    """An entry that readers know and a restored database does not, since it came after the backup.

    story: the id under which readers know it. An entry known from the old database has `source` and `guid`; one known from
    published files alone has neither, and is found by `canonical` and `title_hash`, its address and title. published, updated,
    visible: of the story, where they are known. old, excess, private: as in `Item`; shown: its story was in a published document.
    """

    story: StoryId
    source: SourceId | None = None
    guid: str | None = None
    canonical: str | None = None
    title_hash: bytes = b""
    published: Instant | None = None
    updated: Instant | None = None
    visible: bytes = b""
    old: bool = False
    excess: bool = False
    private: bool = False
    shown: bool = True


class Attributes(NamedTuple):
    """What stored items have from the config of their source."""

    source: SourceId
    outlet: str
    outlet_key: str
    rank: int
    group: str | None
    tags: tuple[str, ...]
    aggregator: bool


class Hold(Struct, frozen=True):
    """A registrable domain that must not be requested before `until`, after a 429 or 503."""

    domain: str
    until: Instant
    reason: str


REJECTS_KEPT = 500
"""Rejects kept per source: enough to see what a rule drops, and a bound if it drops a whole feed."""


class Reject(Struct, frozen=True):
    """An entry that a `keep` or `drop` rule rejected. rule: "keep" or "drop" and the query's text."""

    source: SourceId
    guid: str
    url: str | None
    title: str
    rule: str
    at: Instant


class OutputState(Struct, frozen=True):
    """The stored state of a published feed.

    definition: an 8-byte hash of what selects its stories; filling: whether backlog may still enter (`publish.filling`);
    revision: grows by one with each change of membership or of a member; changed: when it last grew; as_of: the instant at
    which `age` is evaluated; withdrawn: whether the feed left the config (410).
    """

    slug: Slug
    definition: bytes
    filling: bool = True
    revision: int = 0
    changed: Instant = 0.0
    as_of: Instant = 0.0
    withdrawn: bool = False


class Member(Struct, frozen=True):
    """A story's place in a published feed. seq: its rank of entering, from 1, never reused in that feed."""

    story: StoryId
    seq: int
    entered: Instant


class Shown(NamedTuple):
    """A member that is in no closed archive page, with what decides its order and whether it must be rendered again.

    published, updated: of the story. version: grows with each stored change of the story, its items, or its tags.
    It is a tuple because each change of a feed makes hundreds of them.
    """

    story: StoryId
    seq: int
    entered: Instant
    published: Instant
    updated: Instant
    version: int


class Candidate(NamedTuple):
    """A member of a feed that competes for a place in its document. thread: None if it is in none; pairs count.

    outlet: its lead's, None if that is of no outlet; outlets: how many tell it, 0 if they were not to be counted.
    """

    story: StoryId
    thread: ThreadId | None
    outlet: str | None
    outlets: int
    published: Instant
    updated: Instant


class Whereabouts(Struct, frozen=True):
    """Where a story id leads. story: the id, or the story it was merged into; feeds: the published feeds that it is in.

    private: whether one of its items is private.
    """

    story: StoryId
    feeds: frozenset[Slug]
    private: bool


class ArchivePage(Struct, frozen=True):
    """A closed page of a published feed (RFC 5005 section 4). It changes only when stories are taken down.

    page: its number; 1 is the oldest. closed: when it was closed, or stories were last taken out. updated: of its newest story.
    body: rendered entries, compressed by publish/archive.py.
    """

    slug: Slug
    page: int
    closed: Instant
    updated: Instant
    stories: tuple[StoryId, ...]
    body: bytes


class Subscription(Struct, frozen=True):
    """A subscription to a feed at our hub (WebSub). topic: the feed's path ("/feeds/all.atom"), without `site.url`.

    domain: the callback's domain, for limits (`hub_rules.domain_of`).
    """

    topic: str
    callback: str
    secret: str | None
    lease_until: Instant
    created: Instant
    domain: str = ""


HUB_DOCUMENT = "websub"
HUB_DENIAL = "denied"
WEBHOOK = "webhook"
ALERT = "alert"
"""Kinds of deliveries. HUB_DOCUMENT: the document `topic` to a subscriber; HUB_DENIAL: the end of its subscription;
WEBHOOK: the story `subject` of the output `topic` to its webhook; ALERT: an event to `alerts.webhook`."""
CHANNEL = "channel"
CHANNEL_ALERT = "channel-alert"
"""Kinds of deliveries to channels, whose target is the channel's id. CHANNEL: the story, or issue of a digest, `subject` of the
output `topic`; CHANNEL_ALERT: the event whose opening and key are the `subject`."""


class Delivery(Struct, frozen=True):
    """A message that is retried until it arrives. A newer one with the same (kind, topic, target, subject) replaces it.

    kind: one of those above. version: of the content, so that the same content is not sent twice.
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


class Reached(NamedTuple):
    """A story that was the first of its thread, or of itself, to reach the threshold of an output. number: in order of time."""

    number: int
    story: StoryId


EVENTS = 5_000
"""Events that are searched for open ones. More than the number of sources that can be broken at a time."""


class Event(Struct, frozen=True):
    """An event in the health feed, such as a source that is broken or silent.

    key: kind and subject; at most one event of a key is open at a time. closed: when it ended, which makes a second entry.
    """

    key: str
    kind: str
    title: str
    detail: str
    opened: Instant
    closed: Instant | None = None


class PollRequest(Struct, frozen=True):
    """A request by `aggregator poll` to a running daemon. ids: None for all sources. forced: poll them even if not due."""

    key: str
    ids: tuple[SourceId, ...] | None
    forced: bool


class Override(Struct, frozen=True):
    """What a person's decision binds: one entry, or a pair of them. Kept permanently, unless the decision is undone.

    kind: "merge" (a, b: items' (source, guid) as "source guid"), "split" (a: the item), "drop" (a: canonical URL),
    "pin" (a: the item that leads), "title" (a: an item of the story, b: the headline, none once it has lapsed),
    "thread-split", "thread-merge" (a: an item of the story, b: the thread's id), "thread-drop" (a: an item of the story).
    decision: the id of the `Decision`.
    """

    kind: str
    a: str
    b: str | None
    at: Instant
    decision: int | None = None


class Traces(Struct, frozen=True, omit_defaults=True):
    """What a decision changed, as far as undoing and showing it need that. All of it is as it was just before.

    title: the story's headline; url: of the entry that was named; text: the new headline; told: what the entry told under its own
    headline, as far as grouping reads it.
    stories: merge: (kept, alias); split: (left, new); of threads: those that left one or entered it; else the story.
    items: those that changed their story, or that was pinned.
    leads: of these stories; feeds: those that the alias or the dropped story was in; aliases: ids that led to the alias.
    updated: of the alias; evidence: item → when and why it joined, of those split off; astray: which of these were.
    thread: the one that stories were in, or were moved out of (merge: the alias); into: the one that they entered (merge: the one
    that the kept story was in); thread_aliases: ids that led to
    `thread`; links: of the stories.
    entries: the keys (`override_key`) or addresses in a decision of an older release, which stored nothing else.
    """

    title: str = ""
    url: str | None = None
    text: str = ""
    told: tuple[str, str] | None = None
    stories: tuple[StoryId, ...] = ()
    items: tuple[ItemId, ...] = ()
    leads: dict[StoryId, ItemId] = {}
    feeds: tuple[Slug, ...] = ()
    aliases: tuple[StoryId, ...] = ()
    updated: Instant = 0.0
    evidence: dict[ItemId, tuple[Instant, Evidence]] = {}
    astray: tuple[ItemId, ...] = ()
    entries: tuple[str, ...] = ()
    thread: ThreadId | None = None
    into: ThreadId | None = None
    thread_aliases: tuple[ThreadId, ...] = ()
    links: tuple[Link, ...] = ()


class Decision(Struct, frozen=True):
    """A person's decision, as `stories decisions` lists it. undone: when it was undone.

    kind: "merge", "split", "drop", "pin", "title", "thread-merge", "thread-split" or "thread-drop"; readers must expect others.
    """

    id: int
    kind: str
    at: Instant
    undone: Instant | None
    traces: Traces
