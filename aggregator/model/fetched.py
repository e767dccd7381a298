"""Faults, requests, and what came of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from aggregator.model.names import Instant
from aggregator.model.sources import Hints, Validators

MAX_RETRY = 7 * 86_400.0
"""Seconds of the longest wish to wait (Retry-After) that is believed."""


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


class Fault(Struct, frozen=True):
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


class FetchRequest(Struct, frozen=True):
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


PERMANENT = frozenset({301, 308})
"""Statuses that say where something is from now on (RFC 9110 15.4.2, 15.4.9)."""


class Hop(Struct, frozen=True):
    """A redirect that was followed."""

    status: int
    url: str
    location: str

    @property
    def is_permanent(self) -> bool:
        return self.status in PERMANENT


class Fetched(Struct, frozen=True):
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


class NotModified(Struct, frozen=True):
    """A 304 to our own validators. `validators` are the renewed ones (RFC 9110 15.4.5)."""

    url: str
    validators: Validators
    hops: tuple[Hop, ...] = ()
    hints: Hints = Hints()
    status: int = 304
    retry_at: Instant | None = None


class FetchFailed(Struct, frozen=True):
    """A poll without a document. url: the address that failed, the last of the hops; page: the web page that came instead."""

    fault: Fault
    hops: tuple[Hop, ...] = ()
    url: str = ""
    page: bytes = b""


FetchOutcome: TypeAlias = Fetched | NotModified | FetchFailed
