"""Corrects stored times that lie in the future because the clock was set back: sources would wait for them. Pure.

No poll was made in the future. If the store says so, the clock was wrong then, and all times computed from it move back by the
same amount. A clock that was set forward is not trusted for some hours with what can't be undone: retention.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from aggregator.model import Instant, SourceState
from aggregator.ports import Delivery

SLACK = 60.0
"""Seconds that a clock may go back without any correction: time synchronisation moves it by less."""
FARTHEST_FIRST = 8 * 86_400.0
"""Longest wait for a source's first poll, in seconds: it is due at once unless its host asked to wait, for a week at most."""
FARTHEST_DELIVERY = 86_400.0
"""Longest wait for the next try of a delivery (`publish.websub`), in seconds."""
DOUBT = 6 * 3_600.0
"""Seconds after a jump ahead during which nothing expires: time for a person, or the time service, to correct the clock."""
AHEAD = 3_600.0
"""Seconds that the clock must have been set forward to be doubted."""


class Doubt:
    """Whether the wall clock was set forward lately, as the monotonic clock tells. It also was, for us, if we were suspended."""

    def __init__(self, now: Instant, monotonic: float) -> None:
        self._ahead = now - monotonic
        self._until = monotonic

    def lasts(self, now: Instant, monotonic: float) -> bool:
        """Compares the clocks. A clock that is set back again is trusted at once."""
        moved = now - monotonic - self._ahead
        self._ahead += moved
        if moved > AHEAD:
            self._until = monotonic + DOUBT
        elif moved < -AHEAD:
            self._until = monotonic
        return monotonic < self._until


def correct_state(state: SourceState, now: Instant) -> SourceState | None:
    """Returns the state as if the last poll had been made now; None if it needs no correction.

    The interval stays, so sources remain spread over time.
    """
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
        last_success=_at_most(state.last_success, now),
        first_success=_at_most(state.first_success, now),
        last_new=_at_most(state.last_new, now),
        arrivals=tuple(at for at in state.arrivals if at <= now),
        reason="the clock was set back",
    )


def correct_deliveries(deliveries: Iterable[Delivery], now: Instant) -> list[Delivery]:
    """Returns the deliveries that are due later than any back-off allows, made due now."""
    return [
        replace(delivery, created=min(delivery.created, now), due=now)
        for delivery in deliveries
        if delivery.due > now + FARTHEST_DELIVERY + SLACK
    ]


def _at_most(at: Instant | None, now: Instant) -> Instant | None:
    return None if at is None else min(at, now)
