"""What a clock that was set back leaves behind: times that lie ahead of now, and would be waited for. Pure.

A poll can't have been made in the future. Where the store says so, the clock was wrong then, and every time that was reckoned
from it is moved by as much.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from aggregator.model import Instant, SourceState
from aggregator.ports import Delivery

SLACK = 60.0
"""Seconds that a clock may go back by without a trace: corrections are smaller."""
FARTHEST_FIRST = 8 * 86_400.0
"""Seconds until a source's first poll at most: it is due at once, but for a host that asked for a week's peace."""
FARTHEST_DELIVERY = 86_400.0
"""Seconds until the next try of a delivery at most (`publish.websub`)."""


def healed(state: SourceState, now: Instant) -> SourceState | None:
    """The state as if its last poll had been made now, with the same interval: sources stay spread. None if it is fine."""
    if state.last_poll is None:
        return replace(state, due=now, not_before=0.0) if state.due > now + FARTHEST_FIRST else None
    if state.last_poll <= now + SLACK:
        return None
    ahead = state.last_poll - now
    return replace(
        state,
        due=max(now, state.due - ahead),
        not_before=max(0.0, state.not_before - ahead),
        last_poll=now,
        last_success=_past(state.last_success, now),
        first_success=_past(state.first_success, now),
        last_new=_past(state.last_new, now),
        arrivals=tuple(at for at in state.arrivals if at <= now),
        reason="the clock was set back",
    )


def brought_forward(deliveries: Iterable[Delivery], now: Instant) -> list[Delivery]:
    """Those that no back-off can have put off so far, due now."""
    return [
        replace(one, created=min(one.created, now), due=now) for one in deliveries if one.due > now + FARTHEST_DELIVERY + SLACK
    ]


def _past(at: Instant | None, now: Instant) -> Instant | None:
    return None if at is None else min(at, now)
