"""Which feeds a story enters, stays in, and leaves."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.model import BEING_POLLED, ItemId, Slug, SourceId, SourceState, Story, StoryId
from aggregator.ports import OutputState
from aggregator.publish.selection import filling
from aggregator.stories.membership import decide_membership
from tests.unit.publish.samples import NOON, item

A, B = Slug("a"), Slug("b")
OUTPUTS = {A: OutputState(A, b"", filling=False), B: OutputState(B, b"", filling=True)}
PLAIN = Story(StoryId("s"), (replace(item(1), id=ItemId(1)),), ItemId(1), published=NOON, first_seen=NOON, updated=NOON)


@pytest.mark.parametrize(
    ("story", "wanted", "current", "enter", "leave", "stay"),
    [
        (PLAIN, {A, B}, set(), (A, B), (), ()),
        (PLAIN, {A}, {A, B}, (), (B,), (A,)),
        (replace(PLAIN, old=True), {A, B}, set(), (B,), (), ()),
        (replace(PLAIN, old=True), {A}, {A}, (), (), (A,)),
        (replace(PLAIN, dropped=True), {A, B}, {A}, (), (A,), ()),
        (replace(PLAIN, alias_of=StoryId("t")), {A}, {A, B}, (), (A, B), ()),
    ],
    ids=["new", "no longer", "backlog enters what is filled", "backlog stays", "taken down", "alias"],
)
def test_decide_membership(
    story: Story, wanted: set[Slug], current: set[Slug], enter: tuple[Slug, ...], leave: tuple[Slug, ...], stay: tuple[Slug, ...]
) -> None:
    placed = decide_membership(story, wanted, current, OUTPUTS, now=NOON)
    assert (placed.enter, placed.leave, placed.stay) == (enter, leave, stay)
    assert set(placed.reasons) >= {*enter, *leave}


def test_a_new_story_waits_for_a_better_lead() -> None:
    early = decide_membership(PLAIN, {A}, set(), OUTPUTS, now=NOON + 59, settle=60)
    assert (early.enter, early.reasons) == ((), {A: "held back for a better lead"})
    assert decide_membership(PLAIN, {A}, set(), OUTPUTS, now=NOON + 60, settle=60).enter == (A,)


def test_a_feed_is_filled_when_every_source_was_asked_or_has_to_wait() -> None:
    asked = SourceState(SourceId("a"), "https://a.example/", last_poll=NOON)
    new, gone, waiting = (replace(asked, last_poll=None, **one) for one in ({}, {"gone": True}, {"due": NOON + 5}))
    assert filling.is_filled([asked, gone, waiting], NOON, is_any_read=False)
    assert not filling.is_filled([asked, new], NOON, is_any_read=True)
    assert not filling.is_filled([asked, replace(new, due=NOON + 60, reason=BEING_POLLED)], NOON, is_any_read=True)


def test_nothing_is_filled_while_no_source_can_be_reached() -> None:
    offline = SourceState(SourceId("a"), "https://a.example/", last_poll=NOON, last_fault="offline")
    assert not filling.is_filled([offline], NOON, is_any_read=False)
    assert filling.is_filled([offline], NOON, is_any_read=True)
