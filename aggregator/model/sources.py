"""Configured feeds, and their stored state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field

from aggregator.model.ids import Instant, SourceId
from aggregator.text.masks import repr_without


class Auto(Struct, frozen=True):
    """`every: auto`: the rhythm is learnt."""


class Fixed(Struct, frozen=True):
    """`every: 15m`. strict: written at the source itself, so the feed's hints don't slow it down."""

    seconds: float
    strict: bool = True


class Cron(Struct, frozen=True):
    """`every: "0 6 * * *"`, in the site's time zone. `strict` as in `Fixed`."""

    line: str
    strict: bool = True


Every: TypeAlias = Auto | Fixed | Cron


class Source(Struct, frozen=True):
    """A configured feed, with the settings of its group and the defaults. Queries are checked texts.

    budget: new entries per day (UTC) that may enter feeds.
    enrich: hooks that are asked about its stories, each as used and as shown.
    shown: the address for display, without password and with variables as written (`${NAME}`).
    private: its items are never public. full_text: the articles of its entries are fetched.
    kind: "feed" or "sitemap" if its document must be one; None: whichever it is.
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
    full_text: bool = False
    enrich: tuple[tuple[str, str], ...] = ()
    shown: str = ""
    kind: str | None = None

    def __repr__(self) -> str:
        return repr_without(self, "url", "headers", "proxy", "enrich")


class Validators(Struct, frozen=True):
    """ETag and Last-Modified of a response, byte for byte (latin-1). They belong to its final URL."""

    etag: str | None = None
    last_modified: str | None = None


class Hints(Struct, frozen=True):
    """When a feed or its server wants us back. Seconds; hours 0–23 UTC; days from Monday=0."""

    ttl: float | None = None
    max_age: float | None = None
    update_period: float | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()


BEING_POLLED = "being polled"
"""`SourceState.reason` from the start of a poll until it is stored."""


class SourceState(Struct, frozen=True):
    """The stored state of a source. A poll replaces all of it, in its transaction.

    url: the address in use; permanent redirects may have changed it from the configured one.
    not_before: even a forced poll waits until then (Retry-After, a hold after 429 or 503).
    arrivals: publication times of the newest entries (at most 40, oldest first), from which the rhythm is learnt.
    led: domains that its first entries link to, with counts, from which the outlet it speaks for is learnt.
    reader: version of the reader that read its last document (`parse.raw.READER_VERSION`); 0 if not known.
    counters: what was dropped, by reason ("keep", "drop", "cap:entries", …), and other counts since the first poll.
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
    reader: int = 0
