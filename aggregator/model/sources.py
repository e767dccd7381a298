"""Configured feeds, and what the store knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field

from aggregator.model.names import Instant, SourceId
from aggregator.text.masks import repr_without


class Auto(Struct, frozen=True):
    """`every: auto`: the rhythm is learnt."""


class Fixed(Struct, frozen=True):
    """`every: 15m`. `strict`: written at the source itself, so that a feed's hints don't slow it down."""

    seconds: float
    strict: bool = True


class Cron(Struct, frozen=True):
    """`every: "0 6 * * *"`, in the site's time zone. `strict` as in `Fixed`."""

    line: str
    strict: bool = True


Every: TypeAlias = Auto | Fixed | Cron


class Source(Struct, frozen=True):
    """A configured feed, with what its group and the defaults gave it. Queries are texts that have been checked.

    budget: entries a day (UTC) that may enter feeds.
    shown: the address as it may be shown: without password, what was filled in as it is written (`${NAME}`).
    private: nothing of it may show in public.
    """

    id: SourceId
    url: str
    title: str | None = None
    group: str | None = None
    rank: int = 2
    tags: tuple[str, ...] = ()
    every: Every = Auto()
    keep: str | None = None
    drop: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    outlet: str | None = None
    aggregator: bool = False
    dedup: bool = True
    level: str = "story"
    proxy: str | None = None
    user_agent: str | None = None
    silent_after: float | None = None
    retain: float | None = None
    budget: int = 3_000
    enabled: bool = True
    private: bool = False
    shown: str = ""

    def __repr__(self) -> str:
        return repr_without(self, "url", "headers", "proxy")


class Validators(Struct, frozen=True):
    """What the server gave to ask "has it changed?" with, byte for byte (latin-1). For the final URL of that response."""

    etag: str | None = None
    last_modified: str | None = None


class Hints(Struct, frozen=True):
    """What a feed or its server says about when to come back. Seconds; hours 0–23 UTC; days Monday=0."""

    ttl: float | None = None
    max_age: float | None = None
    update_period: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


BEING_POLLED = "being polled"
"""`SourceState.reason` of a source from when it is taken up until its poll is stored."""


class SourceState(Struct, frozen=True):
    """What the store knows of a source. The poller replaces it whole, in the transaction of the poll.

    url: the address in use, which permanent redirects may have moved away from the configured one.
    not_before: until when even a forced poll waits (Retry-After, a hold of 429/503).
    arrivals: publication times of the newest entries (at most 40, oldest first): what the rhythm is learnt from.
    led: domains that its first entries have led to, with how many each: whom it speaks for is learnt from that.
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
    led: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    entries: int = 0
