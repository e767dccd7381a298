"""Decides whether a source may be polled now. Checked before a poll, and again when its turn at the host comes."""

from __future__ import annotations

from aggregator.model import Instant, SourceState
from aggregator.ports import Hold
from aggregator.text.times import format_duration


def may_poll(state: SourceState, hold: Hold | None, now: Instant, forced: bool) -> str | None:
    """Why not, or None. forced: a person asked; what the server said (410, Retry-After, holds) binds all the same."""
    if state.gone:
        return "gone (410): not polled any more; change or remove its url"
    if state.not_before > now:
        return f"the server asked to wait {format_duration(state.not_before - now)} more"
    if hold is not None and hold.until > now:
        return f"{hold.domain} is left alone for {format_duration(hold.until - now)} more ({hold.reason})"
    if not forced and state.due > now:
        return f"not due for {format_duration(state.due - now)} ({state.reason})"
    return None
