"""Polls of a source whose hub pushes are a fallback, so they are rare."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import Instant, Source, SourceState
from aggregator.settings import Polling

FALLBACK = 6 * 3_600.0
"""Seconds between two polls of a pushed source: what the hub fails to deliver still arrives."""


def delay_while_pushed(source: Source, state: SourceState, pushed_until: Instant, now: Instant, polling: Polling) -> SourceState:
    """Delays the next poll to FALLBACK while the hub pushes, unless `every` at the source is strict."""
    if getattr(source.every, "strict", False):
        return state
    later = min(now + min(FALLBACK, polling.max), pushed_until)
    return state if state.due >= later else replace(state, due=later, reason="pushed by its hub; polled as a fallback")
