"""Decides which published feeds a story belongs in. The poll stores the decisions, and `why` prints them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct, field

from aggregator.model import Instant, Slug, Story
from aggregator.ports import OutputState


class Membership(Struct, frozen=True):
    """The feeds that a story enters, leaves, and stays in. Those it stays in show its new version.

    reasons: feed → reason, for every feed that the story matches or leaves.
    """

    enter: tuple[Slug, ...] = ()
    leave: tuple[Slug, ...] = ()
    stay: tuple[Slug, ...] = ()
    reasons: Mapping[Slug, str] = field(default_factory=dict)


def decide_membership(
    story: Story,
    wanted: Collection[Slug],
    current: Collection[Slug],
    outputs: Mapping[Slug, OutputState],
    *,
    now: Instant,
    settle: float = 0.0,
) -> Membership:
    """Decides for one story. wanted: feeds whose queries match it; current: feeds it is in.

    A story that was taken down or became another's alias leaves all feeds. A backlog story (`old`) enters only feeds that are
    being filled; a story beyond its source's budget (`excess`) enters none. Both stay where they are. A new story waits
    `settle` seconds for a better lead.
    """
    if story.dropped or story.alias_of is not None:
        reason = "taken down" if story.dropped else f"is now {story.alias_of}"
        return Membership(leave=tuple(sorted(current)), reasons=dict.fromkeys(current, reason))
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
    return Membership(tuple(enter), tuple(leave), tuple(sorted(set(current).intersection(wanted))), reasons)
