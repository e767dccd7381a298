"""Permanent redirects: followed for good once three polls in a row agree, taken back if the new address fails."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import FetchFailed, FetchOutcome, Source, SourceState

AGREEING = 3
"""Polls in a row that must lead to the same address by permanent hops (RFC 9110 15.4.2, 15.4.9): some 301s are mistakes."""
PATIENCE = 3
"""Failures in a row at the new address after which the configured one is tried again."""


def after_redirects(source: Source, state: SourceState, outcome: FetchOutcome, failures: int) -> SourceState:
    """The state with `url`, `moved_to` and `moved_times` as they are after this poll. A single failure changes nothing."""
    if isinstance(outcome, FetchFailed):
        if failures >= PATIENCE and state.url != source.url:
            return replace(state, url=source.url, moved_to=None, moved_times=0)
        return state
    hops = outcome.hops
    if not hops or not all(hop.is_permanent for hop in hops):
        return replace(state, moved_to=None, moved_times=0) if state.moved_to else state
    target = outcome.url
    times = state.moved_times + 1 if state.moved_to == target else 1
    if times >= AGREEING:
        return replace(state, url=target, moved_to=None, moved_times=0)
    return replace(state, moved_to=target, moved_times=times)
