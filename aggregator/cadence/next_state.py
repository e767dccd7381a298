"""The complete next state of a source after a poll."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from aggregator.cadence import due, floors, rhythm
from aggregator.cadence.redirects import after_redirects
from aggregator.cadence.unchanged import body_hash
from aggregator.model import (
    MAX_RETRY,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    Instant,
    NotModified,
    Source,
    SourceState,
    Validators,
)
from aggregator.settings import Polling

PARSE_FAULTS = frozenset({FaultKind.PARSE, FaultKind.PARSE_LIMIT, FaultKind.NOT_A_FEED, FaultKind.HTML})
NOT_OURS = frozenset({FaultKind.HELD})
"""Faults that say nothing about the source and don't count as its failures."""


def after_poll(
    source: Source,
    state: SourceState,
    outcome: FetchOutcome,
    *,
    new: int,
    arrivals: Sequence[Instant],
    feed: Feed | None,
    now: Instant,
    polling: Polling,
    rng: float,
    timezone: str,
) -> SourceState:
    """The state to store. Pass a document that could not be parsed as `FetchFailed`.

    new: number of entries stored; arrivals: publication times of those that have one; feed: the parsed document, None for a
    304 or an unchanged body; rng: in [0, 1), for the jitter. The caller adds to counters and languages.
    """
    if isinstance(outcome, FetchFailed):
        return _failed(source, state, outcome, now, polling, rng)
    read = _succeeded(state, outcome, new, arrivals, feed, now)
    moved = after_redirects(source, read, outcome, 0)
    plan = due.after_success(source, moved, now, polling, rng, timezone)
    not_before = _bounded_wait(outcome.retry_at, now)
    if not_before > plan.at:
        plan = due.Due(not_before, "the server asked to wait")
    return replace(moved, due=plan.at, not_before=not_before, reason=plan.reason)


def _failed(source: Source, state: SourceState, outcome: FetchFailed, now: Instant, polling: Polling, rng: float) -> SourceState:
    """Validators, body hash and what the last document said stay: a failure says nothing about the document."""
    fault = replace(outcome.fault, retry_at=_bounded_wait(outcome.fault.retry_at, now) or None)
    is_own = fault.kind not in NOT_OURS
    failures = state.failures + (1 if is_own else 0)
    counted = replace(
        state,
        failures=failures,
        parse_failures=state.parse_failures + 1 if fault.kind in PARSE_FAULTS else state.parse_failures,
        last_poll=now,
        last_status=fault.status if fault.status is not None else _status_of(fault.kind),
        last_error=fault.detail,
        last_fault=fault.kind.value,
        gone=fault.kind is FaultKind.GONE,
    )
    moved = after_redirects(source, counted, outcome, failures)
    if counted.gone and state.url != source.url:  # the redirect was wrong: try the configured address once more
        moved = replace(moved, url=source.url, moved_to=None, moved_times=0, gone=False)
    if moved.gone:
        return replace(moved, due=now + due.MAX_BACKOFF, not_before=0.0, reason="gone (410): not polled any more")
    plan = due.after_failure(source, replace(moved, failures=max(failures, 1)), fault, now, polling, rng)
    return replace(moved, due=plan.at, not_before=fault.retry_at or 0.0, reason=plan.reason)


def _status_of(kind: FaultKind) -> int | None:
    """The status of a fault that names none: a parse fault came with a 200, other faults with no answer."""
    return 200 if kind in PARSE_FAULTS else None


def _succeeded(
    state: SourceState,
    outcome: Fetched | NotModified,
    new: int,
    arrivals: Sequence[Instant],
    feed: Feed | None,
    now: Instant,
) -> SourceState:
    """The state with the validators, history and document of this answer, and no failures."""
    read = replace(
        state,
        validators=outcome.validators,
        validators_url=outcome.url if outcome.validators != Validators() else None,
        body_hash=_hash_after(state, outcome),
        last_poll=now,
        last_status=outcome.status,
        last_error=None,
        last_fault=None,
        last_success=now,
        first_success=state.first_success if state.first_success is not None else now,
        last_new=now if new else state.last_new,
        failures=0,
        parse_failures=0 if isinstance(outcome, Fetched) else state.parse_failures,
        gone=False,
        hints=floors.merge_hints(state.hints, feed.hints if feed else None, outcome.hints),
        arrivals=rhythm.remember_arrivals(state.arrivals, _arrivals_of(state, new, arrivals, now), now),
        entries=state.entries + new,
    )
    return read if feed is None else _with_feed(read, feed)


def _arrivals_of(state: SourceState, new: int, arrivals: Sequence[Instant], now: Instant) -> Sequence[Instant]:
    """Publication times; now for entries without any, except at a first poll, where they may be of any age."""
    return (now,) if new and not arrivals and state.first_success is not None else arrivals


def _hash_after(state: SourceState, outcome: Fetched | NotModified) -> bytes:
    """A delta (226, RFC 3229) is not the whole document, so the next body must be read whatever it is."""
    if isinstance(outcome, NotModified):
        return state.body_hash
    return b"" if outcome.status == 226 else outcome.body_hash or body_hash(outcome.body)


def _with_feed(state: SourceState, feed: Feed) -> SourceState:
    """The state with what the document says about itself."""
    return replace(
        state,
        title=feed.title or state.title,
        home=feed.url or state.home,
        format=feed.format,
        language=feed.language or state.language,
        notes=feed.warnings,
    )


def _bounded_wait(retry_at: Instant | None, now: Instant) -> Instant:
    """Retry-After within MAX_RETRY; 0 if there is none."""
    return 0.0 if retry_at is None or retry_at <= now else min(retry_at, now + MAX_RETRY)
