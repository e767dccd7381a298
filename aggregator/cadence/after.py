"""The whole next state of a source after a poll."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from aggregator.cadence import due, floors, rhythm
from aggregator.cadence.body import body_hash
from aggregator.cadence.moves import after_moves
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
"""Faults that say nothing about the source: they are not counted as its failures."""


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
    """The state to store. What a document was read as decides, so a parse fault is passed as `FetchFailed`.

    new: entries that were stored; arrivals: the publication times of those that have one; feed: the document as read, None for
    a 304 or the same body again; rng: in [0, 1), for the jitter. Counters and languages are the caller's to add to.
    """
    if isinstance(outcome, FetchFailed):
        return _failed(source, state, outcome, now, polling, rng)
    read = _read(state, outcome, new, arrivals, feed, now)
    moved = after_moves(source, read, outcome, 0)
    plan = due.after_success(source, moved, now, polling, rng, timezone)
    not_before = _bounded(outcome.retry_at, now)
    if not_before > plan.at:
        plan = due.Due(not_before, "the server asked to wait")
    return replace(moved, due=plan.at, not_before=not_before, reason=plan.reason)


def _failed(source: Source, state: SourceState, outcome: FetchFailed, now: Instant, polling: Polling, rng: float) -> SourceState:
    """Validators, body hash and what was read stay: an error says nothing about the document."""
    fault = replace(outcome.fault, retry_at=_bounded(outcome.fault.retry_at, now) or None)
    ours = fault.kind not in NOT_OURS
    failures = state.failures + (1 if ours else 0)
    told = replace(
        state,
        failures=failures,
        parse_failures=state.parse_failures + 1 if fault.kind in PARSE_FAULTS else state.parse_failures,
        last_poll=now,
        last_status=fault.status if fault.status is not None else _status_of(fault.kind, state),
        last_error=fault.detail,
        last_fault=fault.kind.value,
        gone=fault.kind is FaultKind.GONE,
    )
    moved = after_moves(source, told, outcome, failures)
    if told.gone and state.url != source.url:
        moved = replace(moved, url=source.url, moved_to=None, moved_times=0, gone=False)  # the move was wrong: ask once more
    if moved.gone:
        return replace(moved, due=now + due.MAX_BACKOFF, not_before=0.0, reason="gone (410): not polled any more")
    plan = due.after_failure(source, replace(moved, failures=max(failures, 1)), fault, now, polling, rng)
    return replace(moved, due=plan.at, not_before=fault.retry_at or 0.0, reason=plan.reason)


def _status_of(kind: FaultKind, state: SourceState) -> int | None:
    """A fault of the parser came with the 200 that is told elsewhere; other faults without a status had no answer."""
    return 200 if kind in PARSE_FAULTS else None


def _read(
    state: SourceState,
    outcome: Fetched | NotModified,
    new: int,
    arrivals: Sequence[Instant],
    feed: Feed | None,
    now: Instant,
) -> SourceState:
    """The state with what this answer told: validators, document, history, no failure."""
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
        hints=floors.merged(state.hints, feed.hints if feed else None, outcome.hints),
        arrivals=rhythm.remembered(state.arrivals, _seen(state, new, arrivals, now), now),
        entries=state.entries + new,
    )
    return read if feed is None else _described(read, feed)


def _seen(state: SourceState, new: int, arrivals: Sequence[Instant], now: Instant) -> Sequence[Instant]:
    """Publication times, or the sight of entries without any; at a first poll these may be of any age, and tell nothing."""
    return (now,) if new and not arrivals and state.first_success is not None else arrivals


def _hash_after(state: SourceState, outcome: Fetched | NotModified) -> bytes:
    """A delta (226) is not the document; after it the whole one must be read again."""
    if isinstance(outcome, NotModified):
        return state.body_hash
    return b"" if outcome.status == 226 else body_hash(outcome.body)


def _described(state: SourceState, feed: Feed) -> SourceState:
    """What the document says about itself."""
    return replace(
        state,
        title=feed.title or state.title,
        home=feed.url or state.home,
        format=feed.format,
        language=feed.language or state.language,
        notes=feed.warnings,
    )


def _bounded(retry_at: Instant | None, now: Instant) -> Instant:
    """A server's wish within a week; 0 for none."""
    return 0.0 if retry_at is None or retry_at <= now else min(retry_at, now + MAX_RETRY)
