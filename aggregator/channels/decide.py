"""Decides what the next message to a channel tells, and what follows from how it went. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant
from aggregator.ports import SENT, UNKNOWN, Delivery, Sent
from aggregator.publish.messages.channel_states import ChannelState
from aggregator.settings import DAY, Rate

MAY_BE_TOLD = 2
"""Times that a message is sent of which nobody knows whether it arrived: a process may be killed at any moment."""
FIRST_RETRY, LAST_RETRY = 60.0, 3600.0
"""Seconds from a failure to the next try; doubled each time up to the second."""
LAST_TRY = DAY
"""Seconds after which a delivery is given up while its channel fails, as with webhooks."""


class Step(Struct, frozen=True):
    """tell: what the next message tells, nothing if none may be sent now; drop: what is given up; state: as it is then."""

    tell: tuple[Delivery, ...] = ()
    drop: tuple[Delivery, ...] = ()
    state: ChannelState = ChannelState()


def choose(state: ChannelState, waiting: Sequence[Delivery], limit: Rate, now: Instant) -> Step:
    """What the next message tells. waiting: oldest first.

    Each story has a message of its own until one message is left of the limit: that one tells all that waits.
    """
    drop = _given_up(state, waiting, now)
    kept = [one for one in waiting if one not in drop]
    again = [one for one in kept if one.subject in state.under_way]
    unsure = tuple(again) if state.tries >= MAY_BE_TOLD else ()
    state = replace(state, lost=state.lost + len(drop))
    if unsure or not again:
        state = replace(state, under_way=(), tries=0)
    step = Step((), (*drop, *unsure), state)
    if drop or unsure or now < state.retry or not kept:
        return step
    if again:
        return replace(step, tell=tuple(again))
    free = limit.count - sum(at > now - limit.seconds for at in state.sent)
    if free <= 0:
        return step
    return replace(step, tell=tuple(kept if free == 1 else kept[:1]))


def _given_up(state: ChannelState, waiting: Sequence[Delivery], now: Instant) -> tuple[Delivery, ...]:
    return tuple(one for one in waiting if state.failures and one.created + LAST_TRY < now)


def begin(state: ChannelState, told: Collection[Delivery], limit: Rate, now: Instant) -> ChannelState:
    """The state to store right before a message is sent."""
    recent = tuple(at for at in state.sent if now - limit.seconds < at <= now)
    return replace(state, sent=(*recent, now), under_way=tuple(one.subject for one in told), tries=state.tries + 1)


def end(state: ChannelState, sent: Sent, now: Instant) -> ChannelState:
    """The state after a message. One that certainly did not arrive may be sent as often as needed."""
    if sent.outcome == SENT:
        return ChannelState(sent=state.sent)
    failures = state.failures + 1
    retry = now + min(FIRST_RETRY * 2 ** min(state.failures, 10), LAST_RETRY)
    since = now if state.since is None else state.since
    after = replace(state, failures=failures, since=since, retry=retry, error=sent.why)
    return after if sent.outcome == UNKNOWN else replace(after, sent=state.sent[:-1], under_way=(), tries=0)


def correct(state: ChannelState, now: Instant) -> ChannelState:
    """The state without times in the future, as a clock that was set back leaves them."""
    sent = tuple(at for at in state.sent if at <= now)
    retry = state.retry if state.retry <= now + LAST_RETRY else now
    return state if (sent, retry) == (state.sent, state.retry) else replace(state, sent=sent, retry=retry)
