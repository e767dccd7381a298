"""Requests of documents, their outcomes, and faults."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from aggregator.model.ids import Instant
from aggregator.model.sources import Hints, Validators

MAX_RETRY = 7 * 86_400.0
"""Seconds of the longest Retry-After that is believed."""


class FaultKind(StrEnum):
    """The kinds of failure of a fetch or a parse, as in status and metrics.

    OFFLINE: our own side has no route or no name server, which says nothing about the source.
    CHALLENGE: a firewall or CDN wants a browser, or refuses programs.
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
    CHALLENGE = "challenge"
    NOT_A_FEED = "not_a_feed"
    NOT_A_PAGE = "not_a_page"
    ROBOTS = "robots"
    UNASKED_304 = "unasked_304"
    PARSE = "parse"
    PARSE_LIMIT = "parse_limit"
    INTERNAL = "internal"


class Fault(Struct, frozen=True):
    """Why a fetch or a parse failed. detail: one clean line for a person; retry_at: even forced polls wait for it.

    feeds: addresses of the feeds that a web page offers, if one came instead of a feed.
    holds_host: the whole registrable domain is on hold until `retry_at` (429, 503).
    """

    kind: FaultKind
    detail: str
    status: int | None = None
    retry_at: Instant | None = None
    holds_host: bool = False
    feeds: tuple[str, ...] = ()


class FetchRequest(Struct, frozen=True):
    """One conditional request. validators: sent only to `validators_url`.

    configured: the address in the config, if another one is in use. Only its origin gets its user:password and `headers`.
    page: whether a web page or another text is asked for, which is no feed.
    follow: whether redirects are followed; if not, the first one is the failure, with where it leads as its hop.
    """

    url: str
    validators: Validators = Validators()
    validators_url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    user_agent: str | None = None
    proxy: str | None = None
    configured: str | None = None
    page: bool = False
    follow: bool = True


PERMANENT = frozenset({301, 308})
"""Statuses of permanent redirects (RFC 9110 15.4.2, 15.4.9)."""


class Hop(Struct, frozen=True):
    """A redirect that was followed."""

    status: int
    url: str
    location: str

    @property
    def is_permanent(self) -> bool:
        return self.status in PERMANENT


class Fetched(Struct, frozen=True):
    """A success with a body, unpacked from its content coding but otherwise untouched. Header names in lower case.

    holds_host: the host's rate limit is used up until `retry_at`; body_hash: of a body that was left out once it was read.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    validators: Validators = Validators()
    hops: tuple[Hop, ...] = ()
    hints: Hints = Hints()
    retry_at: Instant | None = None
    holds_host: bool = False
    body_hash: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header, or None; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), None)


class NotModified(Struct, frozen=True):
    """A 304 to our validators. validators: updated from the answer (RFC 9110 15.4.5); holds_host: as in `Fetched`."""

    url: str
    validators: Validators
    hops: tuple[Hop, ...] = ()
    hints: Hints = Hints()
    status: int = 304
    retry_at: Instant | None = None
    holds_host: bool = False


class FetchFailed(Struct, frozen=True):
    """A poll without a document. url: the address that failed, after all hops; page: the web page that came instead."""

    fault: Fault
    hops: tuple[Hop, ...] = ()
    url: str = ""
    page: bytes = b""


FetchOutcome: TypeAlias = Fetched | NotModified | FetchFailed
