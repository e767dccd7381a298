"""Which published feeds a story belongs in: pure decisions, which the poll stores and `why` can print."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from aggregator.model import BEING_POLLED, Instant, Slug, SourceState, Story
from aggregator.ports import OutputState


class Placement(Struct, frozen=True):
    """What changes in the feeds for one story. stay: feeds it was in and stays in: their documents show it anew.

    reasons: for every feed that was wanted or left, why.
    """

    enter: tuple[Slug, ...] = ()
    leave: tuple[Slug, ...] = ()
    stay: tuple[Slug, ...] = ()
    reasons: Mapping[Slug, str] = field(default_factory=dict)


def place(
    story: Story,
    wanted: Collection[Slug],
    current: Collection[Slug],
    outputs: Mapping[Slug, OutputState],
    *,
    now: Instant,
    settle: float = 0.0,
) -> Placement:
    """Decides for one story: `wanted` are the feeds whose queries match it, `current` those it is in.

    A story that is taken down or has become another's alias leaves everything. A backlog story (`old`) enters only feeds that
    are still being filled, one beyond its source's budget (`excess`) none; one that is in stays in. A new story waits `settle`
    seconds for a better lead.
    """
    if story.dropped or story.alias_of is not None:
        reason = "taken down" if story.dropped else f"is now {story.alias_of}"
        return Placement(leave=tuple(sorted(current)), reasons=dict.fromkeys(current, reason))
    enter: list[Slug] = []
    leave = sorted(set(current).difference(wanted))
    reasons = dict.fromkeys(leave, "no longer matches")
    for slug in sorted(set(wanted).difference(current)):
        state = outputs.get(slug)
        if story.excess:
            reasons[slug] = "beyond its source's budget of the day"
        elif story.old and not (state is not None and state.filling):
            reasons[slug] = "backlog of a new source: the feed is read already"
        elif now < story.first_seen + settle and not story.old:
            reasons[slug] = "held back for a better lead"
        else:
            enter.append(slug)
            reasons[slug] = "matches"
    return Placement(tuple(enter), tuple(leave), tuple(sorted(set(current).intersection(wanted))), reasons)


def is_filled(states: Iterable[SourceState], now: Instant) -> bool:
    """Whether a new feed has had its chance of every source's backlog: each was asked once, or has to wait, or is not polled.

    states: of the enabled sources.
    """
    return all(
        state.last_poll is not None or state.gone or (state.due > now and state.reason != BEING_POLLED) for state in states
    )
