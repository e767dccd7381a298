"""Judges an answer: a document, "not modified", or a fault. Pure (RFC 9110, 9111, 3229)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from http import HTTPStatus

from msgspec import Struct
from msgspec.structs import replace

from aggregator.fetch import freshness, quota
from aggregator.fetch.challenge import REFUSALS, advice, guard_of
from aggregator.fetch.request import sendable
from aggregator.fetch.sniff import is_blank, is_page
from aggregator.model import (
    MAX_RETRY,
    Fault,
    FaultKind,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Hints,
    Hop,
    Instant,
    NotModified,
    Validators,
)

REDIRECTS = frozenset({301, 302, 303, 307, 308})
DOCUMENTS = frozenset({200, 203, 226})
"""Statuses with a document: 226 is a part of one, on request (RFC 3229), 203 a version that a proxy changed."""
HOLD_429 = 3
"""Multiples of `polling.min` that a host is on hold after a 429 without Retry-After."""

NONE = Validators()
Headers = tuple[tuple[str, str], ...]


class Answer(Struct, frozen=True, dict=True):
    """A response with its body decoded. Header names in lower case. asked: the validators that were sent.

    retry_at: from a Retry-After of a redirect before it.
    """

    url: str
    status: int
    headers: Headers
    body: bytes = b""
    asked: Validators = NONE
    hops: tuple[Hop, ...] = ()
    retry_at: Instant | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Sequence[str]]:
        """The values of each header, in order."""
        values: dict[str, list[str]] = {}
        for name, value in self.headers:
            values.setdefault(name, []).append(value)
        return values

    def header(self, name: str) -> str | None:
        """The first value of a header, or None; `name` in lower case."""
        values = self.by_name.get(name)
        return values[0] if values else None

    def all(self, name: str) -> str | None:
        """All values of a list header, joined, or None."""
        values = self.by_name.get(name)
        return ", ".join(values) if values else None


def judge(answer: Answer, now: Instant, hold: float, *, page: bool = False) -> FetchOutcome:
    """The outcome of a final answer, which is no redirect that is followed.

    hold: seconds; HOLD_429 times this is the hold after a 429 without Retry-After. page: whether a web page is a success.
    """
    if answer.status == 304:
        return _not_modified(answer, now)
    if answer.status in DOCUMENTS:
        return _document(answer, now, page)
    return _failed(answer, _as_challenge(answer, _status_fault(answer, now, hold)))


def hints_of(answer: Answer, now: Instant) -> Hints:
    """When to come back, according to the headers."""
    fresh = freshness.max_age(
        answer.all("cache-control"), answer.header("expires"), answer.header("date"), answer.header("age"), now
    )
    return Hints(max_age=fresh)


def wait_of(answer: Answer, now: Instant) -> Instant | None:
    """The instant of its Retry-After, or when its rate limit leaves something again; a redirect's before it if that is later."""
    own = freshness.retry_at(_wished_wait(answer, now), now)
    return max((at for at in (own, answer.retry_at) if at is not None), default=None)


def _wished_wait(answer: Answer, now: Instant) -> float | None:
    """Seconds. Retry-After takes precedence over what is said of a rate limit (draft-ietf-httpapi-ratelimit-headers)."""
    given = answer.header("retry-after") if answer.status >= 300 else None
    after = freshness.retry_after(given, answer.header("date"), now)
    return after if after is not None else _exhausted_for(answer, now)


def _exhausted_for(answer: Answer, now: Instant) -> float | None:
    """Seconds for which the server's rate limit is used up, or None. Said of the host, also beside a document."""
    return quota.exhausted_for(answer.by_name, now, refused=answer.status == 429)


def _not_modified(answer: Answer, now: Instant) -> FetchOutcome:
    if answer.asked == NONE:
        return _failed(answer, Fault(FaultKind.UNASKED_304, "304 not modified, although no validator was sent", 304))
    tag, modified = sendable(answer.header("etag")), sendable(answer.header("last-modified"))
    renewed = Validators(tag or answer.asked.etag, modified or answer.asked.last_modified)
    exhausted = _exhausted_for(answer, now) is not None
    return NotModified(answer.url, renewed, answer.hops, hints_of(answer, now), 304, wait_of(answer, now), exhausted)


def _document(answer: Answer, now: Instant, page: bool) -> FetchOutcome:
    fault = _unusable(answer, page)
    if fault is not None:
        return FetchFailed(fault, answer.hops, answer.url, answer.body if fault.kind is FaultKind.HTML else b"")
    return Fetched(
        url=answer.url,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        validators=Validators(sendable(answer.header("etag")), sendable(answer.header("last-modified"))),
        hops=answer.hops,
        hints=hints_of(answer, now),
        retry_at=wait_of(answer, now),
        holds_host=_exhausted_for(answer, now) is not None,
    )


def _unusable(answer: Answer, page: bool) -> Fault | None:
    """Why the body of a success is no document, or None."""
    kind = answer.header("content-type") or ""
    if is_blank(answer.body):
        return Fault(FaultKind.EMPTY, f"empty body ({answer.status})", answer.status)
    if answer.status == 226 and (answer.header("im") or "feed").strip().lower() != "feed":
        return Fault(FaultKind.CODING, "226 with a manipulation that was not asked for", 226)
    if not is_page(answer.body, kind):
        return None
    if (guard := guard_of(answer.status, answer.headers, answer.body)) is not None:
        return Fault(FaultKind.CHALLENGE, advice(guard), answer.status)
    return None if page else Fault(FaultKind.HTML, "a web page (HTML), not a feed", answer.status)


def _status_fault(answer: Answer, now: Instant, hold: float) -> Fault:
    """A 429 holds the host, and so does a 503 with Retry-After, and whatever says that a rate limit is used up. A wait beyond
    MAX_RETRY holds the source alone, so that one feed of a host can't stop all the others.
    """
    status, wait = answer.status, wait_of(answer, now)
    is_exhausted = _exhausted_for(answer, now) is not None
    if status in (429, 503):
        seconds = _wished_wait(answer, now)
        plain = status == 429 and seconds is None
        if plain:
            wait = max(now + hold * HOLD_429, wait or 0.0)
        holds = plain or (seconds is not None and seconds <= MAX_RETRY)
        return Fault(FaultKind.STATUS, _status_text(status), status, retry_at=wait, holds_host=holds)
    kind, extra = _KINDS.get(status, (FaultKind.STATUS, ""))
    if status == 410 and not all(hop.is_permanent for hop in answer.hops):
        kind = FaultKind.STATUS  # the target of a temporary redirect is gone, not the source
    if status == 403 and is_exhausted:  # as GitHub does
        kind, extra = FaultKind.STATUS, ": its rate limit is used up"
    return Fault(kind, _status_text(status) + extra, status, retry_at=wait, holds_host=is_exhausted)


def _as_challenge(answer: Answer, fault: Fault) -> Fault:
    """The fault of a refusal, told by the name of the guard that refuses. What it holds and how long stays."""
    if answer.status not in REFUSALS:
        return fault
    guard = guard_of(answer.status, answer.headers, answer.body)
    if guard is None:
        return fault
    return replace(fault, kind=FaultKind.CHALLENGE, detail=f"{_status_text(answer.status)}: {advice(guard)}")


_KINDS: Mapping[int, tuple[FaultKind, str]] = {
    204: (FaultKind.EMPTY, ": nothing to read"),
    206: (FaultKind.STATUS, ", although no range was asked for"),
    401: (FaultKind.AUTH, ": it wants credentials (headers: or user:password in the url)"),
    403: (FaultKind.AUTH, ": the server refuses us"),
    407: (FaultKind.AUTH, ": the proxy wants credentials"),
    410: (FaultKind.GONE, ": not polled any more"),
}


def _status_text(status: int) -> str:
    """`404 not found`: the registered phrase, never the server's own, which could be anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase.lower()}"
    except ValueError:
        return f"unknown status {status}"


def _failed(answer: Answer, fault: Fault) -> FetchFailed:
    return FetchFailed(fault, answer.hops, answer.url)
