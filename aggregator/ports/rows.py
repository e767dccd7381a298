"""What the store keeps beside sources and stories."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from aggregator.model import (
    Instant,
    ItemId,
    Slug,
    SourceId,
    StoryId,
)


class KnownItem(Struct, frozen=True):
    """What identification needs of a stored item. title_hash: `identify.title_hash` of its title, as stored with it.

    first_seen, published, undated, old, excess, astray: as they were stored; a changed entry keeps them.
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


class Hold(Struct, frozen=True):
    """A registrable domain that must not be asked before `until` (429, 503)."""

    domain: str
    until: Instant
    reason: str


class Reject(Struct, frozen=True):
    """An entry that `keep` or `drop` threw away. rule: "keep" or "drop" and the query's text."""

    source: SourceId
    guid: str
    url: str | None
    title: str
    rule: str
    at: Instant


class OutputState(Struct, frozen=True):
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


class Member(Struct, frozen=True):
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


class Whereabouts(Struct, frozen=True):
    """Where a story's page leads. story: the one that it has become; feeds: the published feeds that it is in.

    private: one of its items is.
    """

    story: StoryId
    feeds: frozenset[Slug]
    private: bool


class ArchivePage(Struct, frozen=True):
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


class Subscription(Struct, frozen=True):
    """Who is told by the hub when a feed changes (WebSub). topic: the feed's path ("/feeds/all.atom"), whatever `site.url` is.

    domain: whose the callback is, by which limits count (`hub_rules.domain_of`).
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
"""Kinds of deliveries: the document `topic` to a subscriber's callback; that there will be no more; the story `subject` of the
output `topic` to its webhook; an event to `alerts.webhook`."""


class Delivery(Struct, frozen=True):
    """Something that must be sent until it arrives. (kind, topic, target, subject) is its key: a newer one replaces it.

    kind: one of the four above. version: of what is sent, so that the same is not sent twice.
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


EVENTS = 5_000
"""Events looked through for open ones, or for one: more than there are sources that can be broken at a time."""


class Event(Struct, frozen=True):
    """Something that a person should know: a source broken or silent, a rule's test that fails. An entry of the health feed.

    key: kind and subject; one event of a key is open at a time. closed: when it was over (that is a second entry).
    """

    key: str
    kind: str
    title: str
    detail: str
    opened: Instant
    closed: Instant | None = None


class PollRequest(Struct, frozen=True):
    """What `aggregator poll` asks of a running daemon. ids: None for every source. forced: whether or not they are due."""

    key: str
    ids: tuple[SourceId, ...] | None
    forced: bool


class Override(Struct, frozen=True):
    """A person's decision on stories, kept for good.

    kind: "merge" (a, b: items' (source, guid) as "source guid"), "split" (a: the item), "drop" (a: canonical URL).
    """

    kind: str
    a: str
    b: str | None
    at: Instant
